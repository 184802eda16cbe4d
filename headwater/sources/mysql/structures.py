"""The structures of captured tables: where each comes from, whether it fits the log, and what must be remembered.

With ``binlog_row_metadata=FULL`` the log itself carries a table's structure, and only what it never has (defaults,
unique keys) is read from the server. With MINIMAL the structure is read from the server at a known position,
remembered in the schema history, and used only while no statement in the log has changed the table since.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NoReturn

from headwater.source import SourceError
from headwater.sources.mysql.ddl import Ddl
from headwater.sources.mysql.match import fits, table_from_map
from headwater.sources.mysql.server import Charsets
from headwater.sources.mysql.table import Column, Table
from headwater.sources.mysql.table_map import TableMap
from headwater.sources.stale import START_ANEW, WAYS_ON, StaleStateError

TableName = tuple[str, str]
HistoryEntry = dict[str, Any]

_WITH_FULL = (
    "either SET GLOBAL binlog_row_metadata=FULL and start the connector again (rows that were written between the "
    "statement and that stay in the way), or"
)
_WAYS = f"{_WITH_FULL} {WAYS_ON}"


def to_history(table: Table) -> HistoryEntry:
    """A structure as an entry of the schema history: JSON values only."""
    return {"table": asdict(table)}


def from_history(entry: Mapping[str, Any]) -> Table:
    """The structure that `to_history` wrote. Raises `StaleStateError`."""
    try:
        stored = entry["table"]
        return Table(
            database=stored["database"],
            name=stored["name"],
            columns=tuple(Column(**{**column, "values": tuple(column["values"])}) for column in stored["columns"]),
            key=tuple(stored["key"]),
            primary_key=tuple(stored["primary_key"]),
            charset=stored["charset"],
        )
    except (KeyError, TypeError) as error:
        raise StaleStateError(f"an entry of the schema history can't be read ({error!r}): {WAYS_ON}") from error


def _since_first_snapshot(history: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """What is to be known: all else is older than the last snapshot that was taken without an offset."""
    starts = [index for index, entry in enumerate(history) if "anew" in entry]
    return history[starts[-1] + 1 :] if starts else history


class Structures:
    """Known structures by (database, table).

    ``read_current`` reads a table's structure from the server as it is now. ``changed_later`` gives the first
    statement between the place that reading has reached and the end of the log that changes a table, or None.
    ``is_full`` says whether the server writes structures into its log now.
    """

    def __init__(
        self,
        history: Sequence[Mapping[str, Any]],
        charsets: Charsets,
        read_current: Callable[[TableName], Table | None],
        changed_later: Callable[[TableName], str | None],
        is_full: Callable[[], bool],
    ) -> None:
        self._known: dict[TableName, Table] = {}
        for entry in _since_first_snapshot(history):
            if "forget" in entry:
                self._known.pop(tuple(entry["forget"]), None)
            else:
                table = from_history(entry)
                self._known[table.database, table.name] = table
        self._changed_by: dict[TableName, str] = {}
        self._charsets = charsets
        self._is_full = is_full
        self._read_current = read_current
        self._changed_later = changed_later
        self.news: list[HistoryEntry] = []

    def begin_with(self, tables: Sequence[Table]) -> None:
        """Take the structures of a first snapshot in place of all others."""
        self._known.clear()
        self.news = [{"anew": True}]
        for table in tables:
            self.remember(table)

    def keep(self, captured: Callable[[str, str], bool]) -> None:
        """Forget the tables that are not captured: what becomes of them is not followed."""
        for name in [name for name in self._known if not captured(*name)]:
            self._forget(name)

    def _forget(self, name: TableName) -> None:
        del self._known[name]
        self.news.append({"forget": list(name)})

    def remember(self, table: Table) -> None:
        """Take a structure that was read at the position reached."""
        self._known[table.database, table.name] = table
        self._changed_by.pop((table.database, table.name), None)
        self.news.append(to_history(table))

    def take_news(self) -> list[HistoryEntry]:
        """What the schema history gained since the last call."""
        news, self.news = self.news, []
        return news

    def resolve(self, table_map: TableMap, where: str) -> Table:
        """The structure that a TABLE_MAP's rows are read by. Raises `SourceError` where none is known to fit."""
        name = (table_map.database, table_map.table)
        known = self._known.get(name)
        if known is not None and fits(known, table_map, self._charsets) is None:
            return known
        if table_map.has_names:
            table = table_from_map(table_map, self._read_current(name), self._charsets)
        elif name in self._changed_by:
            self._stop(self._changed_by[name], name)
        elif known is not None:
            raise self._misfit(known, table_map, where)
        else:
            table = self._from_server(name, table_map, where)
        self.remember(table)
        return table

    def _misfit(self, known: Table, table_map: TableMap, where: str) -> SourceError:
        """Under MINIMAL, rows that do not fit the structure in hand.

        A new snapshot mends that only where it finds another one: else snapshots would follow each other for ever.
        """
        is_stale = self._read_current((known.database, known.name)) != known
        text = (
            f"{where}: the rows of {known.id} do not fit its structure in hand: "
            f"{fits(known, table_map, self._charsets)}. binlog_row_metadata=MINIMAL leaves the right one unknown: "
        )
        return StaleStateError(text + _WAYS) if is_stale else SourceError(f"{text}{_WITH_FULL} {START_ANEW}")

    def _from_server(self, name: TableName, table_map: TableMap, where: str) -> Table:
        """Under MINIMAL a table seen for the first time: the server's structure, if nothing changed it since."""
        table = self._read_current(name)
        title = ".".join(name)
        if table is None:
            raise StaleStateError(
                f"{where}: {title} has rows in the log but is no longer on the server, and binlog_row_metadata=MINIMAL "
                f"leaves its structure unknown: take it out of table.include.list, or {_WAYS}"
            )
        statement = self._changed_later(name)
        reason = f"{statement!r} changed it later" if statement else fits(table, table_map, self._charsets)
        if reason:
            raise StaleStateError(
                f"{where}: the structure that {title} had here is unknown under binlog_row_metadata=MINIMAL: "
                f"the server's present one does not hold, because {reason}. {_WAYS}"
            )
        return table

    def follow(self, ddl: Ddl, statement: str, where: str) -> None:
        """A statement in the log changed tables: what was known of them is no longer true.

        Raises `StaleStateError` where the structure that a table has now can't come from the log.
        """
        affected = [name for name in self._known if ddl.changes(name)]
        changed_by = f"{where}: {statement!r}"
        if affected and not ddl.drops and not self._is_full():
            self._stop(changed_by, affected[0])  # and forget nothing, so that it stops here again
        for name in affected:
            self._forget(name)
            if not ddl.drops:
                self._changed_by[name] = changed_by

    def _stop(self, changed_by: str, name: TableName) -> NoReturn:
        raise StaleStateError(
            f"{changed_by} changed the structure of {'.'.join(name)}, "
            f"which binlog_row_metadata=MINIMAL keeps out of the log: {_WAYS}"
        )
