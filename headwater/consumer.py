"""What a consumer is: it reads topics in a group, and the group remembers how far.

The shape, for whoever implements it: `Consumer.subscribe` once; then `Consumer.poll` again and again, which gives
messages in the order of each partition and tells a `RebalanceListener` from within itself what partitions come and go;
`Consumer.commit` with the offsets that are to be read next; `Consumer.seek`, `Consumer.pause` and `Consumer.resume` for
single partitions that are assigned; `Consumer.close`. All of it is one thread's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class TopicPartition(NamedTuple):
    """A partition of a topic, the unit of order and of what a member of a group is given."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands in its topic. ``timestamp`` is in milliseconds since 1970, None where there is none."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp: int | None = None

    @property
    def place(self) -> TopicPartition:
        """The partition that it stands in."""
        return TopicPartition(self.topic, self.partition)

    def header(self, name: str) -> bytes | None:
        """The last header of that name, which is the one that holds; None where there is none."""
        return next((value for header, value in reversed(self.headers) if header == name), None)

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}@{self.offset}"


class ConsumerError(Exception):
    """Topics can't be read, and trying again won't help: says the cause and what to do."""


class RebalanceListener(Protocol):
    """Is told what partitions come and go; called only while `Consumer.poll` or `Consumer.close` runs."""

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """These are read from now on, each from what the group has committed. None is paused."""

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """These go to another member; what is committed before this returns holds for it."""

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        """These went to another member already: nothing can be committed for them any more."""


class IgnoreRebalances:
    """`RebalanceListener` of a member that keeps nothing by partition."""

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """There is nothing to do."""

    revoked = lost = assigned


class Consumer(Protocol):
    """One member of a group. A group that has committed nothing begins with the oldest message.

    Outages are the consumer's own to mend: `poll` gives nothing meanwhile.
    """

    def subscribe(self, topics: Sequence[str], listener: RebalanceListener) -> None:
        """Join the group for these topics. One that doesn't exist yet is read once it does."""

    def poll(self, timeout: float, most: int = 1) -> list[Message]:
        """At least one message and at most ``most``; none after ``timeout`` seconds without any.

        Raises `ConsumerError`.
        """

    def commit(self, offsets: Mapping[TopicPartition, int]) -> bool:
        """Remember for the group which offset of each partition is to be read next. Raises `ConsumerError`.

        False where that can't be done now (an outage, a partition lost meanwhile): messages may be read again.
        """

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Give the message at ``offset``, or the next one there is, as the partition's next."""

    def pause(self, partition: TopicPartition) -> None:
        """Give none of the partition's messages until `resume`; the member keeps it."""

    def resume(self, partition: TopicPartition) -> None:
        """Give its messages again."""

    def read_to(self) -> Mapping[TopicPartition, int]:
        """Up to which offset each assigned partition was read, as far as it was, what doesn't show (a transaction's
        end) included.
        """

    def ends(self, topics: Sequence[str]) -> Mapping[TopicPartition, tuple[int, int]]:
        """Of every partition, whoever reads it: the offset of its oldest message, and the one that its next will have.

        Partitions of topics that don't exist are left out. Raises `ConsumerError`.
        """

    def close(self) -> None:
        """Leave the group."""
