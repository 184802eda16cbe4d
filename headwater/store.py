"""What a store is: it keeps connector configurations, offsets, status and schema history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class State(StrEnum):
    """A connector's or task's state, in Kafka Connect's words."""

    UNASSIGNED = "UNASSIGNED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    RESTARTING = "RESTARTING"
    DESTROYED = "DESTROYED"


OffsetChange = tuple[Mapping[str, str], Mapping[str, Any] | None]
"""A partition, and its new offset; None removes it."""


class TargetState(StrEnum):
    """What a connector is asked to do, in Kafka Connect's words; it outlives the worker."""

    STARTED = "STARTED"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a connector (``task`` None) or of a task, with the trace of what ended it."""

    connector: str
    task: int | None
    state: State
    worker_id: str
    trace: str | None = None


class StaleEpochError(Exception):
    """The task was started anew elsewhere; this one must end without writing."""


class TaskStore(Protocol):
    """One task's part of the store. Every write is refused once the task's epoch is over."""

    def offset(self, partition: Mapping[str, str]) -> dict[str, Any] | None:
        """The offset stored last, None at the first start."""

    def history(self) -> Sequence[Mapping[str, Any]]:
        """The schema history, oldest entry first."""

    def commit(
        self,
        partition: Mapping[str, str],
        offset: Mapping[str, Any],
        history: Sequence[Mapping[str, Any]] = (),
        topics: Iterable[str] = (),
    ) -> None:
        """Store an offset, what the schema history gained up to it, and topics that messages before it went to.

        All or nothing, durably; a topic may be there already. Raises `StaleEpochError`.
        """

    def close(self) -> None:
        """Let go of the store."""


class Store(Protocol):
    """The worker's side of the store."""

    def connectors(self) -> dict[str, dict[str, str]]:
        """Every connector's configuration by name, as it was given (secrets included)."""

    def target_states(self) -> dict[str, TargetState]:
        """Every connector's target state by name."""

    def put_connector(
        self, name: str, config: Mapping[str, str], target_state: TargetState = TargetState.STARTED
    ) -> None:
        """Create a connector, or replace its configuration: then its target state stays as it is."""

    def put_target_state(self, name: str, target_state: TargetState) -> None:
        """Replace a connector's target state."""

    def delete_connector(self, name: str) -> bool:
        """Remove a connector's configuration, status and topics; its offsets stay, as in Connect. False if unknown."""

    def put_status(self, status: Status) -> None:
        """Replace a connector's or task's status."""

    def statuses(self, connector: str) -> list[Status]:
        """The connector's status first, then its tasks'."""

    def delete_task_statuses(self, connector: str) -> None:
        """Forget the status of each of a connector's tasks."""

    def begin_epoch(self, connector: str, task: int) -> int:
        """A new epoch for a task that is about to start: from now on its predecessors write nothing."""

    def offsets(self, connector: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
        """(partition, offset) of each log that the connector has read."""

    def put_offsets(self, connector: str, offsets: Iterable[OffsetChange]) -> None:
        """Replace or (None) remove offsets, all or nothing; a task that may still run writes nothing more."""

    def topics(self, connector: str) -> list[str]:
        """The topics that the connector's messages went to, by name: since it was created or `delete_topics`."""

    def delete_topics(self, connector: str) -> None:
        """Forget the topics that the connector's messages went to."""

    def close(self) -> None:
        """Let go of the store and of its lock."""
