"""Reading topics from their beginning into a view, in batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import structlog

from headwater.consumer import Consumer, ConsumerError, Message, TopicPartition
from headwater.inbox.retry import Retry
from headwater.projection.errors import ViewError
from headwater.projection.view import Change, Truncation, View

log = structlog.get_logger(__name__)

BATCH = 500
"""Messages in one transaction."""
POLL_SECONDS = 0.25
SILENCE_SECONDS = 120.0
"""How long the brokers may give nothing before the end is reached."""


class Replay:
    """A member of a group of its own, for a ``with`` block; an event that can't be read ends it."""

    def __init__(
        self,
        consumer: Consumer,
        topics: Sequence[str],
        change: Callable[[Message], Change | Truncation | None],
        retry: Retry,
    ) -> None:
        self.messages = 0
        self._consumer = consumer
        self._topics = topics
        self._change = change
        self._retry = retry

    def read_to_end(self, view: View) -> None:
        """Go on until what the topics hold now is in ``view``."""
        ends = self._ends()
        heard = time.monotonic()
        while not self._has_read(ends):
            messages = self._consumer.poll(POLL_SECONDS, BATCH)
            if messages:
                heard = time.monotonic()
                changes = [change for message in messages if (change := self._change(message)) is not None]
                self._apply(view, changes)
                self.messages += len(messages)
                if any(isinstance(change, Truncation) for change in changes):
                    ends = self._ends()  # it took what others had written from further on, too
            elif time.monotonic() - heard > SILENCE_SECONDS:
                raise ConsumerError(f"the topics' end was not reached: nothing came for {SILENCE_SECONDS:.0f} seconds")

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """As `headwater.consumer.RebalanceListener.assigned`."""

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """As `headwater.consumer.RebalanceListener.revoked`; nothing is committed, it would be read again."""

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        """As `headwater.consumer.RebalanceListener.lost`."""

    def __enter__(self) -> Self:
        self._consumer.subscribe(self._topics, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def _ends(self) -> Mapping[TopicPartition, tuple[int, int]]:
        ends = self._consumer.ends(self._topics)
        if missing := sorted(set(self._topics) - {partition.topic for partition in ends}):
            raise ConsumerError(f"there is nothing to rebuild from: no topic {', '.join(missing)}")
        return ends

    def _has_read(self, ends: Mapping[TopicPartition, tuple[int, int]]) -> bool:
        read_to = self._consumer.read_to()
        return all(read_to.get(partition, first) >= end for partition, (first, end) in ends.items())

    def _apply(self, view: View, changes: Sequence[Change | Truncation]) -> None:
        attempts = 0
        while True:
            try:
                view.apply(changes)
            except Exception as error:
                if not view.is_passing(error):
                    raise ViewError(error) from error
                attempts += 1
                wait = self._retry.wait(attempts)
                log.warning("a batch is tried again", seconds=wait, error=f"{type(error).__name__}: {error}")
                time.sleep(wait)
            else:
                return
