"""Where a task stands in the binlog, and the offset that says so in Debezium's fields.

An offset is a place to start from: ``file`` and ``pos`` of a transaction's BEGIN (or behind a finished one),
``gtids`` seen before it, and how much of that transaction is done: ``event`` counts its finished events from
BEGIN on, ``row`` the finished rows of the one after them. Source: ``BinlogOffsetContext`` of Debezium 3.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headwater.source import Offset, OffsetError, SourceError
from headwater.sources.mysql.gtid import GtidSet
from headwater.sources.stale import START_ANEW

SNAPSHOT = "INITIAL"
"""The offset's ``snapshot`` while the snapshot at its position is not finished."""


@dataclass(slots=True)
class StartPoint:
    """A stored offset, checked."""

    file: str
    position: int
    gtids: GtidSet | None = None
    events_done: int = 0
    rows_done: int = 0
    snapshot_unfinished: bool = False
    timestamp: int = 0
    server_id: int = 0

    def __post_init__(self) -> None:
        counts = (self.position, self.events_done, self.rows_done, self.timestamp, self.server_id)
        if min(counts) < 0 or max(counts) >= 2**63:
            raise ValueError("a count is negative or too large")

    @classmethod
    def from_offset(cls, offset: Offset) -> StartPoint:
        """Raises `SourceError` for an offset that no connector for MySQL wrote."""
        try:
            gtids = offset.get("gtids")
            return cls(
                file=str(offset["file"]),
                position=int(offset["pos"]),
                gtids=GtidSet(str(gtids)) if gtids else None,
                events_done=int(offset.get("event", 0)),
                rows_done=int(offset.get("row", 0)),
                snapshot_unfinished=offset.get("snapshot") not in (None, False, "false"),
                timestamp=int(offset.get("ts_sec") or 0),
                server_id=int(offset.get("server_id") or 0),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise SourceError(
                f"the stored offset {offset!r} is not one of a MySQL connector ({error!r}): {START_ANEW}"
            ) from error

    def offset(self) -> Offset:
        """The same place as an offset."""
        offset: Offset = {"file": self.file, "pos": self.position}
        if self.gtids:
            offset["gtids"] = str(self.gtids)
        if self.snapshot_unfinished:
            offset["snapshot"] = SNAPSHOT
        return offset


_TEXTS = ("file", "gtids")
_COUNTS = ("pos", "event", "row", "ts_sec", "server_id")


def check_offset(offset: Mapping[str, Any]) -> None:
    """Check an offset that was given by hand, any JSON; whether the log reaches back so far is seen at the start.

    Raises `OffsetError`.
    """
    for name in ("file", "pos"):
        if offset.get(name) in (None, ""):
            raise OffsetError(f"The offset must have {name}: the binlog's file and pos")
    for name, value in offset.items():
        if value is None:
            continue
        if name in _TEXTS and not isinstance(value, str):
            raise OffsetError(f"The value of {name} in the offset must be a string")
        if name in _COUNTS and (type(value) is not int or value < 0):
            raise OffsetError(f"The value of {name} in the offset must be a number that is not negative")
        if not isinstance(value, (str, bool, int)) or (isinstance(value, int) and value >= 2**63):
            raise OffsetError(f"The value of {name} in the offset must be a string, a whole number or a boolean")
    if offset.get("gtids"):
        try:
            GtidSet(offset["gtids"])
        except ValueError as error:
            raise OffsetError(f"The value of gtids in the offset is no GTID set: {error}") from error


@dataclass(slots=True)
class Position:
    """The place that reading has reached."""

    file: str
    restart: int
    gtids: GtidSet | None
    gtid: str | None = None
    pending: tuple[str, int] | None = None
    in_transaction: bool = False
    events_done: int = 0
    timestamp: int = 0
    server_id: int = 0
    thread: int | None = None
    commit_micros: int = 0

    def rotate(self, file: str, position: int) -> None:
        """The log goes on in another file."""
        self.file, self.restart = file, position

    def next_gtid(self, source: str, number: int) -> None:
        """A transaction begins that is known by its GTID."""
        self.gtid = f"{source}:{number}"
        self.pending = (source, number)

    def begin(self, position: int, thread: int) -> None:
        """BEGIN stands at ``position``."""
        self.restart, self.in_transaction, self.events_done, self.thread = position, True, 0, thread

    def finish(self, end: int) -> None:
        """The transaction, or the statement that is one by itself, ends at ``end``."""
        if self.pending is not None and self.gtids is not None:
            source, number = self.pending
            self.gtids.add(source, number)
        self.pending, self.gtid = None, None
        self.restart, self.in_transaction, self.events_done = end, False, 0

    def offset(self) -> Offset:
        """The place to start from, with as much of an open transaction as is done."""
        offset: Offset = {"ts_sec": self.timestamp, "file": self.file, "pos": self.restart}
        if self.gtids:
            offset["gtids"] = str(self.gtids)
        if self.in_transaction and self.events_done:
            offset["event"] = self.events_done
        if self.server_id:
            offset["server_id"] = self.server_id
        return offset


def describe(file: str, position: int, gtid: str | None) -> str:
    """A place in the log, for people: as ``mysqlbinlog`` takes it."""
    return f"{file}:{position}" + (f" (GTID {gtid})" if gtid else "")
