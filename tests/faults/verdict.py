"""Whether what arrived is what was committed: nothing lost, nothing out of order, nothing that was rolled back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.faults.database import Position
from tests.faults.deliveries import READ, Arrival
from tests.faults.ledger import History, Key, Ledger, Step


@dataclass
class Verdict:
    """Counts of messages, and whatever is wrong.

    ``received``   messages that arrived
    ``repeated``   those of them that had arrived before, from the log
    ``reread``     and from a snapshot that was taken again
    ``lost``       committed steps that no message told of
    ``misplaced``  messages that came before a step they follow, or skipped one in a repetition
    ``foreign``    messages of no committed step (the change was rolled back), or that were somewhere else in the log
                   when they arrived first
    """

    received: int = 0
    repeated: int = 0
    reread: int = 0
    lost: list[tuple[Key, Step]] = field(default_factory=list)
    misplaced: list[tuple[Key, Arrival]] = field(default_factory=list)
    foreign: list[tuple[Key, Arrival]] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """Messages that had to arrive, each once."""
        return self.received - self.repeated - self.reread - len(self.foreign) + len(self.lost)

    def assert_complete(self) -> None:
        """Raises AssertionError with the first of what is wrong."""
        assert not self.lost, f"{len(self.lost)} lost: {self.lost[:5]}"
        assert not self.misplaced, f"{len(self.misplaced)} out of order: {self.misplaced[:5]}"
        assert not self.foreign, f"{len(self.foreign)} that nobody committed: {self.foreign[:5]}"


def judge(
    ledger: Ledger, arrivals: Mapping[Key, Sequence[Arrival]], *, captured_from: float, read_until: float
) -> Verdict:
    """Compare. What was committed after ``captured_from`` must have arrived from the log itself.

    Of what was committed before it, a snapshot may tell in place of the log. One that was taken again may not have
    seen a row that had been deleted meanwhile, up to ``read_until``: then the log tells of the delete.
    """
    verdict = Verdict()
    for key in ledger.histories.keys() | arrivals.keys():
        judged = _KeyVerdict(verdict, key, ledger.histories.get(key, History()))
        judged.take(arrivals.get(key, ()))
        judged.find_lost(captured_from, read_until)
    return verdict


class _KeyVerdict:
    """The messages of one key, in their order, against its history; a *place* is a step's index there."""

    def __init__(self, verdict: Verdict, key: Key, history: History) -> None:
        self._verdict = verdict
        self._key = key
        self._history = history
        self._places = {step: place for place, step in enumerate(history.steps)}
        self._arrived: dict[int, Position] = {}
        self._read: int | None = None
        """The place of the latest image that a snapshot told of."""

    def take(self, arrivals: Sequence[Arrival]) -> None:
        """Judge all of the key's messages."""
        self._verdict.received += len(arrivals)
        newest = last = None
        for arrival in arrivals:
            if arrival.step.operation == READ:
                self._take_read(arrival)
            elif (place := self._places.get(arrival.step)) is None:
                self._verdict.foreign.append((self._key, arrival))
            elif place in self._arrived:
                self._take_again(arrival, place, last)
                last = place
            else:
                if newest is not None and place != newest + 1:
                    self._verdict.misplaced.append((self._key, arrival))
                self._arrived[place] = arrival.position
                newest = last = place

    def _take_read(self, arrival: Arrival) -> None:
        number, _, transaction = arrival.step
        images = (self._places.get(Step(number, operation, transaction)) for operation in "cu")
        place = next((place for place in images if place is not None), None)
        if place is None:
            self._verdict.foreign.append((self._key, arrival))
            return
        if self._arrived:
            self._verdict.misplaced.append((self._key, arrival))
        if self._read is not None:
            self._verdict.reread += 1
        self._read = place

    def _take_again(self, arrival: Arrival, place: int, last: int | None) -> None:
        """A repetition goes back to any step and runs forward from there without a gap."""
        if arrival.position != self._arrived[place]:
            self._verdict.foreign.append((self._key, arrival))
            return
        self._verdict.repeated += 1
        if last is not None and place > last + 1:
            self._verdict.misplaced.append((self._key, arrival))

    def find_lost(self, captured_from: float, read_until: float) -> None:
        """Steps that did not arrive, unless a snapshot was taken after them."""
        times = self._history.times
        first = min(self._arrived, default=len(times))
        in_snapshot = self._is_in_snapshot(first, read_until)
        for place, step in enumerate(self._history.steps):
            told = place in self._arrived or (place < first and in_snapshot and times[place] <= captured_from)
            if not told:
                self._verdict.lost.append((self._key, step))

    def _is_in_snapshot(self, first: int, read_until: float) -> bool:
        """Whether snapshots told what the row was before the place ``first``, or rightly saw no row."""
        if self._read is not None:
            return self._read >= first - 1
        steps, times = self._history.steps, self._history.times
        gone_before = first > 0 and steps[first - 1].operation == "t"
        deleted = (time for step, time in zip(steps[first:], times[first:], strict=True) if step.operation == "d")
        return gone_before or next(deleted, math.inf) <= read_until
