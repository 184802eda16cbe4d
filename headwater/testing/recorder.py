"""What transactions write into an outbox table, seen in the statements that SQLAlchemy executes.

The rows themselves are gone at once where the log is the queue, and a table tells nothing of what was rolled back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headwater.outbox import trace_context

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.ext.asyncio import AsyncEngine


@dataclass(frozen=True, slots=True)
class WrittenEvent:
    """An outbox row: two are equal if all but their ids and trace contexts are.

    ``headers``        the event's own
    ``trace_context``  ``traceparent`` and ``tracestate``, empty where nobody traces
    """

    aggregate_type: str
    aggregate_id: str
    type: str
    payload: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    id: str = field(default="", compare=False)
    trace_context: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass
class Recorder:
    """``events`` of transactions that committed, in the order of their commits; ``undone`` those of the others."""

    events: list[WrittenEvent] = field(default_factory=list)
    undone: list[WrittenEvent] = field(default_factory=list)
    _open: dict[int, list[WrittenEvent]] = field(default_factory=dict)
    _savepoints: dict[int, list[int]] = field(default_factory=dict)
    """How much was written before each of a connection's savepoints, of which the last one ends first."""

    @property
    def types(self) -> list[str]:
        """The types of ``events``."""
        return [event.type for event in self.events]

    def write(self, connection: Connection, event: WrittenEvent) -> None:
        """An event was written in the transaction of ``connection``."""
        self._open.setdefault(id(connection), []).append(event)

    def commit(self, connection: Connection) -> None:
        """SQLAlchemy's event."""
        self._savepoints.pop(id(connection), None)
        self.events += self._open.pop(id(connection), [])

    def rollback(self, connection: Connection) -> None:
        """SQLAlchemy's event."""
        self._savepoints.pop(id(connection), None)
        self.undone += self._open.pop(id(connection), [])

    def savepoint(self, connection: Connection, _name: str | None) -> None:
        """SQLAlchemy's event, which comes before the savepoint has its name."""
        self._savepoints.setdefault(id(connection), []).append(len(self._open.get(id(connection), [])))

    def release_savepoint(self, connection: Connection, _name: str, _context: Any) -> None:
        """SQLAlchemy's event."""
        self._savepoints[id(connection)].pop()

    def rollback_savepoint(self, connection: Connection, _name: str, _context: Any) -> None:
        """SQLAlchemy's event."""
        written = self._open.get(id(connection), [])
        first = self._savepoints[id(connection)].pop()
        self.undone += written[first:]
        del written[first:]


@contextmanager
def record_outbox(engine: Engine | AsyncEngine, table: Table) -> Iterator[Recorder]:
    """Record what is written into the outbox ``table`` through ``engine`` within the block."""
    from sqlalchemy import event

    watched: Any = getattr(engine, "sync_engine", engine)
    recorder = Recorder()

    def before_execute(connection: Connection, statement: Any, many: Any, one: Any, _options: Any) -> None:
        if getattr(statement, "is_insert", False) and statement.table.name == table.name:
            for row in many or [one]:
                recorder.write(connection, _event({**statement.compile().params, **row}))

    listeners: dict[str, Any] = {
        "before_execute": before_execute,
        "commit": recorder.commit,
        "rollback": recorder.rollback,
        "savepoint": recorder.savepoint,
        "release_savepoint": recorder.release_savepoint,
        "rollback_savepoint": recorder.rollback_savepoint,
    }
    for name, listener in listeners.items():
        event.listen(watched, name, listener)
    try:
        yield recorder
    finally:
        for name, listener in listeners.items():
            event.remove(watched, name, listener)


def _event(row: Mapping[str, Any]) -> WrittenEvent:
    return WrittenEvent(
        row["aggregate_type"],
        row["aggregate_id"],
        row["type"],
        _json(row["payload"]),
        _json(row.get("headers")) or {},
        str(row.get("id", "")),
        {name: value for name in trace_context.NAMES if (value := row.get(name)) is not None},
    )


def _json(value: Any) -> Any:
    """What a JSON column's parameter says: text, or what SQLAlchemy will make text of."""
    return json.loads(value) if isinstance(value, (str, bytes)) else value
