"""A table's structure: what the recorded values mean, and what the triggers must look at."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headwater.sources.sqlite.index_sql import read_index

ROWID_NAMES = ("rowid", "_rowid_", "oid")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``type`` and ``default`` are the texts of its declaration, empty and None where it has none."""

    name: str
    type: str
    nullable: bool
    default: str | None = None


@dataclass(frozen=True, slots=True)
class UniqueIndex:
    """What no two rows may agree in.

    ``terms``      (column, collation), or (expression, None) where ``expressions`` holds its place
    ``condition``  which rows it is for, as SQL; empty for all
    """

    terms: tuple[tuple[str, str | None], ...]
    expressions: tuple[int, ...] = ()
    condition: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it is about nothing but the columns it names."""
        return not self.expressions and not self.condition


@dataclass(frozen=True, slots=True)
class Table:
    """Columns in their order, and what tells rows apart.

    ``key``     columns of the message key: the primary key, else a unique index without nulls, else none
    ``rowid``   a name of the hidden number that each row has; None for WITHOUT ROWID
    ``primary`` the primary key's columns
    ``unique``  unique indexes, the primary key's among them unless it is the rowid
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rowid: str | None
    primary: tuple[str, ...]
    unique: tuple[UniqueIndex, ...]

    @property
    def names(self) -> list[str]:
        """The columns' names."""
        return [column.name for column in self.columns]

    @property
    def identity(self) -> tuple[str, ...]:
        """The names of what tells rows apart."""
        return self.primary if self.rowid is None else (self.rowid,)

    def text(self) -> str:
        """As JSON, of which `from_text` makes the same table."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> Table:
        """The table that `text` wrote."""
        fields: dict[str, Any] = json.loads(text)
        return cls(
            name=fields["name"],
            columns=tuple(Column(**column) for column in fields["columns"]),
            key=tuple(fields["key"]),
            rowid=fields["rowid"],
            primary=tuple(fields["primary"]),
            unique=tuple(
                UniqueIndex(
                    tuple((name, collation) for name, collation in index["terms"]),
                    tuple(index["expressions"]),
                    index["condition"],
                )
                for index in fields["unique"]
            ),
        )


def table_names(database: sqlite3.Connection) -> list[str]:
    """Every table that triggers can be on: not SQLite's own, no virtual ones and none of theirs, by name."""
    rows = database.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' ORDER BY name")
    return [name for (name,) in rows if not name.lower().startswith(("sqlite_", "headwater_"))]


def read_table(database: sqlite3.Connection, name: str) -> Table | None:
    """The structure that a table has now; None where there is no such table."""
    found = database.execute(
        "SELECT name, wr FROM pragma_table_list(?) WHERE schema = 'main' AND type = 'table'", (name,)
    ).fetchone()
    if found is None:
        return None
    name, without_rowid = found
    rows = database.execute("SELECT * FROM pragma_table_xinfo(?)", (name,)).fetchall()
    unique, primary_has_index = _unique_indexes(database, name)
    primary = tuple(column for _, column, _, _, _, place, _ in sorted(rows, key=lambda row: row[5]) if place)
    is_rowid = len(primary) == 1 and not without_rowid and not primary_has_index
    columns = tuple(
        Column(column, type_, not (not_null or (place and (without_rowid or is_rowid))), default)
        for _, column, type_, not_null, default, place, _ in rows
    )
    taken = {column.name.lower() for column in columns}
    free = next((alias for alias in ROWID_NAMES if alias not in taken), None)
    rowid = None if without_rowid else primary[0] if is_rowid else free
    if rowid is None and not without_rowid:
        raise UnreachableRowidError(name)
    return Table(name, columns, primary or _key(columns, unique), rowid, primary, unique)


class UnreachableRowidError(ValueError):
    """A table whose columns have taken every name of the rowid."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"table {name!r} has columns called rowid, _rowid_ and oid, so that its rows can't be told apart"
        )


def _unique_indexes(database: sqlite3.Connection, table: str) -> tuple[tuple[UniqueIndex, ...], bool]:
    """The unique indexes, and whether the primary key is one of them."""
    rows = database.execute(
        "SELECT list.name, list.origin, list.partial, schema.sql FROM pragma_index_list(?) AS list"
        " LEFT JOIN sqlite_schema AS schema ON schema.type = 'index' AND schema.name = list.name"
        ' WHERE list."unique" ORDER BY list.name',
        (table,),
    ).fetchall()
    indexes = tuple(UniqueIndex(*_index(database, name, sql)) for name, _, _, sql in rows)
    return indexes, any(origin == "pk" for _, origin, _, _ in rows)


def _index(
    database: sqlite3.Connection, name: str, sql: str | None
) -> tuple[tuple[tuple[str, str | None], ...], tuple[int, ...], str]:
    """Terms, places of expressions, condition."""
    texts, condition = read_index(sql) if sql else ([], "")
    rows = database.execute("SELECT seqno, name, coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno", (name,))

    def terms() -> Iterator[tuple[str, str | None]]:
        for number, column, collation in rows.fetchall():
            yield (texts[number], None) if column is None else (column, collation)

    found = tuple(terms())
    return found, tuple(number for number, (_, collation) in enumerate(found) if collation is None), condition


def _key(columns: tuple[Column, ...], unique: tuple[UniqueIndex, ...]) -> tuple[str, ...]:
    """The unique index that Debezium would take in place of a primary key."""
    required = {column.name for column in columns if not column.nullable}
    for index in unique:
        names = tuple(name for name, _ in index.terms)
        if index.is_plain and required.issuperset(names):
            return names
    return ()
