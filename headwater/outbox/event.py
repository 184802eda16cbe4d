"""What an event is to the outbox."""

from typing import Protocol


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
        """What consumers are told: an object that orjson writes (dict, dataclass …), not its JSON text."""
