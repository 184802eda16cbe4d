"""What an event is to the outbox."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

from headwater.outbox.errors import InvalidFieldError


class Outboxable(Protocol):
    """A domain event that can be published. Attributes, properties and class variables all do."""

    @property
    def aggregate_id(self) -> str:
        """Which aggregate changed; the key that its events are ordered by."""

    @property
    def aggregate_type(self) -> str:
        """What kind of aggregate it is, such as `Course`; events are routed to topics by it."""

    @property
    def type(self) -> str:
        """What happened, such as `CoursePostedEvent`."""

    @property
    def payload(self) -> object:
        """What consumers are told: a dict, list, dataclass or Pydantic model, not its JSON text."""


@dataclass(frozen=True, slots=True)
class Event:
    """An `Outboxable` for when a class of one's own is not worth it."""

    aggregate_type: str
    aggregate_id: str
    type: str
    payload: object


_MEMBERS = tuple(field.name for field in fields(Event))


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What a class of events says of itself in ``__outbox__``.

    ``type``   the kind of aggregate that its events tell of
    ``id``     the name of the attribute that holds the aggregate's id; anything but a `str` is written by ``str()``
    ``event``  the events' type; the class's name unless it is given
    """

    type: str
    id: str
    event: str | None = None


class DescribedEvent(Protocol):
    """A dataclass or Pydantic model that is itself the payload, and says with ``__outbox__`` what it tells of."""

    __outbox__: ClassVar[Aggregate]


Publishable = Outboxable | DescribedEvent
"""What `publish` takes."""


def outboxable(event: Publishable) -> Event:
    """The event's four members, wherever it has them. Raises InvalidFieldError where it hasn't."""
    name = type(event).__name__
    described: object = getattr(event, "__outbox__", None)
    if described is None:
        return Event(*(_member(event, member, member) for member in _MEMBERS))
    if not isinstance(described, Aggregate):
        raise InvalidFieldError(name, "__outbox__", f"must be an Aggregate, not {type(described).__name__}")
    aggregate_id = _member(event, described.id, "aggregate_id")
    return Event(
        aggregate_type=described.type,
        aggregate_id="" if aggregate_id is None else str(aggregate_id),
        type=described.event or name,
        payload=event,
    )


def _member(event: object, attribute: str, field: str) -> Any:
    try:
        return getattr(event, attribute)
    except AttributeError as error:
        problem = (
            f"is missing, there is no attribute {attribute!r}: publish a dataclass or Pydantic model with __outbox__"
        )
        raise InvalidFieldError(type(event).__name__, field, f"{problem}, or an Event") from error
