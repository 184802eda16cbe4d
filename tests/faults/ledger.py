"""What the writers committed, step by step for each key: what the connector owes."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class Key(NamedTuple):
    """A row, by its table and primary key."""

    table: str
    id: int | str


class Step(NamedTuple):
    """One change of a row, and the one message that tells of it.

    ``number``       counts a key's changes, deletes too; the number of a change that was rolled back is used again
    ``operation``    ``c``, ``u``, ``d``, or ``t`` for the tombstone behind a delete
    ``transaction``  which transaction wrote the image that the message holds: tells a change that was rolled back
                     from the one that took its number
    """

    number: int
    operation: str
    transaction: int

    @property
    def tombstone(self) -> Step:
        """What follows a delete."""
        return self._replace(operation="t")


@dataclass(slots=True)
class History:
    """A key's committed steps in their order, and for each a monotonic time before its COMMIT was sent."""

    steps: list[Step] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


class Ledger:
    """Every committed step; used by all writers at once."""

    def __init__(self) -> None:
        self.histories: defaultdict[Key, History] = defaultdict(History)
        self.size = 0
        self._lock = threading.Lock()

    def commit(self, steps: Iterable[tuple[Key, Step]], before: float) -> None:
        """Keep the steps of a transaction that has committed, and whose COMMIT was sent after ``before``."""
        with self._lock:
            for key, step in steps:
                told = (step, step.tombstone) if step.operation == "d" else (step,)
                history = self.histories[key]
                history.steps += told
                history.times += [before] * len(told)
                self.size += len(told)
