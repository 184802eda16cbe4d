"""The triggers that record a table's changes, and the tables they record them in.

SQLite has one writer at a time, and the numbers of changes are given while it writes: so they are in the order of
commits, and a reader sees all changes of a transaction or none.

A row that makes place for another by REPLACE fires no delete trigger (unless ``recursive_triggers`` is on). The trigger
before an insert therefore puts aside the rows that the new one conflicts with, and the trigger behind it records as
deleted those of them that are gone. Updates that change what is unique do the same.

Source: "CREATE TRIGGER" and "The Upsert" in SQLite's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from headwater.sources.sqlite.table import Table, UniqueIndex

CHANGES, REPLACED, STRUCTURES, READERS, LOG = (
    "headwater_changes",
    "headwater_replaced",
    "headwater_structures",
    "headwater_readers",
    "headwater_log",
)
TABLES = (
    # AUTOINCREMENT: the number of a change that was pruned is never given again.
    f"""
    CREATE TABLE IF NOT EXISTS {CHANGES} (
        id INTEGER PRIMARY KEY AUTOINCREMENT, ts_ms INTEGER NOT NULL, structure INTEGER NOT NULL, op TEXT NOT NULL
    )
    """,
    f"CREATE TABLE IF NOT EXISTS {REPLACED} (structure INTEGER NOT NULL, row INTEGER)",
    f"""
    CREATE TABLE IF NOT EXISTS {STRUCTURES} (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, structure TEXT NOT NULL, active INTEGER NOT NULL
    )
    """,
    f"CREATE TABLE IF NOT EXISTS {READERS} (name TEXT PRIMARY KEY, change_id INTEGER NOT NULL) WITHOUT ROWID",
    f"CREATE TABLE IF NOT EXISTS {LOG} (id TEXT NOT NULL, pruned INTEGER NOT NULL)",
)
FIRST_VALUE = 4
"""Where a change's values begin: behind id, ts_ms, structure and op."""
MOST_COLUMNS = 990
"""An update holds each column twice, and a table of SQLite has 2000 columns."""
SNAPSHOT_DUE = "s"
"""The ``op`` of a change that says that the table's rows are to be read: it was captured anew from here on."""

_NOW = "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"
"""Milliseconds since 1970, as fine as SQLite's clock; the same for all rows of a statement."""
_NAME = re.compile(r"headwater_(\d+)_[a-z_]+")
"""Of a trigger."""


def quoted(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def structure_of(trigger: str) -> int | None:
    """The number of the structure that a trigger records; None for one that is not ours."""
    found = _NAME.fullmatch(trigger)
    return None if found is None else int(found[1])


def trigger_statements(table: Table, structure: int) -> dict[str, str]:
    """CREATE TRIGGER for each of the triggers, by name; ``structure`` is the number that their changes carry."""
    return _Writer(table, structure).statements()


class _Writer:
    def __init__(self, table: Table, structure: int) -> None:
        self._table = table
        self._structure = structure
        self._name = quoted(table.name)
        self._columns = [quoted(name) for name in table.names]
        self._count = len(self._columns)
        self._identity = [quoted(name) for name in table.identity]
        self._put_aside = (
            [_value(table.names.index(name)) for name in table.primary] if table.rowid is None else ["row"]
        )

    def statements(self) -> dict[str, str]:
        old, new = self._image("OLD"), self._image("NEW")
        changed = self._unique_changed()
        insert = self._trigger("insert", "AFTER INSERT", "", [*self._record_replaced(), self._record("c", new)])
        before_insert = self._trigger("before_insert", "BEFORE INSERT", "", self._put_aside_conflicts(""))
        delete = self._trigger("delete", "AFTER DELETE", "", [self._forget_deleted(), self._record("d", old)])
        others = f" AND NOT ({self._same(self._identity, self._qualified('OLD'))})"
        before_update = self._trigger("before_update", "BEFORE UPDATE", changed, self._put_aside_conflicts(others))
        rekeying = [*self._record_replaced(), self._record("u", [*old, *new])]
        update_key = self._trigger("update_key", "AFTER UPDATE", changed, rekeying)
        triggers = [before_insert, insert, before_update, update_key, delete]
        if changed:
            triggers.append(
                self._trigger("update", "AFTER UPDATE", f"NOT ({changed})", [self._record("u", [*old, *new])])
            )
        return dict(triggers)

    def _trigger(self, kind: str, event: str, condition: str, body: Sequence[str]) -> tuple[str, str]:
        name = f"headwater_{self._structure}_{kind}"
        when = f" WHEN {condition}" if condition else ""
        statements = "\n".join(f"  {statement};" for statement in body)
        return name, f"CREATE TRIGGER {name} {event} ON {self._name}{when} BEGIN\n{statements}\nEND"

    def _image(self, row: str) -> list[str]:
        return [f"{row}.{column}" for column in self._columns]

    def _qualified(self, row: str) -> list[str]:
        return [f"{row}.{column}" for column in self._identity]

    def _same(self, left: Sequence[str], right: Sequence[str]) -> str:
        """Whether two identities are one: by their bytes, while for a column's collation ``X`` and ``x`` may be one."""
        pairs = zip(left, right, strict=True)
        if self._table.rowid is not None:
            return " AND ".join(f"{one} = {other}" for one, other in pairs)
        # The plain comparison is there for the key's index, which may have the column's collation.
        return " AND ".join(f"{one} = {other} AND {one} COLLATE BINARY = {other}" for one, other in pairs)

    def _record(self, operation: str, values: Sequence[str]) -> str:
        names = ", ".join(("ts_ms", "structure", "op", *map(_value, range(len(values)))))
        return f"INSERT INTO {CHANGES} ({names}) VALUES ({_NOW}, {self._structure}, '{operation}', {', '.join(values)})"

    def _put_aside_conflicts(self, condition: str) -> list[str]:
        """Statements that put aside the rows that NEW conflicts with, and nothing else of this table."""
        values = [_value(number) for number in range(self._count)]
        row = "NULL" if self._table.rowid is None else self._identity[0]
        forget = f"DELETE FROM {REPLACED} WHERE structure = {self._structure}"
        put_aside = (
            f"INSERT INTO {REPLACED} ({', '.join(('structure', 'row', *values))})"
            f" SELECT {', '.join((str(self._structure), row, *self._columns))} FROM {self._name}"
            f" WHERE ({self._conflicts()}){condition}"
        )
        return [forget, put_aside]

    def _record_replaced(self) -> list[str]:
        """Statements that record as deleted what was put aside and is gone."""
        values = ", ".join(_value(number) for number in range(self._count))
        became_new = self._same(self._put_aside, self._qualified("NEW"))
        still_there = f"SELECT 1 FROM {self._name} AS t WHERE " + self._same(
            [f"t.{column}" for column in self._identity], [f"{REPLACED}.{column}" for column in self._put_aside]
        )
        record = (
            f"INSERT INTO {CHANGES} (ts_ms, structure, op, {values})"
            f" SELECT {_NOW}, {self._structure}, 'd', {values} FROM {REPLACED}"
            f" WHERE structure = {self._structure} AND ({became_new} OR NOT EXISTS ({still_there}))"
        )
        return [record]

    def _forget_deleted(self) -> str:
        """With recursive_triggers on, a replaced row fires the delete trigger, which records it."""
        gone = self._same(self._put_aside, self._qualified("OLD"))
        return f"DELETE FROM {REPLACED} WHERE structure = {self._structure} AND {gone}"

    def _conflicts(self) -> str:
        """Whether a row of the table agrees with NEW in what is unique."""
        same = [] if self._table.rowid is None else [self._same(self._identity, self._qualified("NEW"))]
        return " OR ".join([*same, *(self._agrees(index) for index in self._table.unique)])

    def _agrees(self, index: UniqueIndex) -> str:
        terms = [
            f"{quoted(term)} COLLATE {quoted(collation)} = NEW.{quoted(term)}"
            if collation is not None
            else f"({term}) = (SELECT {term} FROM (SELECT {self._new_row()}))"
            for term, collation in index.terms
        ]
        return " AND ".join([*terms, *([f"({index.condition})"] if index.condition else [])])

    def _new_row(self) -> str:
        return ", ".join(f"NEW.{column} AS {column}" for column in self._columns)

    def _unique_changed(self) -> str:
        """Whether an update changes what is unique, as far as that can be said: empty is always."""
        if not all(index.is_plain for index in self._table.unique):
            return ""
        terms = [quoted(term) for index in self._table.unique for term, _ in index.terms]
        names = dict.fromkeys([*self._identity, *terms])
        return " OR ".join(f"OLD.{name} COLLATE BINARY IS NOT NEW.{name}" for name in names)


def _value(number: int) -> str:
    return f"v{number}"
