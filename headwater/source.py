"""What a source is: it reads a database's snapshot and log, and gives log events with the offset behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from headwater.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwater.config import Config, ConfigDef, Problem
    from headwater.shape import EventShape

Partition = dict[str, str]
"""Names the log that an offset belongs to, e.g. ``{"server": "dbserver1"}``; Debezium's source partition."""

Offset = dict[str, Any]
"""A position in the log, in Debezium's fields; JSON values only."""


class SourceError(Exception):
    """Reading can't go on and trying again won't help: says database, table, position, cause and what to do."""


class RetriableSourceError(SourceError):
    """Reading failed for now (a lost connection); a new source started from the stored offset may go on."""


class SnapshotNeededError(SourceError):
    """Reading can't go on from the stored offset, and the configuration wants a new snapshot then.

    A new source that is started without the offset goes on; `Source.start` never raises this without one.
    """


class OffsetError(ValueError):
    """An offset that was given by hand can't be taken: says why."""


class Rows(NamedTuple):
    """A log event: the function planned for ``shape`` is called with ``arguments`` and gives its messages.

    The first ``skip`` rows were delivered before a restart and are not sent again.
    """

    shape: EventShape
    arguments: tuple[Any, ...]
    skip: int = 0


@dataclass(slots=True)
class Batch:
    """What one poll gives: log events and records in the order of the log, and the offset behind the last one.

    ``offset`` None says that no place behind this batch can be resumed from yet. ``history`` holds entries of the
    schema history, to be stored in the same transaction as the offset. ``event_time`` is when the last log event was
    committed, by the server's clock in Unix seconds, also where none of the batch's events was captured. Without it,
    and without items, the batch says that the log is read to its end.
    """

    items: Sequence[Rows | Record]
    offset: Offset | None
    history: Sequence[Mapping[str, Any]] = ()
    event_time: float | None = None


EMPTY = Batch((), None)


@dataclass(frozen=True, slots=True)
class SnapshotProgress:
    """How far a snapshot is: it reads ``rows`` from ``tables``, of which ``tables_done`` are read to the end.

    ``started`` and ``ended`` are in Unix seconds; ``ended`` is None while it runs.
    """

    tables: int
    tables_done: int
    rows: int
    started: float
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """How far a source has read.

    ``log`` and ``position``  a number that grows with the log, and what it counts in: a file's name, or empty
    ``bytes_read``            of the log, by this source
    ``snapshot``              None where it took none
    """

    log: str = ""
    position: int | None = None
    bytes_read: int = 0
    snapshot: SnapshotProgress | None = None


@dataclass(slots=True)
class Resume:
    """What a source starts from: the offset stored last and the schema history.

    The offset is None on the first start, and where a new snapshot is to take the place of all that was read before.
    """

    offset: Offset | None = None
    history: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


class Source(Protocol):
    """One task's reader; used by one thread."""

    @property
    def partition(self) -> Partition:
        """Which log the offsets belong to."""

    def start(self, resume: Resume) -> Batch:
        """Connect and fix the position; what comes back is delivered and its offset stored before anything else.

        After that the task says RUNNING: whatever commits from then on is delivered, even if the task dies.
        Raises `SourceError` naming what is missing (a privilege, a setting, a purged log) and how to mend it.
        """

    def poll(self, timeout: float) -> Batch:
        """The next log events, waiting at most ``timeout`` seconds for the first; `EMPTY` when there is none."""

    def committed(self, offset: Offset) -> None:
        """Everything up to this offset is delivered and the offset stored: what is kept for this reader may go."""

    def progress(self) -> SourceProgress:
        """How far reading is: asked from another thread once a second, so it only looks, at any moment."""

    def locate(self, rows: Rows) -> str:
        """Where a log event stands, for people: ``table course.outbox at binlog.000003:1234``."""

    def shapes(self) -> Sequence[EventShape]:
        """The shapes of every captured table that is known now, for `headwater explain`."""

    def close(self) -> None:
        """Let go of the connections; safe to call twice and from a half-started state."""


class SourceConnector(Protocol):
    """A kind of source: what can be configured, and how a task's source is made from a configuration."""

    name: str
    """Short name, and the ``connector`` in the source block: ``mysql``."""
    class_name: str
    """Debezium's class: ``io.debezium.connector.mysql.MySqlConnector``."""
    options: ConfigDef
    deprecated: Mapping[str, str]
    """Older option names that are still accepted, with the name that took their place."""

    def open(self, config: Config) -> Source:
        """A source for the only task; connects in `Source.start`. Raises `ConfigError`."""

    def check_connection(self, config: Config) -> list[Problem]:
        """Sign in to the server as a task would: what is wrong, at the option that it has to do with.

        ``config`` may lack values that are wrong in options of others. Blocks for a bounded time.
        """

    def check_offset(self, config: Config, partition: Mapping[str, Any], offset: Mapping[str, Any]) -> None:
        """Check an offset that was given by hand, any JSON, before it is stored. Raises `OffsetError`."""
