"""What happens to a course. Each event carries the course as it is after the change."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from examples.course_service.course import Course, CourseDocument


@dataclass(frozen=True)
class CourseEvent:
    """An event that `headwater.outbox` can publish."""

    aggregate_type: ClassVar[str] = "Course"

    aggregate_id: str
    payload: dict[str, Any]

    @property
    def type(self) -> str:
        return type(self).__name__

    @classmethod
    def of(cls, course: Course) -> Self:
        document = CourseDocument.model_validate(course)
        return cls(course.course_id, document.model_dump(by_alias=True))


class CourseCreatedEvent(CourseEvent):
    """A teacher created a course."""


class CoursePostedEvent(CourseEvent):
    """A course became visible to students."""


class CourseUnpostedEvent(CourseEvent):
    """A course was taken back."""
