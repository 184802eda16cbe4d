"""The triggers on a database's tables: installing, verifying and removing them.

A captured table has an active row in ``headwater_structures``, with the structure that its triggers were made for, and
those triggers. Where they are not what that row says, rows may be missing; `install` then makes them anew and leaves a
change that has the source read the table's rows.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from headwater.sources.sqlite.database import transaction
from headwater.sources.sqlite.table import Table, UnreachableRowidError, read_table, table_names
from headwater.sources.sqlite.triggers import (
    CHANGES,
    FIRST_VALUE,
    LOG,
    MOST_COLUMNS,
    READERS,
    REPLACED,
    SNAPSHOT_DUE,
    STRUCTURES,
    TABLES,
    quoted,
    structure_of,
    trigger_statements,
)


class InstallationError(ValueError):
    """Triggers can't be made for a table: says which and why."""


@dataclass(frozen=True, slots=True)
class Captured:
    """A table that has, or once had, triggers.

    ``structure``   the number of their structure
    ``problem``     what is wrong with them, empty where nothing is
    ``dropped``     there is no table of that name any more
    ``renamed_to``  the name that the table has now, and its triggers are on; None where it has its own
    """

    structure: int
    table: Table
    problem: str = ""
    dropped: bool = False
    renamed_to: str | None = None

    @property
    def name(self) -> str:
        """What the table is called now, as far as it is there."""
        return self.renamed_to or self.table.name


def is_installed(database: sqlite3.Connection) -> bool:
    """Whether triggers were ever installed here."""
    return database.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (STRUCTURES,)).fetchone() is not None


def captured_tables(database: sqlite3.Connection) -> list[Captured]:
    """The tables that are captured, by name, and whether that still works."""
    if not is_installed(database):
        return []
    rows = database.execute(f"SELECT id, structure FROM {STRUCTURES} WHERE active ORDER BY name").fetchall()
    return [_verified(database, structure, Table.from_text(text)) for structure, text in rows]


def structures(database: sqlite3.Connection) -> dict[int, Table]:
    """Every structure that recorded changes may have, by its number."""
    if not is_installed(database):
        return {}
    rows = database.execute(f"SELECT id, structure FROM {STRUCTURES}")
    return {structure: Table.from_text(text) for structure, text in rows}


def _verified(database: sqlite3.Connection, structure: int, table: Table) -> Captured:
    try:
        now = read_table(database, table.name)
    except UnreachableRowidError as error:
        return Captured(structure, table, str(error))
    if now is None or now.name != table.name:
        renamed_to = _table_with_triggers(database, structure) if now is None else now.name
        problem = f"it was renamed to {renamed_to}" if renamed_to else ""
        return Captured(structure, table, problem, dropped=True, renamed_to=renamed_to)
    if now != table:
        return Captured(structure, table, f"its structure has changed{_difference(table, now)}")
    expected = trigger_statements(table, structure)
    rows = database.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE", (table.name,)
    )
    found = {name: sql for name, sql in rows if name in expected}
    missing = sorted(expected.keys() - found.keys())
    if missing:
        return Captured(structure, table, f"triggers are missing ({', '.join(missing)})")
    if found != expected:
        return Captured(structure, table, "triggers have been changed")
    return Captured(structure, table)


def _table_with_triggers(database: sqlite3.Connection, structure: int) -> str | None:
    triggers = database.execute("SELECT name, tbl_name FROM sqlite_schema WHERE type = 'trigger'")
    return next((table for trigger, table in triggers if structure_of(trigger) == structure), None)


def _difference(before: Table, now: Table) -> str:
    gained = [column.name for column in now.columns if column not in before.columns]
    lost = [column.name for column in before.columns if column not in now.columns]
    parts = [*(f"+{name}" for name in gained), *(f"-{name}" for name in lost)]
    return f" ({', '.join(parts)})" if parts else " (unique indexes, or the order of columns)"


def install(database: sqlite3.Connection, names: Iterable[str] = ()) -> list[Captured]:
    """Put triggers on tables, all there are without ``names``; what stands already is left alone.

    Gives the tables that triggers were made for, in one transaction with all of it. Raises `InstallationError`.
    """
    with transaction(database, "IMMEDIATE"):
        for statement in TABLES:
            database.execute(statement)
        if database.execute(f"SELECT 1 FROM {LOG}").fetchone() is None:
            database.execute(f"INSERT INTO {LOG} VALUES (?, 0)", (str(uuid.uuid4()),))
        existing = {each.table.name: each for each in captured_tables(database)}
        made = []
        for name in list(names) or table_names(database):
            table = _readable(database, name)
            present = existing.get(table.name)
            if present is None or present.problem or present.dropped:
                made.append(_install(database, table))
        return made


def _readable(database: sqlite3.Connection, name: str) -> Table:
    try:
        table = read_table(database, name)
    except UnreachableRowidError as error:
        raise InstallationError(str(error)) from error
    if table is None or table.name not in table_names(database):
        raise InstallationError(f"there is no table {name!r} that can be captured; {_known(database)}")
    if len(table.columns) > MOST_COLUMNS:
        raise InstallationError(
            f"table {name!r} has {len(table.columns)} columns, at most {MOST_COLUMNS} can be captured"
        )
    return table


def _known(database: sqlite3.Connection) -> str:
    names = ", ".join(table_names(database))
    return f"there are: {names}" if names else "the database has none"


def _install(database: sqlite3.Connection, table: Table) -> Captured:
    _drop_triggers(database, table.name)
    _widen(database, CHANGES, 2 * len(table.columns) + FIRST_VALUE)
    _widen(database, REPLACED, len(table.columns) + 2)
    number = database.execute(
        f"INSERT INTO {STRUCTURES} (name, structure, active) VALUES (?, ?, 1)",
        (table.name, table.text()),
    ).lastrowid
    assert number is not None  # noqa: S101 - a row was inserted
    try:
        for statement in trigger_statements(table, number).values():
            database.execute(statement)
    except sqlite3.Error as error:
        raise InstallationError(f"the triggers of table {table.name!r} can't be made: {error}") from error
    database.execute(
        f"INSERT INTO {CHANGES} (ts_ms, structure, op) VALUES (CAST(strftime('%s', 'now') AS INTEGER) * 1000, ?, ?)",
        (number, SNAPSHOT_DUE),
    )
    return Captured(number, table)


def _widen(database: sqlite3.Connection, name: str, columns: int) -> None:
    """See to it that a table has so many columns."""
    ((present,),) = database.execute("SELECT count(*) FROM pragma_table_info(?)", (name,)).fetchall()
    first = FIRST_VALUE if name == CHANGES else 2
    for number in range(present - first, columns - first):
        database.execute(f"ALTER TABLE {name} ADD COLUMN v{number}")


def _drop_triggers(database: sqlite3.Connection, name: str) -> None:
    """Drop our triggers on a table, and those made for its name wherever they are; end its structures.

    SQLite takes triggers along when it renames a table, so those on it may be of an earlier name. Where another table
    has that name now, its structure stays, to be found without triggers.
    """
    of_name = f"SELECT id FROM {STRUCTURES} WHERE name = ? COLLATE NOCASE"
    ended = {structure for (structure,) in database.execute(of_name, (name,))}
    of_none = f"SELECT id FROM {STRUCTURES} WHERE name COLLATE NOCASE NOT IN (SELECT name FROM pragma_table_list)"
    renamed = {structure for (structure,) in database.execute(of_none)}
    triggers = "SELECT name, tbl_name = ? COLLATE NOCASE FROM sqlite_schema WHERE type = 'trigger'"
    for trigger, is_here in database.execute(triggers, (name,)).fetchall():
        structure = structure_of(trigger)
        if structure is not None and (is_here or structure in ended):
            database.execute(f"DROP TRIGGER {quoted(trigger)}")
            ended |= {structure} & renamed
    database.executemany(f"UPDATE {STRUCTURES} SET active = 0 WHERE id = ?", [(structure,) for structure in ended])


def remove(database: sqlite3.Connection, names: Iterable[str] = ()) -> list[str]:
    """Take the triggers off tables; without ``names`` off all, and everything else that `install` made.

    Gives the names of the tables that had some. Raises `InstallationError`.
    """
    wanted = list(names)
    with transaction(database, "IMMEDIATE"):
        if not is_installed(database):
            return []
        captured = captured_tables(database)
        present = {name.lower(): each.table.name for each in captured for name in (each.name, each.table.name)}
        unknown = [name for name in wanted if name.lower() not in present]
        if unknown:
            raise InstallationError(f"there are no triggers on {', '.join(unknown)}")
        gone = [present[name.lower()] for name in wanted] if wanted else [each.table.name for each in captured]
        for name in gone:
            _drop_triggers(database, name)
        if not wanted:
            for table in (CHANGES, REPLACED, STRUCTURES, READERS, LOG):
                database.execute(f"DROP TABLE {table}")
        return gone


@dataclass(frozen=True, slots=True)
class Reader:
    """A connector that reads the changes; ``behind`` is how many changes are kept for it."""

    name: str
    change_id: int
    behind: int


def readers(database: sqlite3.Connection) -> list[Reader]:
    """The connectors that changes are kept for."""
    if not is_installed(database):
        return []
    rows = database.execute(
        f"SELECT name, change_id, (SELECT count(*) FROM {CHANGES} WHERE id > change_id) FROM {READERS} ORDER BY name"
    )
    return [Reader(*row) for row in rows]


def forget_reader(database: sqlite3.Connection, name: str) -> bool:
    """Keep no changes for a connector any more; False where it is not known."""
    with transaction(database, "IMMEDIATE"):
        return database.execute(f"DELETE FROM {READERS} WHERE name = ?", (name,)).rowcount > 0
