"""A course: what it is, how it is stored, and how it looks as JSON."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AliasGenerator, BaseModel, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel
from sqlalchemy import CHAR, DateTime, String, Text
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.orm import Mapped, mapped_column

from examples.course_service.database import Base

MILLISECONDS = DateTime().with_variant(DATETIME(fsp=3), "mysql")
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  a database's DATETIME has no time zone; these hold UTC


def now() -> datetime:
    """UTC without time zone, in the milliseconds that the columns hold."""
    time = datetime.now(UTC).replace(tzinfo=None)
    return time - timedelta(microseconds=time.microsecond % 1000)


def epoch_millis(time: datetime) -> int:
    return (time - EPOCH) // timedelta(milliseconds=1)


class Course(Base):
    """The aggregate. Only its own methods change it."""

    __tablename__ = "course"

    course_id: Mapped[str] = mapped_column(CHAR(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    teacher_id: Mapped[str] = mapped_column(CHAR(36))
    thumbnail: Mapped[str] = mapped_column(String(255))
    description: Mapped[str] = mapped_column(Text)
    posted: Mapped[bool] = mapped_column(default=False)
    registered_at: Mapped[datetime] = mapped_column(MILLISECONDS)
    last_updated_at: Mapped[datetime] = mapped_column(MILLISECONDS)

    def post(self) -> None:
        self.posted = True
        self.last_updated_at = now()

    def unpost(self) -> None:
        self.posted = False
        self.last_updated_at = now()


EpochMillis = Annotated[datetime, PlainSerializer(epoch_millis, return_type=int)]


class CourseDocument(BaseModel):
    """A course as its events and the API show it: camelCase members, times in milliseconds since 1970."""

    model_config = ConfigDict(alias_generator=AliasGenerator(serialization_alias=to_camel), from_attributes=True)

    course_id: str
    name: str
    teacher_id: str
    thumbnail: str
    description: str
    posted: bool
    registered_at: EpochMillis
    last_updated_at: EpochMillis
