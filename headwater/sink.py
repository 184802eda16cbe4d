"""What a sink is: it takes messages in order and says when all of them are safe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Headers = list[tuple[str, bytes | None]]
Message = tuple[int, str, bytes | None, bytes | None, Headers | None, int, int]
"""What a planned function gives for each message.

(row number in its log event, topic, key, value, headers, partition or `ANY_PARTITION`, timestamp or `NOW`): the
timestamp in milliseconds since 1970.
"""
ANY_PARTITION, NOW = -1, 0
"""The sink chooses the partition, by the key; and takes the time of sending."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that a sink makes when it is opened, unless it exists."""

    name: str
    partitions: int
    replication_factor: int


class SinkError(Exception):
    """A message can't be delivered and trying again won't help: says the topic, the cause and what to do."""


class RetriableSinkError(SinkError):
    """Delivery failed for now; nothing that was sent since the last `Sink.flush` may be taken as delivered."""


class Sink(Protocol):
    """Delivers messages; used by one thread.

    Any method may raise `SinkError` for a message sent earlier: delivery is asynchronous. After an error the
    sink is closed, and the messages since the last successful `flush` are sent again through a new one.
    """

    def open(self) -> None:
        """Connect, and check what can be checked before the first message."""

    def send(self, messages: Sequence[Message]) -> None:
        """Take messages for delivery, in order for each topic and key; blocks while too many are under way."""

    def flush(self, timeout: float) -> bool:
        """Wait until every message taken so far is acknowledged: the barrier before an offset is stored.

        False if that took more than ``timeout`` seconds; the messages stay under way.
        """

    def unacknowledged(self) -> int:
        """How many messages are under way; asked from another thread, at any moment."""

    def close(self, timeout: float) -> None:
        """Let go of the connection; wait at most ``timeout`` seconds for messages that are under way."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """How far a connector has read its log, where a sink keeps that.

    ``offset``   behind what was delivered
    ``history``  what the schema history has gained since the task's store was written last
    ``stored``   the offset in the task's store then: where it has another now, that was put there by hand
    """

    offset: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    stored: Mapping[str, Any] | None


@runtime_checkable
class OffsetSink(Sink, Protocol):
    """A sink that keeps offsets with the messages, both in one transaction: what it delivers is there exactly once."""

    def delivered(self, partition: Mapping[str, str]) -> Delivered | None:
        """How far the connector has delivered a log; None where nothing was."""

    def commit(self, partition: Mapping[str, str], delivered: Delivered) -> None:
        """Store the messages taken so far, and how far that is: all or nothing, durably.

        Raises `SinkError` where another task has delivered since `delivered` was asked.
        """
