"""The loop of a relay: claim, publish, write down what became of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from headwater.converter import RetriableConversionError
from headwater.outbox.table import Status
from headwater.relay.queue import Claim, RetriableQueueError
from headwater.sink import RetriableSinkError

if TYPE_CHECKING:
    from headwater.relay.publisher import Publisher
    from headwater.relay.queue import Queue

log = structlog.get_logger(__name__)

PRUNE_SECONDS = 60.0
"""How often delivered events are cleaned up."""
PRUNE_ROWS = 1_000
"""How many at a time, so that no transaction is long."""
GRACEFUL_SECONDS = 5.0
"""How long a relay that is to stop waits for what it has sent."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When a relay asks the database, in seconds.

    ``batch``            how many events it claims at a time
    ``lease``            how long a claim is its own; it renews it in time, but for a dead relay's events nobody does
    ``first, longest``   how long it waits for new events: doubled from the one to the other while there are none
    ``notified``         in place of ``longest`` where the database tells of new events
    ``keep``             how long delivered events stay; None for ever
    ``retry, longest_retry``  how long it waits when database or broker are away
    """

    batch: int = 500
    lease: float = 30.0
    first: float = 0.02
    longest: float = 0.5
    notified: float = 5.0
    keep: float | None = 7 * 24 * 3600.0
    retry: float = 0.3
    longest_retry: float = 10.0


class _ClaimLostError(Exception):
    """Another relay has taken over: this one was stopped or stuck for longer than its lease."""


class _StopError(Exception):
    """The relay is to stop, and what it has sent is not acknowledged in time."""


class Relay:
    """Publishes what is in ``queue``; `run` in one thread, `stop` from any, or from a signal handler."""

    def __init__(self, queue: Queue, publisher: Publisher, pace: Pace, *, hold: bool) -> None:
        self._queue = queue
        self._publisher = publisher
        self._pace = pace
        self._hold = hold
        self._stopping = threading.Event()
        self._news = threading.Event()
        self._stop_by = 0.0
        self._pruned = 0.0
        self._failures = 0

    def stop(self) -> None:
        """End `run` soon: what was sent is waited for, but not for long."""
        self._stop_by = time.monotonic() + GRACEFUL_SECONDS
        self._stopping.set()
        self._news.set()

    def run(self) -> None:
        """Publish until `stop`. Raises `QueueError` or `SinkError` for what waiting won't mend."""
        try:
            while not self._stopping.is_set():
                try:
                    self._session()
                except _ClaimLostError:
                    log.warning("another relay has taken over what this one had claimed: it was stopped for too long")
                except (RetriableQueueError, RetriableSinkError, RetriableConversionError) as error:
                    delay = min(self._pace.longest_retry, self._pace.retry * 2.0 ** min(self._failures, 30))
                    self._failures += 1
                    log.warning("retrying", error=str(error), attempt=self._failures, delay_seconds=delay)
                    self._stopping.wait(delay)
                except _StopError:
                    log.warning("stopped before the sink acknowledged everything; the rest is sent again")
        finally:
            self._publisher.close()
            self._queue.close()

    def _session(self) -> None:
        """Work until a stop or an error."""
        self._publisher.connect()
        self._queue.check()
        longest = self._pace.notified if self._queue.listen(self._news.set) else self._pace.longest
        log.info("relay is running", told_of_new_events=longest == self._pace.notified)
        delay = self._pace.first
        while not self._stopping.is_set():
            self._news.clear()
            if self._stopping.is_set():  # it may have been set between the two
                return
            self._prune()
            if self._relay():
                delay = self._pace.first
                continue
            self._news.wait(delay)
            delay = min(delay * 2, longest)

    def _relay(self) -> bool:
        """One claim; False if there was nothing to do."""
        claim = self._queue.claim(self._pace.batch, self._pace.lease, hold=self._hold)
        if claim is None:
            return False
        try:
            outcome = self._publisher.publish(claim.events, self._keep_alive(claim))
        except (RetriableSinkError, RetriableConversionError, _StopError):
            self._queue.settle(claim, [], [])
            raise
        self._queue.settle(claim, outcome.delivered, outcome.failures)
        self._failures = 0
        log.debug("relayed", delivered=len(outcome.delivered), failed=len(outcome.failures))
        return True

    def _keep_alive(self, claim: Claim) -> Callable[[], None]:
        """What is called while the sink is waited for."""
        renewed = time.monotonic()

        def keep_alive() -> None:
            nonlocal renewed
            now = time.monotonic()
            if self._stopping.is_set() and now > self._stop_by:
                raise _StopError
            if now - renewed > self._pace.lease / 3:
                if not self._queue.renew(claim, self._pace.lease):
                    raise _ClaimLostError
                renewed = now

        return keep_alive

    def _prune(self) -> None:
        """Clean up, now and then."""
        now = time.monotonic()
        if self._pace.keep is None or now - self._pruned < PRUNE_SECONDS:
            return
        while (count := self._queue.prune(Status.COMPLETED, self._pace.keep, PRUNE_ROWS)) > 0:
            log.info("delivered events deleted", events=count)
            if count < PRUNE_ROWS or self._stopping.is_set():
                break
        self._pruned = now
