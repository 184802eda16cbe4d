"""Whether a table's structure is that of the rows in the log, and what of it the log alone can tell.

A structure that does not fit gives wrong values without an error, so everything that TABLE_MAP says is compared.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headwater.source import SourceError
from headwater.sources.mysql.charsets import decoder
from headwater.sources.mysql.table import Column, Table
from headwater.sources.mysql.table_map import LoggedColumn, LogType

if TYPE_CHECKING:
    from headwater.sources.mysql.server import Charsets
    from headwater.sources.mysql.table_map import TableMap

BINARY = "binary"
"""The character set of what is no text."""

_TYPE_NAMES = {
    LogType.TINY: "tinyint",
    LogType.SHORT: "smallint",
    LogType.INT24: "mediumint",
    LogType.LONG: "int",
    LogType.LONGLONG: "bigint",
    LogType.FLOAT: "float",
    LogType.DOUBLE: "double",
    LogType.NEWDECIMAL: "decimal",
    LogType.BIT: "bit",
    LogType.ENUM: "enum",
    LogType.SET: "set",
    LogType.JSON: "json",
    LogType.YEAR: "year",
    LogType.DATE: "date",
    LogType.TIME2: "time",
    LogType.DATETIME2: "datetime",
    LogType.TIMESTAMP2: "timestamp",
    LogType.VECTOR: "vector",
}
_TEXT_NAMES = {
    (LogType.STRING, 0): "char",
    (LogType.VARCHAR, 0): "varchar",
    (LogType.BLOB, 1): "tinytext",
    (LogType.BLOB, 2): "text",
    (LogType.BLOB, 3): "mediumtext",
    (LogType.BLOB, 4): "longtext",
}
_BINARY_NAMES = {
    (LogType.STRING, 0): "binary",
    (LogType.VARCHAR, 0): "varbinary",
    (LogType.BLOB, 1): "tinyblob",
    (LogType.BLOB, 2): "blob",
    (LogType.BLOB, 3): "mediumblob",
    (LogType.BLOB, 4): "longblob",
}
_GEOMETRY_NAMES = (
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geomcollection",
)
"""By TABLE_MAP's geometry type."""


def fits(table: Table, table_map: TableMap, charsets: Charsets) -> str | None:
    """The first difference between a structure and the log's, as a clause for an error; None where it fits.

    Raises `SourceError` for a collation that is not known.
    """
    if len(table.columns) != len(table_map.columns):
        return f"it has {len(table.columns)} columns, the log has {len(table_map.columns)}"
    for column, logged in zip(table.columns, table_map.columns, strict=True):
        difference = _difference(column, logged, charsets)
        if difference:
            return f"column {column.name!r} {difference}"
    return _key_difference(table, table_map)


def table_from_map(table_map: TableMap, known: Table | None, charsets: Charsets) -> Table:
    """The structure in a TABLE_MAP written with binlog_row_metadata=FULL.

    What the log never has is taken from ``known``, the server's present structure: of columns that still have the
    name and type, the default and how they are declared; and the message key of a table for which the log has none.
    Raises `SourceError` for a collation that is not known, and for members of an enum that can't be decoded.
    """
    present = {column.name: column for column in known.columns} if known else {}
    columns = tuple(
        _with_declaration(_column(logged, charsets), present.get(logged.name or "")) for logged in table_map.columns
    )
    logged_key = _logged_key(table_map)
    if known is None:
        return Table(table_map.database, table_map.table, columns, logged_key, logged_key)
    key = logged_key or _unique_key(known, columns)
    primary_key = () if not known.primary_key and known.key == key else logged_key
    return Table(table_map.database, table_map.table, columns, key, primary_key, known.charset)


def physical(table: Table, charsets: Charsets) -> tuple[tuple[int, int], ...]:
    """The (type, metadata) of each column that the server would write into TABLE_MAP for this structure."""
    return tuple((int(kind), meta) for kind, meta in (_stored(column, charsets) for column in table.columns))


def _difference(column: Column, logged: LoggedColumn, charsets: Charsets) -> str | None:
    """How a column differs from the log's: how it is stored first, then what its bytes mean."""
    if (stored := _stored(column, charsets)) != (logged.type, logged.meta):
        in_log = _shown(logged.type, logged.meta)
        return f"is {column.type_text or column.type}, stored as {_shown(*stored)}, but {in_log} in the log"
    if logged.name not in (None, column.name):
        return f"is called {logged.name!r} in the log"
    if column.nullable != logged.nullable:
        return f"is {_null(column.nullable)}, but {_null(logged.nullable)} in the log"
    if logged.unsigned not in (None, column.unsigned) and logged.type is not LogType.YEAR:
        return "is unsigned, but not in the log" if column.unsigned else "is unsigned in the log only"
    return _meaning_difference(column, logged, charsets)


def _meaning_difference(column: Column, logged: LoggedColumn, charsets: Charsets) -> str | None:
    if logged.collation is not None:
        charset = _charset(logged.collation, charsets)
        if charset != (column.charset or BINARY):
            return f"has character set {column.charset or BINARY}, but {charset} in the log"
        if logged.values is not None and not _same_members(column.values, logged.values, charset):
            return f"has the members {column.values}, but {logged.values} in the log"
    if logged.geometry is not None and (kind := _geometry(logged.geometry)) != column.type:
        return f"is {column.type}, but {kind} in the log"
    if logged.dimensions not in (None, column.length):
        return f"has {column.length} dimensions, but {logged.dimensions} in the log"
    return None


def _key_difference(table: Table, table_map: TableMap) -> str | None:
    """The log leaves out a unique key that holds the beginning of a column, which can be the message key too."""
    if not table_map.has_names:
        return None
    logged = _logged_key(table_map)
    if logged == table.key or (not logged and not table.primary_key):
        return None
    return f"its key is ({', '.join(table.key)}), but ({', '.join(logged)}) in the log"


def _logged_key(table_map: TableMap) -> tuple[str, ...]:
    return tuple(table_map.columns[index].name or "" for index in table_map.primary_key or ())


def _unique_key(known: Table, columns: tuple[Column, ...]) -> tuple[str, ...]:
    """The message key of a table without a primary key, where all its columns are still there and not nullable."""
    possible = {column.name for column in columns if not column.nullable}
    return known.key if not known.primary_key and possible.issuperset(known.key) else ()


_STORED = {name: kind for kind, name in _TYPE_NAMES.items()} | dict.fromkeys(_GEOMETRY_NAMES, LogType.GEOMETRY)
_STORED_STRINGS = {name: place for names in (_TEXT_NAMES, _BINARY_NAMES) for place, name in names.items()}
_FRACTIONAL = frozenset({LogType.TIME2, LogType.DATETIME2, LogType.TIMESTAMP2})
_LENGTH_OF_FOUR = frozenset({LogType.FLOAT, LogType.JSON, LogType.GEOMETRY, LogType.VECTOR})


def _stored(column: Column, charsets: Charsets) -> tuple[LogType, int]:
    """`LoggedColumn.type` and `LoggedColumn.meta` of a column."""
    if column.type in _STORED_STRINGS:
        kind, prefix = _STORED_STRINGS[column.type]
        return kind, prefix or (column.length or 0) * charsets.widths.get(column.charset or BINARY, 0)
    kind = _STORED[column.type]
    return kind, _stored_meta(kind, column)


def _stored_meta(kind: LogType, column: Column) -> int:
    if kind in _FRACTIONAL or kind is LogType.BIT:
        return column.length or 0
    if kind in _LENGTH_OF_FOUR:
        return 4
    if kind is LogType.DOUBLE:
        return 8
    if kind is LogType.NEWDECIMAL:
        return (column.length or 0) << 8 | (column.scale or 0)
    if kind is LogType.ENUM:
        return 1 if len(column.values) < 256 else 2
    if kind is LogType.SET:
        size = (len(column.values) + 7) // 8
        return size if size <= 4 else 8
    return 0


def _shown(kind: LogType, meta: int) -> str:
    """A type for people: ``NEWDECIMAL(10,2)``, ``VARCHAR(80)`` in bytes, ``LONG``."""
    if kind is LogType.NEWDECIMAL:
        return f"{kind.name}({meta >> 8},{meta & 255})"
    return f"{kind.name}({meta})" if meta else kind.name


def _null(allowed: bool) -> str:
    return "NULL" if allowed else "NOT NULL"


def _charset(collation: int, charsets: Charsets) -> str:
    try:
        return charsets.by_collation[collation]
    except KeyError:
        raise SourceError(f"the log has collation {collation}, which the server does not know") from None


def _same_members(members: tuple[str, ...], logged: tuple[bytes, ...], charset: str) -> bool:
    """In a character set that can't be decoded, the same number of members."""
    try:
        return _members(logged, charset) == members
    except LookupError:
        return len(logged) == len(members)
    except UnicodeDecodeError:
        return False


def _members(logged: tuple[bytes, ...], charset: str) -> tuple[str, ...]:
    """The members of an enum or set; those of character set binary are no text, and are shown as if in Latin-1."""
    decode = decoder("latin1" if charset == BINARY else charset)
    return tuple(decode(member) for member in logged)


def _geometry(kind: int) -> str:
    return _GEOMETRY_NAMES[kind] if kind < len(_GEOMETRY_NAMES) else f"geometry type {kind}"


def _column(logged: LoggedColumn, charsets: Charsets) -> Column:
    """A column from what the log says of it."""
    name = logged.name or ""
    charset = BINARY if logged.collation is None else _charset(logged.collation, charsets)
    length, scale = _size(logged, charsets.widths.get(charset, 1))
    try:
        values = _members(logged.values, charset) if logged.values else ()
    except (LookupError, UnicodeDecodeError) as error:
        raise SourceError(
            f"the members of column {name!r} in character set {charset} can't be read: {error!r}"
        ) from None
    return Column(
        name,
        _type_name(logged, charset),
        logged.nullable,
        unsigned=bool(logged.unsigned) and logged.type is not LogType.YEAR,
        length=length,
        scale=scale,
        charset=None if charset == BINARY else charset,
        values=values,
    )


def _type_name(logged: LoggedColumn, charset: str) -> str:
    if logged.type is LogType.GEOMETRY:
        return _geometry(logged.geometry or 0)
    place = (logged.type, logged.meta if logged.type is LogType.BLOB else 0)
    names = _BINARY_NAMES if charset == BINARY else _TEXT_NAMES
    return names.get(place) or _TYPE_NAMES[logged.type]


def _size(logged: LoggedColumn, width: int) -> tuple[int | None, int | None]:
    """`Column.length` and `Column.scale`; those of a float are not in the log."""
    if logged.type in (LogType.STRING, LogType.VARCHAR):
        return logged.meta // width, None
    if logged.type is LogType.NEWDECIMAL:
        return logged.meta >> 8, logged.meta & 255
    if logged.type in _FRACTIONAL or logged.type is LogType.BIT:
        return logged.meta, None
    if logged.type is LogType.VECTOR:
        return logged.dimensions, None
    return None, None


def _with_declaration(column: Column, present: Column | None) -> Column:
    """What the log never has, from the same column on the server; untouched where its type is another now."""
    if present is None:
        return column
    if column.type in ("float", "double"):
        column = replace(column, length=present.length, scale=present.scale)
    declared = replace(
        column,
        default=present.default,
        expression=present.expression,
        generated=present.generated,
        auto_increment=present.auto_increment,
        type_text=present.type_text,
    )
    return declared if replace(declared, nullable=present.nullable) == present else column
