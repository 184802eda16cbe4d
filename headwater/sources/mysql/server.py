"""Table structure as the server tells it: ``information_schema``, SHOW INDEX and SHOW CREATE TABLE.

It is the structure of *now*; whether rows in the log still have it is for `headwater.sources.mysql.match` to say.
The cursor is a PyMySQL one that gives tuples.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from headwater.sources.mysql.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pymysql.cursors import Cursor

TableId = tuple[str, str]
"""Database and table."""


@dataclass(frozen=True, slots=True)
class Charsets:
    """The server's character sets: by collation id, and how many bytes a character has at most in each."""

    by_collation: Mapping[int, str]
    widths: Mapping[str, int]


def read_charsets(cursor: Cursor) -> Charsets:
    """Every character set and collation that the server knows."""
    cursor.execute("SELECT ID, CHARACTER_SET_NAME FROM information_schema.COLLATIONS")
    by_collation = {int(row[0]): str(row[1]) for row in cursor.fetchall()}
    cursor.execute("SELECT CHARACTER_SET_NAME, MAXLEN FROM information_schema.CHARACTER_SETS")
    return Charsets(by_collation, {str(row[0]): int(row[1]) for row in cursor.fetchall()})


def read_table(cursor: Cursor, database: str, name: str) -> Table | None:
    """The structure of one table; None where there is no such table."""
    return read_tables(cursor, [(database, name)]).get((database, name))


def read_tables(cursor: Cursor, ids: Collection[TableId]) -> dict[TableId, Table]:
    """The structure of those of ``ids`` that are tables on the server; views are not."""
    charsets = _table_charsets(cursor, ids)
    columns = _columns(cursor, charsets)
    primary_keys = _primary_keys(cursor, charsets)
    tables = {}
    for table, charset in charsets.items():
        primary_key = primary_keys.get(table, ())
        key = primary_key or _unique_key(cursor, table)
        tables[table] = Table(
            *table, _with_timestamp_defaults(cursor, table, columns[table]), key, primary_key, charset
        )
    return tables


def create_statement(cursor: Cursor, database: str, name: str) -> str:
    """The statement that SHOW CREATE TABLE gives."""
    cursor.execute(f"SHOW CREATE TABLE {quoted(database)}.{quoted(name)}")
    row = cursor.fetchone()
    assert row is not None  # noqa: S101 - the server answers with a row or an error
    return str(row[1])


def quoted(identifier: str) -> str:
    """An identifier as SQL text."""
    return "`" + identifier.replace("`", "``") + "`"


_BATCH = 500


def _select(cursor: Cursor, query: str, ids: Collection[TableId]) -> Iterator[tuple[Any, ...]]:
    """Rows of ``query``, its ``{ids}`` replaced by tables, not too many at once."""
    wanted = list(ids)
    for start in range(0, len(wanted), _BATCH):
        batch = wanted[start : start + _BATCH]
        places = ", ".join(["(%s, %s)"] * len(batch))
        cursor.execute(query.format(ids=places), [part for table in batch for part in table])
        yield from cursor.fetchall()


def _table_charsets(cursor: Cursor, ids: Collection[TableId]) -> dict[TableId, str | None]:
    query = (
        "SELECT TABLE_SCHEMA, TABLE_NAME, CHARACTER_SET_NAME FROM information_schema.TABLES "
        "LEFT JOIN information_schema.COLLATIONS ON TABLE_COLLATION = COLLATION_NAME "
        "WHERE TABLE_TYPE = 'BASE TABLE' AND (TABLE_SCHEMA, TABLE_NAME) IN ({ids})"
    )
    return {(database, name): charset for database, name, charset in _select(cursor, query, ids)}


def _columns(cursor: Cursor, ids: Collection[TableId]) -> dict[TableId, tuple[Column, ...]]:
    query = (
        "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH, "
        "NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION, CHARACTER_SET_NAME, COLUMN_DEFAULT, EXTRA "
        "FROM information_schema.COLUMNS WHERE (TABLE_SCHEMA, TABLE_NAME) IN ({ids}) "
        "ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION"
    )
    columns: defaultdict[TableId, list[Column]] = defaultdict(list)
    for database, table, *facts in _select(cursor, query, ids):
        columns[database, table].append(_column(*facts))
    return {table: tuple(listed) for table, listed in columns.items()}


def _column(
    name: str,
    data_type: str,
    type_text: str,
    nullable: str,
    characters: int | None,
    precision: int | None,
    scale: int | None,
    fraction: int | None,
    charset: str | None,
    default: str | None,
    extra: str,
) -> Column:
    kind = data_type.lower()
    length, decimals = _size(kind, characters, precision, scale, fraction)
    return Column(
        name,
        kind,
        nullable == "YES",
        unsigned="unsigned" in type_text.rpartition(")")[2],
        length=length,
        scale=decimals,
        charset=charset,
        values=_members(type_text) if kind in ("enum", "set") else (),
        default=default,
        expression="DEFAULT_GENERATED" in extra,
        generated="VIRTUAL GENERATED" in extra or "STORED GENERATED" in extra,
        auto_increment="auto_increment" in extra,
        type_text=type_text,
    )


_SIZED_BY_CHARACTERS = frozenset({"char", "varchar", "binary", "varbinary"})
_FRACTIONAL = frozenset({"time", "datetime", "timestamp"})


def _size(
    kind: str, characters: int | None, precision: int | None, scale: int | None, fraction: int | None
) -> tuple[int | None, int | None]:
    """`Column.length` and `Column.scale`."""
    if kind in _SIZED_BY_CHARACTERS:
        return characters, None
    if kind in _FRACTIONAL:
        return fraction, None
    if kind == "bit":
        return precision, None
    if kind == "decimal" or (kind in ("float", "double") and scale is not None):
        return precision, scale
    if kind == "vector" and characters is not None:
        return characters // 4, None
    return None, None


_MEMBER = re.compile(r"'((?:[^']|'')*)'")
_ESCAPED = re.compile(r"''|\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "0": "\0"}


def _members(type_text: str) -> tuple[str, ...]:
    """The values in ``enum('a','it''s')``, written as SHOW CREATE TABLE writes strings."""

    def plain(escaped: re.Match[str]) -> str:
        letter = escaped[1]
        return "'" if letter is None else _ESCAPES.get(letter, letter)

    return tuple(_ESCAPED.sub(plain, member) for member in _MEMBER.findall(type_text))


_TIMESTAMP_DEFAULT = re.compile(r"^  `((?:[^`]|``)+)` timestamp\b[^\n]*? DEFAULT '([^'\n]+)'", re.MULTILINE)


def _with_timestamp_defaults(cursor: Cursor, table: TableId, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """The columns with the literal defaults of timestamps in the server's time zone, as Debezium reads them.

    ``information_schema`` shows them as the statement wrote them, in a time zone that is not known any more; SHOW
    CREATE TABLE converts them into that of the session. (Debezium takes the text for UTC all the same.)
    """
    literal = {
        column.name
        for column in columns
        if column.type == "timestamp" and column.default is not None and not column.expression
    }
    if not literal:
        return columns
    cursor.execute("SET SESSION time_zone = @@GLOBAL.time_zone")
    shown = _TIMESTAMP_DEFAULT.findall(create_statement(cursor, *table))
    defaults = {name.replace("``", "`"): default for name, default in shown}
    return tuple(
        replace(column, default=defaults.get(column.name, column.default)) if column.name in literal else column
        for column in columns
    )


def _primary_keys(cursor: Cursor, ids: Collection[TableId]) -> dict[TableId, tuple[str, ...]]:
    query = (
        "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME FROM information_schema.STATISTICS "
        "WHERE INDEX_NAME = 'PRIMARY' AND (TABLE_SCHEMA, TABLE_NAME) IN ({ids}) "
        "ORDER BY TABLE_SCHEMA, TABLE_NAME, SEQ_IN_INDEX"
    )
    keys: defaultdict[TableId, list[str]] = defaultdict(list)
    for database, table, column in _select(cursor, query, ids):
        keys[database, table].append(column)
    return {table: tuple(columns) for table, columns in keys.items()}


def _unique_key(cursor: Cursor, table: TableId) -> tuple[str, ...]:
    """The first unique key whose parts are all columns that can't be NULL, as Debezium takes it.

    SHOW INDEX has the keys in the order of SHOW CREATE TABLE, which Debezium reads; ``information_schema`` has none.
    """
    cursor.execute(f"SHOW INDEX FROM {quoted(table[0])}.{quoted(table[1])} WHERE Non_unique = 0")
    names = [description[0] for description in cursor.description]
    keys: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in cursor.fetchall():
        part = dict(zip(names, row, strict=True))
        keys[part["Key_name"]].append(part)
    for parts in keys.values():
        if all(part["Column_name"] is not None and part["Null"] != "YES" for part in parts):
            return tuple(part["Column_name"] for part in parts)
    return ()
