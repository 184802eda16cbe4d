"""The use cases. In each, the course's row and the event's row are written in one transaction."""

from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from examples.course_service.course import Course, now
from examples.course_service.events import CourseCreatedEvent, CoursePostedEvent, CourseUnpostedEvent
from headwater.outbox.sqlalchemy import Outbox


class CourseNotFoundError(LookupError):
    """There is no course with this id."""

    def __init__(self, course_id: str) -> None:
        super().__init__(f"there is no course with id {course_id!r}")


class CourseService:
    """Creates, finds, posts and unposts courses."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], outbox: Outbox) -> None:
        self._sessions = sessions
        self._outbox = outbox

    async def create(self, *, name: str, teacher_id: str, thumbnail: str, description: str) -> Course:
        time = now()
        course = Course(
            course_id=str(uuid4()),
            name=name,
            teacher_id=teacher_id,
            thumbnail=thumbnail,
            description=description,
            posted=False,
            registered_at=time,
            last_updated_at=time,
        )
        async with self._sessions.begin() as session:
            session.add(course)
            await self._outbox.publish_async(session, CourseCreatedEvent.of(course))
        return course

    async def get(self, course_id: str) -> Course:
        async with self._sessions() as session:
            course = await session.get(Course, course_id)
        if course is None:
            raise CourseNotFoundError(course_id)
        return course

    async def post(self, course_id: str) -> None:
        async with self._sessions.begin() as session:
            course = await self._for_update(session, course_id)
            course.post()
            await self._outbox.publish_async(session, CoursePostedEvent.of(course))

    async def unpost(self, course_id: str) -> None:
        async with self._sessions.begin() as session:
            course = await self._for_update(session, course_id)
            course.unpost()
            await self._outbox.publish_async(session, CourseUnpostedEvent.of(course))

    async def _for_update(self, session: AsyncSession, course_id: str) -> Course:
        # Locked: of two requests at once, the later event must tell of the later state.
        course = await session.get(Course, course_id, with_for_update=True)
        if course is None:
            raise CourseNotFoundError(course_id)
        return course
