"""The loop: polls a consumer, has each message handled in its partition's order, commits what is behind.

A message that fails holds its own partition only: that one is paused until its next attempt, the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from headwater.consumer import Consumer, Message, TopicPartition
from headwater.inbox.attempt import PassingError
from headwater.inbox.dead_letters import DeadLetters, Failure
from headwater.inbox.errors import HandlerError, InboxError, RejectedMessageError
from headwater.inbox.retry import Retry
from headwater.sink import RetriableSinkError

log = structlog.get_logger(__name__)

COMMIT_SECONDS = 1.0
"""How often offsets are committed. What is read again after a crash is recognised by its id."""
POLL_SECONDS = 0.25
"""How long a poll waits, and so how soon a stop is noticed."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A partition that waits for its next attempt at the message it stands at."""

    offset: int
    attempts: int
    """Those that count."""
    passing: int
    """Those in a row that didn't."""
    due: float
    """A monotonic time."""


@dataclass
class Delivery:
    """Delivers messages of ``topics`` to ``handle`` until told to stop; one thread's.

    ``handle`` gives False for a message that is known already; it raises `PassingError` where the attempt doesn't
    count, `InboxError` where all is to stop, and anything else for an attempt that failed.
    """

    consumer: Consumer
    topics: Sequence[str]
    name: str
    handle: Callable[[Message], bool]
    retry: Retry
    dead_letters: DeadLetters | None
    _handled: dict[TopicPartition, int] = field(default_factory=dict)
    """What is to be read next of each partition, as far as it is not committed."""
    _held: dict[TopicPartition, _Held] = field(default_factory=dict)
    _committed_at: float = 0.0

    def run(self, stopping: Callable[[], bool]) -> None:
        """Deliver until ``stopping``. Raises `ConsumerError`, `InboxError` or `SinkError`."""
        self.consumer.subscribe(self.topics, self)
        try:
            while not stopping():
                self._resume_due()
                for message in self.consumer.poll(self._poll_seconds()):
                    self._deliver(message)
                if time.monotonic() - self._committed_at >= COMMIT_SECONDS:
                    self._commit(self._handled)
        finally:
            self._commit(self._handled)
            self.consumer.close()
            if self.dead_letters is not None:
                self.dead_letters.close()

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """As `headwater.consumer.RebalanceListener.assigned`."""
        log.info("partitions assigned", consumer=self.name, partitions=[f"{each[0]}-{each[1]}" for each in partitions])

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """As `headwater.consumer.RebalanceListener.revoked`."""
        log.info("partitions revoked", consumer=self.name, partitions=[f"{each[0]}-{each[1]}" for each in partitions])
        self._commit({partition: self._handled[partition] for partition in partitions if partition in self._handled})
        self._forget(partitions)

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        """As `headwater.consumer.RebalanceListener.lost`."""
        log.warning("partitions lost", consumer=self.name, partitions=[f"{each[0]}-{each[1]}" for each in partitions])
        self._forget(partitions)

    def _forget(self, partitions: Sequence[TopicPartition]) -> None:
        for partition in partitions:
            self._handled.pop(partition, None)
            self._held.pop(partition, None)

    def _commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        if offsets and self.consumer.commit(offsets):
            for partition in list(offsets):
                del self._handled[partition]
        self._committed_at = time.monotonic()

    def _deliver(self, message: Message) -> None:
        before = self._held.get(message.place)
        held = before if before is not None and before.offset == message.offset else _Held(message.offset, 0, 0, 0.0)
        try:
            if not self.handle(message):
                log.debug("a message is known already", consumer=self.name, message=str(message))
        except PassingError as error:
            self._hold(message, held.attempts, held.passing + 1, str(error))
            return
        except InboxError:
            raise
        except Exception as error:
            if not self._settle(message, held.attempts + 1, error):
                return
        self._held.pop(message.place, None)
        self._handled[message.place] = message.offset + 1

    def _settle(self, message: Message, attempts: int, error: Exception) -> bool:
        """Whether the message is done with after its attempt failed: as a dead letter."""
        if attempts < self.retry.attempts and not isinstance(error, RejectedMessageError):
            self._hold(message, attempts, 0, f"{type(error).__name__}: {error}")
            return False
        if self.dead_letters is None:
            raise HandlerError(str(message), attempts, error) from error
        try:
            self.dead_letters.deliver(message, Failure(self.name, attempts, error))
        except RetriableSinkError as refused:
            self._hold(message, attempts - 1, 1, str(refused))  # so that this attempt is made once more
            return False
        return True

    def _hold(self, message: Message, attempts: int, passing: int, reason: str) -> None:
        """Have the message given again, later."""
        wait = self.retry.wait(passing or attempts)
        log.warning(
            "a message is tried again",
            consumer=self.name,
            message=str(message),
            attempts=attempts,
            seconds=wait,
            error=reason,
        )
        self.consumer.pause(message.place)
        self.consumer.seek(message.place, message.offset)
        self._held[message.place] = _Held(message.offset, attempts, passing, time.monotonic() + wait)

    def _resume_due(self) -> None:
        now = time.monotonic()
        for partition, held in self._held.items():
            if held.due <= now:
                self.consumer.resume(partition)

    def _poll_seconds(self) -> float:
        now = time.monotonic()
        waits = [held.due - now for held in self._held.values() if held.due > now]
        return max(0.0, min(POLL_SECONDS, *waits)) if waits else POLL_SECONDS
