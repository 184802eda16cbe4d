"""Row images from the binlog and rows of a snapshot: the values Debezium gives; and bytes that are no rows."""

import base64
import itertools
import json
import linecache
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.record import DECIMAL
from headwater.shape import Reader
from headwater.source import SourceError
from headwater.sources.mysql.decode import IMAGES, RowError, RowsReader
from headwater.sources.mysql.table import Column, Table
from headwater.sources.mysql.table_map import LogType, TableMap
from headwater.sources.mysql.text import TextReader
from headwater.sources.mysql.types import DecimalMode, ValueOptions, column_schema

RECORDED = json.loads((Path(__file__).parent / "data" / "mysql_rows.json").read_text())
"""A table of all types, its events as MySQL 9.7 logged them, and the rows that Debezium 3.6.3 made of them."""

OPTIONS = ValueOptions()
Rows = list[dict[str, Any]]
_numbers = itertools.count()


def function(reader: Reader, slots: Iterable[str]) -> Callable[..., Rows]:
    """The reader's code as a function that gives the slots of every row."""
    slots = list(slots)
    code = reader.code(frozenset(slots))
    body = [*code.row, f"found.append(dict({', '.join(f'{slot}={slot}' for slot in slots)}))", "row += 1"]
    lines = [*code.event, "found, row = [], 0", code.loop, *(f"    {line}" for line in body), "return found"]
    source = "\n".join([f"def read({', '.join(code.parameters)}):", *(f"    {line}" for line in lines)])
    namespace = dict(code.constants)
    filename = f"<rows {next(_numbers)}>"
    exec(compile(source, filename, "exec"), namespace)
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    return namespace["read"]


def table_of(*columns: Column) -> Table:
    return Table("shop", "orders", columns, key=())


def read_one(column: Column, physical: tuple[int, int], data: bytes, options: ValueOptions = OPTIONS) -> Any:
    """The value of a row with only one column, not NULL, whose bytes are ``data``."""
    read = function(RowsReader(table_of(column), [physical], "c", options), ["a0"])
    (row,) = read(b"\xfe" + data, 0, 1 + len(data))
    return row["a0"]


def read_text(column: Column, value: Any, options: ValueOptions = OPTIONS) -> Any:
    """The value of a snapshot's row with only one column."""
    (row,) = function(TextReader(table_of(column), options), ["a0"])([(value,)])
    return row["a0"]


# Recorded events against Debezium's rows


def recorded_table(name: str) -> Table:
    structure = RECORDED["tables"][name]
    columns = [Column(**{**column, "values": tuple(column.get("values", ()))}) for column in structure["columns"]]
    return Table("samples", name, tuple(columns), tuple(structure["key"]))


@dataclass
class Recorded:
    """A recorded rows event: its body, and where the first image begins in it."""

    table: Table
    physical: tuple[tuple[int, int], ...]
    operation: str
    body: bytes
    first: int

    @classmethod
    def of(cls, event: dict[str, Any]) -> "Recorded":
        table = recorded_table(event["table"])
        body = bytes.fromhex(event["rows"])
        extra = int.from_bytes(body[8:10], "little")
        bitmaps = (len(table.columns) + 7) // 8 * len(IMAGES[event["operation"]])
        physical = TableMap.parse(bytes.fromhex(event["table_map"])).physical
        return cls(table, physical, event["operation"], body, 8 + extra + 1 + bitmaps)

    @property
    def slots(self) -> list[str]:
        return [f"{image}{index}" for image in IMAGES[self.operation] for index in range(len(self.table.columns))]

    def read(self, slots: Iterable[str]) -> Rows:
        reader = RowsReader(self.table, self.physical, self.operation, OPTIONS)
        return function(reader, slots)(self.body, self.first, len(self.body))


def as_json(column: Column, value: Any) -> Any:
    """What Connect's JsonConverter writes for a value."""
    match value:
        case int() if column_schema(column, OPTIONS).name == DECIMAL:
            size = (value + (value < 0)).bit_length() // 8 + 1
            return as_json(column, value.to_bytes(size, "big", signed=True))
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: as_json(Column("", "blob", nullable=True), inner) for name, inner in value.items()}
    return value


@pytest.mark.parametrize("event", RECORDED["events"], ids=lambda event: f"{event['operation']} {event['table']}")
def test_recorded_events_read_as_debezium_reads_them(event: dict[str, Any]) -> None:
    recorded = Recorded.of(event)
    (row,) = recorded.read(recorded.slots)
    for image, expected in (("b", event["before"]), ("a", event["after"])):
        if expected is not None:
            columns = recorded.table.columns
            found = {column.name: as_json(column, row[f"{image}{i}"]) for i, column in enumerate(columns)}
            assert found == expected


@given(st.sampled_from(RECORDED["events"]), st.data())
def test_columns_that_nobody_uses_are_passed_over(event: dict[str, Any], data: st.DataObject) -> None:
    recorded = Recorded.of(event)
    some = data.draw(st.sets(st.sampled_from(recorded.slots)))
    (whole,) = recorded.read(recorded.slots)
    assert recorded.read(some) == [{slot: whole[slot] for slot in some}]


@given(st.sampled_from(RECORDED["events"]), st.integers(min_value=1, max_value=5))
def test_rows_are_told_apart_without_being_read(event: dict[str, Any], count: int) -> None:
    recorded = Recorded.of(event)
    row = recorded.body[recorded.first :]
    body = recorded.body[: recorded.first] + row * count
    reader = RowsReader(recorded.table, recorded.physical, recorded.operation, OPTIONS)
    starts = [recorded.first + number * len(row) for number in range(count)]
    parts = list(reader.split((body, recorded.first, len(body), "what else")))
    assert parts == [(body, start, start + len(row), "what else") for start in starts]


@given(st.sampled_from(RECORDED["events"]), st.binary())
def test_bytes_that_are_no_rows_are_not_told_apart_beyond_their_end(event: dict[str, Any], data: bytes) -> None:
    recorded = Recorded.of(event)
    reader = RowsReader(recorded.table, recorded.physical, recorded.operation, OPTIONS)
    place = 0
    with suppress(RowError):
        for _, start, end in reader.split((data, 0, len(data))):
            assert place == start < end <= len(data)
            place = end


def test_a_snapshot_s_rows_are_told_apart() -> None:
    reader = TextReader(table_of(Column("id", "int", nullable=False)), OPTIONS)
    assert list(reader.split(([("1",), ("2",)], "marker"))) == [([("1",)], "marker"), ([("2",)], "marker")]


# Round trips of rows


EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a DATETIME has no time zone


def packed_datetime(value: datetime, digits: int) -> bytes:
    packed = (value.year * 13 + value.month) << 22 | value.day << 17
    packed |= value.hour << 12 | value.minute << 6 | value.second | 1 << 39
    return packed.to_bytes(5, "big") + fraction(value.microsecond, digits)


def packed_time(micros: int, digits: int) -> bytes:
    width = (digits + 1) // 2
    seconds, rest = divmod(abs(micros), 1_000_000)
    packed = (seconds // 3600 << 12 | seconds // 60 % 60 << 6 | seconds % 60) << 8 * width
    packed |= rest // 100 ** (3 - width)
    zero = 1 << 23 + 8 * width
    return (zero - packed if micros < 0 else zero + packed).to_bytes(3 + width, "big")


def fraction(micros: int, digits: int) -> bytes:
    width = (digits + 1) // 2
    return (micros // 100 ** (3 - width)).to_bytes(width, "big")


def packed_decimal(value: int, precision: int, scale: int) -> bytes:
    digits = str(abs(value)).rjust(precision, "0")
    whole, parts = digits[: precision - scale], digits[precision - scale :]
    over = len(whole) % 9
    groups = [whole[:over], *(whole[i : i + 9] for i in range(over, len(whole), 9))]
    groups += [parts[i : i + 9] for i in range(0, len(parts), 9)]
    widths = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
    data = b"".join(int(group).to_bytes(widths[len(group)], "big") for group in groups if group)
    if value < 0:
        data = bytes(byte ^ 0xFF for byte in data)
    return bytes([data[0] ^ 0x80]) + data[1:]


def behind_length(data: bytes, prefix: int) -> bytes:
    return len(data).to_bytes(prefix, "little") + data


def rounded(micros: int, digits: int) -> int:
    return micros - micros % 10 ** (6 - digits) if micros >= 0 else -rounded(-micros, digits)


@dataclass
class Kind:
    """A type of column: how it is logged, and pairs of a value's bytes and what they read as."""

    column: Column
    physical: tuple[int, int]
    pairs: st.SearchStrategy[tuple[bytes, Any]]


def integer(name: str, log_type: LogType, size: int, *, unsigned: bool) -> Kind:
    low, high = (0, 2 ** (8 * size) - 1) if unsigned else (-(2 ** (8 * size - 1)), 2 ** (8 * size - 1) - 1)
    wraps = unsigned and size == 8

    def pair(value: int) -> tuple[bytes, int]:
        data = value.to_bytes(size, "little", signed=not unsigned)
        return data, int.from_bytes(data, "little", signed=True) if wraps else value

    column = Column("c", name, nullable=True, unsigned=unsigned)
    return Kind(column, (log_type, 0), st.integers(low, high).map(pair))


def text(name: str, log_type: LogType, meta: int, prefix: int, charset: str, codec: str) -> Kind:
    values = st.text("aZ0 '\\\n~中文字" if codec == "gbk" else st.characters(codec=codec), max_size=60)
    column = Column("c", name, nullable=True, charset=charset)
    return Kind(column, (log_type, meta), values.map(lambda value: (behind_length(value.encode(codec), prefix), value)))


def decimal(precision: int, scale: int) -> Kind:
    column = Column("c", "decimal", nullable=True, length=precision, scale=scale)
    values = st.integers(-(10**precision) + 1, 10**precision - 1)
    pairs = values.map(lambda value: (packed_decimal(value, precision, scale), value))
    return Kind(column, (LogType.NEWDECIMAL, precision * 256 + scale), pairs)


def timestamp(digits: int) -> Kind:
    def pair(micros: int) -> tuple[bytes, str]:
        micros = rounded(micros, digits)
        seconds, rest = divmod(micros, 1_000_000)
        shown = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        ending = f".{rest:06}"[: digits + 1] if digits else ""
        return seconds.to_bytes(4, "big") + fraction(rest, digits), f"{shown}{ending}Z"

    column = Column("c", "timestamp", nullable=True, length=digits)
    return Kind(column, (LogType.TIMESTAMP2, digits), st.integers(1_000_000, 2**31 * 1_000_000 - 1).map(pair))


def moment(digits: int) -> Kind:
    def pair(value: datetime) -> tuple[bytes, int]:
        value = value.replace(microsecond=rounded(value.microsecond, digits))
        micros = (value - EPOCH) // timedelta(microseconds=1)
        return packed_datetime(value, digits), micros // (1 if digits > 3 else 1000)

    column = Column("c", "datetime", nullable=True, length=digits)
    return Kind(column, (LogType.DATETIME2, digits), st.datetimes(EPOCH.replace(year=100)).map(pair))


def duration(digits: int) -> Kind:
    most = (838 * 3600 + 59 * 60 + 59) * 1_000_000
    values = st.integers(-most, most).map(lambda micros: rounded(micros, digits))
    column = Column("c", "time", nullable=True, length=digits)
    return Kind(column, (LogType.TIME2, digits), values.map(lambda value: (packed_time(value, digits), value)))


def day() -> Kind:
    def pair(value: date) -> tuple[bytes, int]:
        packed = value.year << 9 | value.month << 5 | value.day
        return packed.to_bytes(3, "little"), (value - date(1970, 1, 1)).days

    return Kind(Column("c", "date", nullable=True), (LogType.DATE, 0), st.dates(date(100, 1, 1)).map(pair))


def members(name: str, log_type: LogType, count: int, size: int) -> Kind:
    values = tuple(f"m{index}" for index in range(count))
    column = Column("c", name, nullable=True, values=values)

    def chosen(number: int) -> str:
        if name == "enum":
            return ("", *values)[number]
        return ",".join(value for index, value in enumerate(values) if number >> index & 1)

    numbers = st.integers(0, count if name == "enum" else 2**count - 1)
    pairs = numbers.map(lambda number: (number.to_bytes(size, "little"), chosen(number)))
    return Kind(column, (log_type, size), pairs)


KINDS = [
    *(
        integer(name, log_type, size, unsigned=unsigned)
        for unsigned in (False, True)
        for name, log_type, size in (
            ("tinyint", LogType.TINY, 1),
            ("smallint", LogType.SHORT, 2),
            ("mediumint", LogType.INT24, 3),
            ("int", LogType.LONG, 4),
            ("bigint", LogType.LONGLONG, 8),
        )
    ),
    text("varchar", LogType.VARCHAR, 255, 1, "utf8mb4", "utf-8"),
    text("varchar", LogType.VARCHAR, 256, 2, "utf8mb4", "utf-8"),
    text("char", LogType.STRING, 40, 1, "latin1", "cp1252"),
    text("text", LogType.BLOB, 2, 2, "gbk", "gbk"),
    text("mediumtext", LogType.BLOB, 3, 3, "utf8mb3", "utf-8"),
    text("longtext", LogType.BLOB, 4, 4, "utf16", "utf-16-be"),
    *(decimal(precision, scale) for precision, scale in ((10, 2), (65, 30), (5, 0), (4, 4), (18, 9), (1, 1))),
    *(timestamp(digits) for digits in range(7)),
    *(moment(digits) for digits in range(7)),
    *(duration(digits) for digits in range(7)),
    day(),
    members("enum", LogType.ENUM, 3, 1),
    members("enum", LogType.ENUM, 300, 2),
    members("set", LogType.SET, 8, 1),
    members("set", LogType.SET, 24, 3),
    members("set", LogType.SET, 64, 8),
    Kind(
        Column("c", "double", nullable=True),
        (LogType.DOUBLE, 8),
        st.floats(allow_nan=False).map(lambda value: (struct.pack("<d", value), value)),
    ),
    Kind(
        Column("c", "float", nullable=True),
        (LogType.FLOAT, 4),
        st.floats(allow_nan=False, width=32).map(lambda value: (struct.pack("<f", value), value)),
    ),
    Kind(
        Column("c", "varbinary", nullable=True, length=100),
        (LogType.VARCHAR, 100),
        st.binary(max_size=100).map(lambda value: (behind_length(value, 1), value)),
    ),
    Kind(
        Column("c", "binary", nullable=True, length=9),
        (LogType.STRING, 9),
        st.binary(max_size=9).map(lambda value: (behind_length(value, 1), value.ljust(9, b"\0"))),
    ),
]


@st.composite
def tables_with_rows(draw: st.DrawFn) -> tuple[list[Kind], bytes, Rows]:
    """Columns, the bytes of some rows of them, and what the rows read as; any column may be NULL."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=20))
    log, rows = b"", []
    for _ in range(draw(st.integers(1, 4))):
        row = [draw(st.none() | kind.pairs) for kind in kinds]
        bits = sum(1 << index for index, pair in enumerate(row) if pair is None)
        unused = -1 << len(kinds)  # the server sets the bits that stand for no column
        log += (bits | unused & (1 << (len(kinds) + 7) // 8 * 8) - 1).to_bytes((len(kinds) + 7) // 8, "little")
        log += b"".join(pair[0] for pair in row if pair is not None)
        rows.append({f"a{index}": None if pair is None else pair[1] for index, pair in enumerate(row)})
    return kinds, log, rows


@given(tables_with_rows())
def test_any_rows_read_as_what_was_written(case: tuple[list[Kind], bytes, Rows]) -> None:
    kinds, log, rows = case
    reader = RowsReader(table_of(*(kind.column for kind in kinds)), [kind.physical for kind in kinds], "c", OPTIONS)
    read = function(reader, rows[0])
    assert read(b"before" + log + b"next event", 6, 6 + len(log)) == rows


# Single values


@pytest.mark.parametrize(
    ("column", "data", "expected"),
    [
        (Column("d", "date", nullable=True), b"\0\0\0", None),
        (Column("d", "date", nullable=False), b"\0\0\0", 0),
        (Column("d", "date", nullable=False, default="2020-01-02"), b"\0\0\0", 18263),
        (Column("d", "date", nullable=True), (2023 << 9 | 0 << 5 | 5).to_bytes(3, "little"), None),
        (Column("d", "date", nullable=True), (50 << 9 | 1 << 5 | 1).to_bytes(3, "little"), 29220),
        (Column("d", "date", nullable=True), (70 << 9 | 1 << 5 | 1).to_bytes(3, "little"), 0),
    ],
)
def test_zero_dates_are_no_value_and_short_years_are_of_our_time(column: Column, data: bytes, expected: Any) -> None:
    assert read_one(column, (LogType.DATE, 0), data) == expected


def test_a_zero_timestamp_is_no_value() -> None:
    nullable = Column("t", "timestamp", nullable=True, length=6)
    required = Column("t", "timestamp", nullable=False, length=6)
    assert read_one(nullable, (LogType.TIMESTAMP2, 6), bytes(7)) is None
    assert read_one(required, (LogType.TIMESTAMP2, 6), bytes(7)) == "1970-01-01T00:00:00Z"


def test_json_of_no_bytes_is_no_value() -> None:
    physical = (LogType.JSON, 4)
    assert read_one(Column("j", "json", nullable=True), physical, bytes(4)) is None
    assert read_one(Column("j", "json", nullable=False), physical, bytes(4)) == "{}"
    default = """{"{x}": "it's", "{convert}": "\\\\"}"""
    assert read_one(Column("j", "json", nullable=False, default=default), physical, bytes(4)) == default


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(DecimalMode.PRECISE, -12345), (DecimalMode.STRING, "-123.45"), (DecimalMode.DOUBLE, -123.45)],
)
def test_decimals_by_handling_mode(mode: DecimalMode, expected: Any) -> None:
    column = Column("d", "decimal", nullable=True, length=10, scale=2)
    options = ValueOptions(decimal=mode)
    data = packed_decimal(-12345, 10, 2)
    assert read_one(column, (LogType.NEWDECIMAL, 10 * 256 + 2), data, options) == expected
    assert read_text(column, "-123.45", options) == expected


def test_an_enums_member_has_a_backslash_before_its_comma_in_the_stream_only() -> None:
    column = Column("e", "enum", nullable=True, values=("x,y",))
    assert read_one(column, (LogType.ENUM, 1), b"\x01") == "x\\,y"
    assert read_text(column, "x,y") == "x,y"


def test_latin1_is_what_mysql_takes_it_for() -> None:
    column = Column("v", "varchar", nullable=True, charset="latin1")
    assert read_one(column, (LogType.VARCHAR, 20), b"\x05\x80\xe9\x81\x9da") == "\u20ac\xe9\x81\x9da"


# What can't be read


def test_a_character_set_that_is_not_known_is_named_with_its_column() -> None:
    column = Column("title", "varchar", nullable=True, charset="keybcs2")
    reader = RowsReader(table_of(column), [(LogType.VARCHAR, 20)], "c", OPTIONS)
    with pytest.raises(SourceError, match=r"column 'title' of table shop\.orders: .*keybcs2"):
        reader.code(frozenset({"a0"}))
    assert function(reader, [])(b"\x00\x01a", 0, 3) == [{}]


@pytest.mark.parametrize("physical", [(20, 0), (LogType.BLOB, 0), (LogType.BLOB, 5), (LogType.SET, 0)])
def test_a_layout_that_no_server_writes_is_refused_even_of_an_unused_column(physical: tuple[int, int]) -> None:
    reader = RowsReader(table_of(Column("n", "int", nullable=True)), [physical], "c", OPTIONS)
    with pytest.raises(SourceError, match="column 'n' of table"):
        reader.code(frozenset())


def test_a_column_logged_as_another_type_is_refused() -> None:
    reader = RowsReader(table_of(Column("n", "int", nullable=True)), [(LogType.LONGLONG, 0)], "c", OPTIONS)
    with pytest.raises(SourceError, match="column 'n'"):
        reader.code(frozenset({"a0"}))


@pytest.mark.parametrize(
    ("column", "physical", "data", "cause"),
    [
        (
            Column("e", "enum", nullable=True, values=("a",)),
            (LogType.ENUM, 1),
            b"\0\x02",
            "column 'e' of row 0 .* an enum of 1 members with the number 2",
        ),
        (
            Column("s", "set", nullable=True, values=("a",)),
            (LogType.SET, 1),
            b"\0\x02",
            "column 's' of row 0 .*a set of 1 members",
        ),
        (
            Column("v", "varchar", nullable=True),
            (LogType.VARCHAR, 9),
            b"\0\x02\xc3\x28",
            "column 'v' of row 0 .*invalid continuation",
        ),
        (Column("v", "varchar", nullable=True), (LogType.VARCHAR, 9), b"\0\x05abc", "row 0 .* past the end"),
        (Column("i", "int", nullable=True), (LogType.LONG, 0), b"\0\x01", "column 'i' of row 0 .*requires a buffer"),
        (Column("i", "int", nullable=False), (LogType.LONG, 0), b"\x01", "row 0 .*a NOT NULL column is NULL"),
        (Column("d", "date", nullable=True), (LogType.DATE, 0), b"\0\xff\xff\xff", "column 'd' of row 0 .*year 32767"),
        (
            Column("j", "json", nullable=True),
            (LogType.JSON, 4),
            b"\0\x01\0\0\0\x0d",
            "column 'j' of row 0 .*no type 0x0d",
        ),
        (Column("p", "point", nullable=True), (LogType.GEOMETRY, 4), b"\0\x01\0\0\0\x0d", "a point of 1 bytes"),
    ],
)
def test_rows_that_do_not_fit_name_the_row_and_the_cause(
    column: Column, physical: tuple[int, int], data: bytes, cause: str
) -> None:
    read = function(RowsReader(table_of(column), [physical], "c", OPTIONS), ["a0"])
    with pytest.raises(RowError, match=cause):
        read(data, 0, len(data))


def test_a_row_never_reaches_into_the_next_event() -> None:
    read = function(RowsReader(table_of(Column("i", "int", nullable=True)), [(LogType.LONG, 0)], "c", OPTIONS), ["a0"])
    two_rows = b"\0\x01\0\0\0\0\x02\0\0\0"
    assert read(two_rows, 0, 5) == [{"a0": 1}]
    with pytest.raises(RowError, match=r"row 1 .*past the end"):
        read(two_rows, 0, 7)


@given(st.sampled_from(RECORDED["events"]), st.data())
def test_damaged_events_read_or_are_refused(event: dict[str, Any], data: st.DataObject) -> None:
    recorded = Recorded.of(event)
    damaged = bytearray(recorded.body)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(recorded.first, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    recorded.body = bytes(damaged[: data.draw(st.integers(recorded.first, len(damaged)))])
    with suppress(RowError):
        recorded.read(recorded.slots)


@given(tables_with_rows(), st.binary(max_size=100))
def test_any_bytes_read_or_are_refused(case: tuple[list[Kind], bytes, Rows], log: bytes) -> None:
    kinds, _, rows = case
    reader = RowsReader(table_of(*(kind.column for kind in kinds)), [kind.physical for kind in kinds], "c", OPTIONS)
    with suppress(RowError):
        function(reader, rows[0])(log, 0, len(log))


HOSTILE = [
    "'", '"', "\\", "x'); raise SystemExit #", "\n    raise SystemExit\n", "\r", "\u2028", "{x}", "{0}",
    "%s", "\x00", "'''", "#", "\N{PILE OF POO}",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_and_members_stay_data(name: str) -> None:
    enum = Column(name, "enum", nullable=True, values=(name,), charset="utf8mb4")
    reader = RowsReader(Table(name, name, (enum,), (name,)), [(LogType.ENUM, 1)], "u", OPTIONS)
    assert function(reader, ["b0", "a0"])(b"\0\x00\0\x01", 0, 4) == [{"b0": "", "a0": name}]
    assert function(TextReader(Table(name, name, (enum,), ()), OPTIONS), ["a0"])([(name,)]) == [{"a0": name}]


# Snapshots


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        (Column("c", "int", nullable=True), "-5", -5),
        (Column("c", "int", nullable=True), None, None),
        (Column("c", "bigint", nullable=True, unsigned=True), "18446744073709551615", -1),
        (Column("c", "bigint", nullable=True, unsigned=True), "1", 1),
        (Column("c", "year", nullable=True), "2155", 2155),
        (Column("c", "year", nullable=True), "0000", 2000),
        (Column("c", "float", nullable=True), "1.1", struct.unpack("<f", struct.pack("<f", 1.1))[0]),
        (Column("c", "float", nullable=True, length=5, scale=2), "-999.99", -999.989990234375),
        (Column("c", "double", nullable=True), "1.7976931348623157e308", 1.7976931348623157e308),
        (Column("c", "decimal", nullable=True, length=10, scale=2), "-0.05", -5),
        (Column("c", "decimal", nullable=True, length=5, scale=0), "-99", -99),
        (Column("c", "bit", nullable=True, length=1), b"\x01", True),
        (Column("c", "bit", nullable=True, length=10), b"\x02\x01", b"\x01\x02"),
        (Column("c", "binary", nullable=True, length=3), b"a\0\0", b"a\0\0"),
        (Column("c", "varchar", nullable=True), "한글 😀", "한글 😀"),
        (Column("c", "json", nullable=True), '{"a": 1}', '{"a": 1}'),
        (Column("c", "set", nullable=True, values=("x", "y")), "x,y", "x,y"),
        (Column("c", "date", nullable=True), "2023-02-17", 19405),
        (Column("c", "date", nullable=True), "1000-01-01", -354285),
        (Column("c", "date", nullable=True), "0000-00-00", None),
        (Column("c", "date", nullable=False), "2023-00-05", 0),
        (Column("c", "time", nullable=True), "12:34:56", 45296000000),
        (Column("c", "time", nullable=True, length=6), "-838:59:58.999999", -3020398999999),
        (Column("c", "time", nullable=True, length=3), "-00:00:00.001", -1000),
        (Column("c", "datetime", nullable=True), "2023-02-17 01:53:42", 1676598822000),
        (Column("c", "datetime", nullable=True, length=3), "2023-02-17 01:53:42.120", 1676598822120),
        (Column("c", "datetime", nullable=True, length=6), "9999-12-31 23:59:59.999999", 253402300799999999),
        (Column("c", "datetime", nullable=True), "0000-00-00 00:00:00", None),
        (Column("c", "timestamp", nullable=True), "2023-02-17 01:53:42", "2023-02-17T01:53:42Z"),
        (Column("c", "timestamp", nullable=True, length=3), "2023-02-17 01:53:42.120", "2023-02-17T01:53:42.12Z"),
        (Column("c", "timestamp", nullable=True, length=6), "2023-02-17 10:00:00.000000", "2023-02-17T10:00:00Z"),
        (Column("c", "timestamp", nullable=False, length=6), "0000-00-00 00:00:00.000000", "1970-01-01T00:00:00Z"),
        (
            Column("c", "point", nullable=True),
            b"\xe6\x10\0\0" + struct.pack("<BIdd", 1, 1, 20.0, 10.0),
            {"x": 20.0, "y": 10.0, "wkb": struct.pack("<BIdd", 1, 1, 20.0, 10.0), "srid": 4326},
        ),
    ],
    ids=lambda value: f"{value.type}({value.length})" if isinstance(value, Column) else str(value)[:30],
)  # fmt: skip
def test_a_snapshots_text_reads_as_debezium_reads_it(column: Column, value: Any, expected: Any) -> None:
    assert read_text(column, value) == expected


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-999999, max_value=999999))
def test_decimals_in_a_snapshot(value: Decimal) -> None:
    column = Column("c", "decimal", nullable=True, length=10, scale=4)
    assert read_text(column, f"{value:.4f}") == int(value.scaleb(4))


def test_a_snapshots_value_that_does_not_fit_names_its_row() -> None:
    read = function(TextReader(table_of(Column("n", "int", nullable=True)), OPTIONS), ["a0"])
    with pytest.raises(RowError, match="column 'n' of row 1 can't be read"):
        read([("1",), ("x",)])
