"""TABLE_MAP_EVENT: what the log itself says of a table, before the rows that follow.

Source: ``Table_map_event`` in MySQL's ``libs/mysql/binlog/event/rows_event.h``; what the server writes decides which
columns an optional field speaks of, since its own readers leave some out. Every length is checked: what does not
fit is a `TableMapError`, never a wrong structure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence


class TableMapError(Exception):
    """The bytes are not a TABLE_MAP_EVENT that can be understood; says what is wrong and where."""


class LogType(IntEnum):
    """``enum_field_types``: how a column's values stand in the log."""

    TINY = 1
    SHORT = 2
    LONG = 3
    FLOAT = 4
    DOUBLE = 5
    LONGLONG = 8
    INT24 = 9
    DATE = 10
    YEAR = 13
    VARCHAR = 15
    BIT = 16
    TIMESTAMP2 = 17
    DATETIME2 = 18
    TIME2 = 19
    VECTOR = 242
    JSON = 245
    NEWDECIMAL = 246
    ENUM = 247
    SET = 248
    BLOB = 252
    STRING = 254
    GEOMETRY = 255


NUMERIC = frozenset(
    {
        LogType.TINY,
        LogType.SHORT,
        LogType.INT24,
        LogType.LONG,
        LogType.LONGLONG,
        LogType.NEWDECIMAL,
        LogType.FLOAT,
        LogType.DOUBLE,
        LogType.YEAR,
    }
)
CHARACTER = frozenset({LogType.STRING, LogType.VARCHAR, LogType.BLOB, LogType.VECTOR})
MEMBERS = frozenset({LogType.ENUM, LogType.SET})


@dataclass(frozen=True, slots=True)
class LoggedColumn:
    """One column as the log describes it; what the server did not write is None.

    ``type``        `LogType`; ENUM and SET as themselves, although the log writes them as STRING
    ``meta``        by type: bytes of storage (FLOAT, DOUBLE, ENUM, SET), most bytes of a value (VARCHAR, STRING), bytes
                    of the length before a value (BLOB, JSON, GEOMETRY, VECTOR), number of bits (BIT), precision * 256 +
                    scale (NEWDECIMAL), fractional digits (TIME2, DATETIME2, TIMESTAMP2); else 0
    ``nullable``    whether NULL is allowed
    ``unsigned``    of numeric types, which YEAR is one of
    ``collation``   collation id of character types, and with FULL of enum and set; 63 is binary, and a vector's
    ``name``        column name; written with binlog_row_metadata=FULL only, as are the next two
    ``values``      members of enum and set, in the column's character set
    ``visible``     False for a column declared INVISIBLE
    ``geometry``    geometry type: 0 geometry, 1 point, 2 linestring, 3 polygon, 4 to 6 multi…, 7 collection
    ``dimensions``  of a vector
    """

    type: LogType
    meta: int
    nullable: bool
    unsigned: bool | None = None
    collation: int | None = None
    name: str | None = None
    values: tuple[bytes, ...] | None = None
    visible: bool | None = None
    geometry: int | None = None
    dimensions: int | None = None


@dataclass(frozen=True, slots=True)
class TableMap:
    """A parsed TABLE_MAP_EVENT. ``number`` is the id that the events of its rows refer to.

    ``primary_key`` holds indexes of columns in the key's order. A table without a primary key has that of its first
    unique key that allows no NULL and holds whole columns, else an empty one. None where the log does not say.
    ``signature`` is everything the log says of the structure, as bytes: equal signatures mean an equal structure.
    """

    number: int
    database: str
    table: str
    columns: tuple[LoggedColumn, ...]
    primary_key: tuple[int, ...] | None
    signature: bytes = field(repr=False)

    @classmethod
    def parse(cls, body: bytes) -> TableMap:
        """Read the event's bytes after its header, without checksum. Raises `TableMapError`."""
        return _parse(body)

    @property
    def id(self) -> str:
        """``database.table``, as include lists name it."""
        return f"{self.database}.{self.table}"

    @property
    def has_names(self) -> bool:
        """Whether it was written with binlog_row_metadata=FULL, so that columns have names."""
        return self.primary_key is not None

    @property
    def physical(self) -> tuple[tuple[int, int], ...]:
        """(`LoggedColumn.type`, `LoggedColumn.meta`) of each column: how its values are stored in a row."""
        return tuple((int(column.type), column.meta) for column in self.columns)


def _parse(body: bytes) -> TableMap:
    reader = _Reader(body)
    number, database, table = _identity(reader)
    signature = body[reader.position :]
    types = reader.take(reader.packed("the number of columns"), "the column types")
    metadata = _Reader(reader.take(reader.packed("the length of the metadata"), "the metadata"))
    resolved = [_type_and_meta(number, code, metadata) for number, code in enumerate(types, 1)]
    metadata.finish("the metadata")
    nullable = _bits(reader.take((len(types) + 7) // 8, "the null bits"), len(types), most_significant_first=False)
    columns = [LoggedColumn(kind, meta, null) for (kind, meta), null in zip(resolved, nullable, strict=True)]
    return TableMap(number, database, table, *_optional(reader, columns), signature)


def identify(body: bytes) -> tuple[int, str, str]:
    """Only number, database and table: enough to tell whether it is captured. Raises `TableMapError`."""
    return _identity(_Reader(body))


def _identity(reader: _Reader) -> tuple[int, str, str]:
    number = int.from_bytes(reader.take(6, "the table's number"), "little")
    reader.take(2, "the flags")
    return number, _identifier(reader, "the database"), _identifier(reader, "the table")


def _identifier(reader: _Reader, what: str) -> str:
    """A name with its length before it and a zero byte behind it."""
    name = reader.text(what)
    if reader.byte(f"the end of {what}") != 0:
        raise TableMapError(f"{what} {name!r} does not end with a zero byte")
    return name


class _Reader:
    """Reads forward over bytes that may lie about their lengths."""

    __slots__ = ("data", "position")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    @property
    def left(self) -> int:
        return len(self.data) - self.position

    def take(self, size: int, what: str) -> bytes:
        if size > self.left:
            raise TableMapError(f"{what} should have {size} bytes at {self.position}, {self.left} are left")
        start = self.position
        self.position += size
        return self.data[start : self.position]

    def byte(self, what: str) -> int:
        return self.take(1, what)[0]

    def packed(self, what: str) -> int:
        """A length-encoded integer."""
        first = self.byte(what)
        if first < 251:
            return first
        size = {252: 2, 253: 3, 254: 8}.get(first)
        if size is None:
            raise TableMapError(f"{what} begins with {first}, which is no length-encoded integer")
        return int.from_bytes(self.take(size, what), "little")

    def string(self, what: str) -> bytes:
        """Bytes with their length before them."""
        return self.take(self.packed(f"the length of {what}"), what)

    def text(self, what: str) -> str:
        """A `string` in the server's character set for names."""
        raw = self.string(what)
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise TableMapError(f"{what} {raw!r} is not UTF-8: {error.reason}") from None

    def packed_to_end(self, what: str) -> Iterator[int]:
        while self.left:
            yield self.packed(what)

    def finish(self, what: str) -> None:
        if self.left:
            raise TableMapError(f"{self.left} bytes are left over behind {what}")


def _meta_zero(_: _Reader) -> int:
    return 0


def _meta_byte(reader: _Reader) -> int:
    return reader.byte("a column's metadata")


def _meta_little(reader: _Reader) -> int:
    return int.from_bytes(reader.take(2, "a column's metadata"), "little")


def _meta_big(reader: _Reader) -> int:
    return int.from_bytes(reader.take(2, "a column's metadata"), "big")


def _meta_bits(reader: _Reader) -> int:
    bits, whole_bytes = reader.take(2, "a column's metadata")
    return whole_bytes * 8 + bits


_META: dict[LogType, Callable[[_Reader], int]] = {
    **dict.fromkeys(
        (
            LogType.FLOAT,
            LogType.DOUBLE,
            LogType.BLOB,
            LogType.JSON,
            LogType.GEOMETRY,
            LogType.VECTOR,
            LogType.TIME2,
            LogType.DATETIME2,
            LogType.TIMESTAMP2,
        ),
        _meta_byte,
    ),
    LogType.VARCHAR: _meta_little,
    LogType.NEWDECIMAL: _meta_big,
    LogType.BIT: _meta_bits,
}
_POSSIBLE_META: dict[LogType, Container[int]] = {
    LogType.FLOAT: (4,),
    LogType.DOUBLE: (8,),
    LogType.BIT: range(1, 65),
    LogType.ENUM: (1, 2),
    LogType.SET: (1, 2, 3, 4, 8),
    **dict.fromkeys((LogType.BLOB, LogType.JSON, LogType.GEOMETRY, LogType.VECTOR), range(1, 5)),
    **dict.fromkeys((LogType.TIME2, LogType.DATETIME2, LogType.TIMESTAMP2), range(7)),
    LogType.NEWDECIMAL: frozenset(digits << 8 | scale for digits in range(1, 66) for scale in range(digits + 1)),
}
_IN_STRING = frozenset({LogType.STRING, LogType.ENUM, LogType.SET})


def _type_and_meta(number: int, code: int, metadata: _Reader) -> tuple[LogType, int]:
    try:
        kind = LogType(code)
        if kind in _IN_STRING:
            kind, meta = _string(metadata)
        else:
            meta = _META.get(kind, _meta_zero)(metadata)
    except ValueError:
        raise TableMapError(f"column {number} has type {code}, which is not known") from None
    if kind in _POSSIBLE_META and meta not in _POSSIBLE_META[kind]:
        raise TableMapError(f"column {number} has type {kind.name} with metadata {meta}, which it can't have")
    return kind, meta


def _string(metadata: _Reader) -> tuple[LogType, int]:
    """The real type and length of STRING: lengths over 255 hide in two inverted bits of the type."""
    code, length = metadata.take(2, "a column's metadata")
    real = LogType(code | 0x30)
    if real not in _IN_STRING:
        raise ValueError(code)
    return real, length | ((code & 0x30) ^ 0x30) << 4


def _bits(raw: bytes, count: int, *, most_significant_first: bool = True) -> list[bool]:
    if most_significant_first:
        return [bool(raw[index >> 3] & 0x80 >> (index & 7)) for index in range(count)]
    return [bool(raw[index >> 3] & 1 << (index & 7)) for index in range(count)]


class _Field(IntEnum):
    """``Optional_metadata_field_type``."""

    SIGNEDNESS = 1
    DEFAULT_CHARSET = 2
    COLUMN_CHARSET = 3
    COLUMN_NAME = 4
    SET_STR_VALUE = 5
    ENUM_STR_VALUE = 6
    GEOMETRY_TYPE = 7
    SIMPLE_PRIMARY_KEY = 8
    PRIMARY_KEY_WITH_PREFIX = 9
    ENUM_AND_SET_DEFAULT_CHARSET = 10
    ENUM_AND_SET_COLUMN_CHARSET = 11
    COLUMN_VISIBILITY = 12
    VECTOR_DIMENSIONALITY = 13


_KNOWN_FIELDS = frozenset(_Field)


def _flags(reader: _Reader, count: int, what: str) -> list[bool]:
    """A bit for each column, the first one highest."""
    return _bits(reader.take((count + 7) // 8, what), count)


def _numbers(reader: _Reader, _count: int, what: str) -> list[int]:
    return list(reader.packed_to_end(what))


def _common_number_and_others(reader: _Reader, count: int, what: str) -> list[int]:
    """The commonest number; then, for each column that has another, which of the columns it is, and its number."""
    numbers = [reader.packed(what)] * count
    while reader.left:
        index, number = reader.packed(what), reader.packed(what)
        if index >= count:
            raise TableMapError(f"{what} speaks of column {index} of {count} of its types")
        numbers[index] = number
    return numbers


def _names(reader: _Reader, count: int, what: str) -> list[str]:
    names = [reader.text(what) for _ in range(count)]
    if len(set(names)) != count:
        raise TableMapError(f"{what} has the same name twice")
    return names


def _members(reader: _Reader, _count: int, what: str) -> list[tuple[bytes, ...]]:
    """For each column the number of its members, then these."""
    members = []
    while reader.left:
        members.append(tuple(reader.string(what) for _ in range(reader.packed(what))))
    return members


@dataclass(frozen=True, slots=True)
class _PerColumn:
    """An optional field that has a value for every column of some types, in the columns' order."""

    types: frozenset[LogType]
    attribute: str
    read: Callable[[_Reader, int, str], Sequence[Any]]


_EVERY = frozenset(LogType)
_PER_COLUMN = {
    _Field.SIGNEDNESS: _PerColumn(NUMERIC, "unsigned", _flags),
    _Field.DEFAULT_CHARSET: _PerColumn(CHARACTER, "collation", _common_number_and_others),
    _Field.COLUMN_CHARSET: _PerColumn(CHARACTER, "collation", _numbers),
    _Field.COLUMN_NAME: _PerColumn(_EVERY, "name", _names),
    _Field.SET_STR_VALUE: _PerColumn(frozenset({LogType.SET}), "values", _members),
    _Field.ENUM_STR_VALUE: _PerColumn(frozenset({LogType.ENUM}), "values", _members),
    _Field.GEOMETRY_TYPE: _PerColumn(frozenset({LogType.GEOMETRY}), "geometry", _numbers),
    _Field.ENUM_AND_SET_DEFAULT_CHARSET: _PerColumn(MEMBERS, "collation", _common_number_and_others),
    _Field.ENUM_AND_SET_COLUMN_CHARSET: _PerColumn(MEMBERS, "collation", _numbers),
    _Field.COLUMN_VISIBILITY: _PerColumn(_EVERY, "visible", _flags),
    _Field.VECTOR_DIMENSIONALITY: _PerColumn(frozenset({LogType.VECTOR}), "dimensions", _numbers),
}


def _with_field(columns: list[LoggedColumn], known: _Field, reader: _Reader) -> list[LoggedColumn]:
    """The columns with what one optional field says of them."""
    per_column, what = _PER_COLUMN[known], known.name
    positions = [position for position, column in enumerate(columns) if column.type in per_column.types]
    values = per_column.read(reader, len(positions), what)
    if len(values) != len(positions):
        raise TableMapError(f"{what} speaks of {len(values)} columns, {len(positions)} are of its types")
    columns = list(columns)
    for position, value in zip(positions, values, strict=True):
        columns[position] = replace(columns[position], **{per_column.attribute: value})
    return columns


def _primary_key(known: _Field, reader: _Reader, count: int) -> tuple[int, ...]:
    """Columns by number; with prefixes each is followed by its length, which says nothing of the key's value."""
    what = known.name
    numbers = tuple(reader.packed_to_end(what))
    if known is _Field.PRIMARY_KEY_WITH_PREFIX:
        if len(numbers) % 2:
            raise TableMapError(f"{what} ends within a pair")
        numbers = numbers[::2]
    if len(set(numbers)) != len(numbers) or any(number >= count for number in numbers):
        raise TableMapError(f"{what} names columns {list(numbers)} of {count}")
    return numbers


def _optional(reader: _Reader, columns: list[LoggedColumn]) -> tuple[tuple[LoggedColumn, ...], tuple[int, ...] | None]:
    """The columns with all that the optional fields say, and `TableMap.primary_key`.

    A field that is not known is a newer server's addition, which older readers are meant to skip.
    """
    primary_key: tuple[int, ...] = ()
    while reader.left:
        kind = reader.byte("the type of an optional metadata field")
        value = _Reader(reader.string(f"optional metadata field {kind}"))
        if kind not in _KNOWN_FIELDS:
            continue
        known = _Field(kind)
        if known in _PER_COLUMN:
            columns = _with_field(columns, known, value)
        else:
            primary_key = _primary_key(known, value, len(columns))
        value.finish(known.name)
    named = all(column.name is not None for column in columns)
    return tuple(columns), primary_key if named else None
