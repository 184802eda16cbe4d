"""What an outbox is to a relay: a queue of events, in order for each aggregate, that several relays share.

A relay claims aggregates, not events: it has the oldest event of an aggregate for as long as its lease on that event
runs, and with it all that follow. So no two relays work on one aggregate, and its events leave in the order of
``position``. A relay that dies takes nothing along: its leases run out. One that was only slow may publish what
another one has published meanwhile; a consumer that tells repetitions by the id sees the same events in the same
order all the same, because nobody publishes an event before all that stand before it are acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from headwater.outbox.table import Status

MOST_LEFT_OUT = 20
"""How many aggregates that can't be claimed a queue leaves out when it reads on: those with the most events so far."""


class QueueError(Exception):
    """The outbox can't be read as it is: says what to do."""


class RetriableQueueError(QueueError):
    """The database is away, or refuses for now; whatever was claimed is in the outbox still."""


class Aggregate(NamedTuple):
    """Whose events keep their order."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """An event in the outbox.

    ``place``    what the queue finds it by
    ``payload``  JSON text
    ``headers``  the event's own, and the trace context
    ``attempts`` how often it was tried and refused
    """

    place: Any
    id: str
    aggregate: Aggregate
    type: str
    payload: str
    headers: Mapping[str, str]
    attempts: int


@dataclass(frozen=True, slots=True)
class Claim:
    """Events of aggregates that only this relay works on, until ``token``'s lease runs out.

    ``heads``  the places of the aggregates' oldest events: they hold the lease
    """

    token: str
    heads: Sequence[Any]
    events: Sequence[QueuedEvent]


@dataclass(frozen=True, slots=True)
class Failure:
    """An event that was not delivered, and why; ``retry_in`` seconds, None where it is given up."""

    event: QueuedEvent
    reason: str
    retry_in: float | None


@dataclass(frozen=True, slots=True)
class Listed:
    """What is shown of an event: nothing of its contents."""

    id: str
    aggregate: Aggregate
    type: str
    status: Status
    attempts: int
    reason: str | None


class Queue(Protocol):
    """An outbox. Any method may raise `RetriableQueueError`; then all of them may be called again."""

    def check(self) -> None:
        """Raise `QueueError` where there is no outbox that a relay can work on."""

    def listen(self, ring: Callable[[], None]) -> bool:
        """Call ``ring`` from another thread when there may be something new; False where the database can't tell."""

    def claim(self, limit: int, lease: float, *, hold: bool) -> Claim | None:
        """At most ``limit`` events of aggregates that nobody works on, for ``lease`` seconds.

        ``hold``: an event that FAILED holds those of its aggregate that follow.
        """

    def renew(self, claim: Claim, lease: float) -> bool:
        """``lease`` seconds from now; False where another relay has taken over."""

    def settle(self, claim: Claim, delivered: Sequence[QueuedEvent], failures: Sequence[Failure]) -> None:
        """Write down what became of the events, at once; those of neither kind are free again."""

    def list(self, statuses: Sequence[Status], limit: int) -> Sequence[Listed]:
        """Events in the order of ``position``."""

    def retry(self, ids: Sequence[str] | None) -> int:
        """Make events that FAILED ready again: all, or those with the ids. Returns how many."""

    def prune(self, status: Status, older: float, limit: int) -> int:
        """Delete at most ``limit`` events of a status that were written ``older`` seconds ago. Returns how many."""

    def close(self) -> None:
        """Let go of the database."""
