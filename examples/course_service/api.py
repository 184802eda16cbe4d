"""The REST API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, TypedDict

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import AliasGenerator, BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel
from sqlalchemy import URL

from examples.course_service.course import CourseDocument
from examples.course_service.database import OUTBOX_TABLE, open_database
from examples.course_service.service import CourseNotFoundError, CourseService
from headwater.outbox.sqlalchemy import Outbox


class NewCourse(BaseModel):
    """What a teacher gives to create a course."""

    model_config = ConfigDict(alias_generator=to_camel)

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    teacher_id: Annotated[str, StringConstraints(min_length=1, max_length=36)]
    thumbnail: Annotated[str, StringConstraints(max_length=255)] = ""
    description: Annotated[str, StringConstraints(max_length=10_000)] = ""


class CourseId(BaseModel):
    """The course that a command was about."""

    model_config = ConfigDict(alias_generator=AliasGenerator(serialization_alias=to_camel))

    course_id: str


class State(TypedDict):
    """What lives as long as the service runs."""

    courses: CourseService


def course_service(request: Request) -> CourseService:
    courses: CourseService = request.state.courses
    return courses


Courses = Annotated[CourseService, Depends(course_service)]
router = APIRouter(prefix="/courses")


@router.post("", status_code=201)
async def create_course(new: NewCourse, courses: Courses) -> CourseId:
    course = await courses.create(**new.model_dump())
    return CourseId(course_id=course.course_id)


@router.get("/{course_id}")
async def get_course(course_id: str, courses: Courses) -> CourseDocument:
    return CourseDocument.model_validate(await courses.get(course_id))


@router.post("/{course_id}/post")
async def post_course(course_id: str, courses: Courses) -> CourseId:
    await courses.post(course_id)
    return CourseId(course_id=course_id)


@router.post("/{course_id}/unpost")
async def unpost_course(course_id: str, courses: Courses) -> CourseId:
    await courses.unpost(course_id)
    return CourseId(course_id=course_id)


async def not_found(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_code=404)


def create_app(database_url: URL) -> FastAPI:
    """The service, on a database whose tables it creates when it starts."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        async with open_database(database_url) as sessions:
            yield State(courses=CourseService(sessions, Outbox(OUTBOX_TABLE)))

    app = FastAPI(title="Course service", lifespan=lifespan)
    app.include_router(router)
    app.add_exception_handler(CourseNotFoundError, not_found)
    return app
