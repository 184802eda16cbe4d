"""Gives a claim's events to the sink, and finds out which of them it is that can't be delivered.

A sink tells of a failure without telling which message it was. So a batch that failed is sent again event by event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from headwater.converter import ConversionError, RetriableConversionError
from headwater.relay.queue import Aggregate, Failure, QueuedEvent
from headwater.sink import RetriableSinkError, SinkError

if TYPE_CHECKING:
    from headwater.relay.routing import Routing
    from headwater.sink import Message, Sink

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 0.5
"""How long the sink is waited for at a time: in between the lease is seen to."""


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """What becomes of an event that the sink refuses.

    ``attempts``          after so many it is FAILED
    ``initial, longest``  seconds until the next one, doubled each time
    ``hold``              whether one that is FAILED holds those of its aggregate that follow
    """

    attempts: int = 10
    initial: float = 1.0
    longest: float = 60.0
    hold: bool = True

    def failure(self, event: QueuedEvent, reason: Exception, *, final: bool) -> Failure:
        """What to write down; ``final`` where trying again can't help."""
        tried = event.attempts + 1
        over = final or tried >= self.attempts
        delay = min(self.longest, self.initial * 2.0 ** min(tried - 1, 30))
        return Failure(event, str(reason), None if over else delay)

    def blocks(self, failure: Failure) -> bool:
        """Whether events of the same aggregate have to wait."""
        return self.hold or failure.retry_in is not None


@dataclass(slots=True)
class Outcome:
    """What became of a claim's events; those of neither kind wait behind a failure."""

    delivered: list[QueuedEvent] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


class Publisher:
    """Used by one thread; makes a new sink after every failure, as a sink wants."""

    def __init__(self, open_sink: Callable[[], Sink], routing: Routing, policy: FailurePolicy) -> None:
        self._open_sink = open_sink
        self._routing = routing
        self._policy = policy
        self._sink: Sink | None = None

    def connect(self) -> None:
        """Open the sink unless it is. Raises `SinkError`."""
        if self._sink is None:
            sink = self._open_sink()
            try:
                sink.open()
            except SinkError:
                sink.close(0)
                raise
            self._sink = sink

    def publish(self, events: Sequence[QueuedEvent], keep_alive: Callable[[], None]) -> Outcome:
        """Send, and wait until everything is acknowledged.

        ``keep_alive`` is called meanwhile; what it raises ends the wait. Raises `RetriableSinkError` or
        `RetriableConversionError` where nothing can be delivered now: that is no event's fault.
        """
        outcome = Outcome()
        messages = self._messages(events, outcome)
        try:
            self._send([message for _, message in messages], keep_alive)
        except RetriableSinkError:
            raise
        except SinkError as error:
            log.warning("a batch was refused: its events are sent one by one", error=str(error), events=len(messages))
            self._send_one_by_one(messages, outcome, keep_alive)
        else:
            outcome.delivered.extend(event for event, _ in messages)
        return outcome

    def close(self) -> None:
        """Let go of the sink; messages that are under way are dropped."""
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.close(0)

    def _messages(self, events: Sequence[QueuedEvent], outcome: Outcome) -> list[tuple[QueuedEvent, Message]]:
        """Each event's message; what can't be converted never can be."""
        messages, blocked = [], set[Aggregate]()
        for event in events:
            if event.aggregate in blocked:
                continue
            try:
                messages.append((event, self._routing.message(event)))
            except RetriableConversionError:
                raise
            except ConversionError as error:
                self._fail(event, error, outcome, blocked, final=True)
        return messages

    def _send_one_by_one(
        self, messages: Sequence[tuple[QueuedEvent, Message]], outcome: Outcome, keep_alive: Callable[[], None]
    ) -> None:
        blocked = set[Aggregate]()
        for event, message in messages:
            if event.aggregate in blocked:
                continue
            try:
                self._send([message], keep_alive)
            except RetriableSinkError:
                raise
            except SinkError as error:
                self._fail(event, error, outcome, blocked, final=False)
            else:
                outcome.delivered.append(event)

    def _fail(
        self, event: QueuedEvent, error: Exception, outcome: Outcome, blocked: set[Aggregate], *, final: bool
    ) -> None:
        failure = self._policy.failure(event, error, final=final)
        if self._policy.blocks(failure):
            blocked.add(event.aggregate)
        outcome.failures.append(failure)
        log.warning(
            "event not delivered" if failure.retry_in else "event FAILED",
            id=event.id,
            aggregate_type=event.aggregate.type,
            type=event.type,
            attempt=event.attempts + 1,
            retry_in_seconds=failure.retry_in,
            reason=failure.reason,
        )

    def _send(self, messages: Sequence[Message], keep_alive: Callable[[], None]) -> None:
        self.connect()
        sink = self._sink
        assert sink is not None  # noqa: S101 - it is connected
        try:
            sink.send(messages)
            while not sink.flush(FLUSH_SECONDS):
                keep_alive()
        except BaseException:
            self.close()
            raise
