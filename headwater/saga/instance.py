"""One saga that was started, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a saga stands.

    ``RUNNING``       its steps are under way
    ``COMPENSATING``  one failed, and those before it are undone
    ``COMPLETED``     every step succeeded
    ``COMPENSATED``   every step that may have had an effect was undone
    ``FAILED``        a step could not be undone: someone has to look, then `Orchestrator.retry`
    """

    RUNNING = "RUNNING"
    COMPENSATING = "COMPENSATING"
    COMPLETED = "COMPLETED"
    COMPENSATED = "COMPENSATED"
    FAILED = "FAILED"

    @property
    def is_under_way(self) -> bool:
        """Whether it waits for a reply."""
        return self in (Status.RUNNING, Status.COMPENSATING)


class Phase(StrEnum):
    """What is asked of a step."""

    PROCESS = "process"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened: ``outcome`` is requested, succeeded, failed or timed out."""

    at: datetime
    step: str
    phase: Phase
    outcome: str
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        found: dict[str, Any] = {"at": self.at.isoformat(), "step": self.step, "phase": self.phase.value}
        return found | {"outcome": self.outcome} | ({"reason": self.reason} if self.reason is not None else {})

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Entry:
        """Raises `KeyError` or `ValueError` for anything else."""
        at = datetime.fromisoformat(stored["at"])
        return cls(at, stored["step"], Phase(stored["phase"]), stored["outcome"], stored.get("reason"))


@dataclass(slots=True, kw_only=True)
class Instance:
    """A saga as it is stored. Times are in UTC.

    ``data``      the saga's own, as JSON
    ``step``      whose reply is awaited in ``phase``; None in a final state
    ``attempts``  how often that was asked for
    ``retries``   how often someone had it try again, by `Orchestrator.retry`
    ``deadline``  until when a reply is waited for; None without a timeout
    ``reason``    why it is undone
    ``version``   counts changes
    """

    saga: str
    id: str
    data: dict[str, Any]
    started_at: datetime
    updated_at: datetime
    status: Status = Status.RUNNING
    step: str | None = None
    phase: Phase = Phase.PROCESS
    attempts: int = 0
    retries: int = 0
    deadline: datetime | None = None
    reason: str | None = None
    history: list[Entry] = field(default_factory=list)
    version: int = 0
