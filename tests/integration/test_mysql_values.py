"""Values on a real MySQL server: what is inserted comes out of the binlog, and of a snapshot's SELECT, the same."""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pymysql
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pymysql.connections import Connection
from sqlalchemy import URL

from headwater.shape import Reader
from headwater.sources.mysql import charsets, event_types
from headwater.sources.mysql.binlog import HEADER_SIZE, dump_from_position
from headwater.sources.mysql.decode import RowsReader
from headwater.sources.mysql.events import read_rows_head
from headwater.sources.mysql.server import read_table
from headwater.sources.mysql.table import Table
from headwater.sources.mysql.table_map import TableMap
from headwater.sources.mysql.text import RAW_DECODERS, TextReader, select_list
from headwater.sources.mysql.types import ValueOptions

OPTIONS = ValueOptions()
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a DATETIME has no time zone
Rows = list[tuple[Any, ...]]


def rows_of(reader: Reader, columns: int, *arguments: Any) -> Rows:
    """Every column of every row that the reader's code gives."""
    slots = [f"a{index}" for index in range(columns)]
    code = reader.code(frozenset(slots))
    body = [*code.row, f"found.append(({', '.join(slots)},))", "row += 1"]
    lines = ["found, row = [], 0", code.loop, *(f"    {line}" for line in body), "return found"]
    source = "\n".join([f"def read({', '.join(code.parameters)}):", *(f"    {line}" for line in lines)])
    namespace = dict(code.constants)
    exec(source, namespace)
    return namespace["read"](*arguments)


@dataclass
class Server:
    """The server of the tests, and the test's own database on it."""

    url: URL

    def connect(self) -> Connection:
        return pymysql.connect(
            host=self.url.host,
            port=self.url.port or 3306,
            user=self.url.username,
            password=self.url.password or "",
            database=self.url.database,
            charset="utf8mb4",
            autocommit=True,
            init_command="SET time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES'",
        )

    def run(self, *statements: str) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def table(self, name: str) -> Table:
        with self.connect() as connection, connection.cursor() as cursor:
            table = read_table(cursor, str(self.url.database), name)
        assert table is not None
        return table

    def end_of_log(self) -> tuple[str, int]:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SHOW BINARY LOG STATUS")
            file, position, *_ = cursor.fetchone() or ()
        return file, position

    def streamed(self, table: Table, start: tuple[str, int]) -> Rows:
        """The rows inserted into a table since ``start``, from the binlog."""
        rows: Rows = []
        with self.connect() as connection:
            stream = dump_from_position(connection, 4_200_042, *start, heartbeat=30, until_end=True)
            while not stream.ended:
                for buffer, begin, end in stream.read(10):
                    kind = buffer[begin + 4]
                    body = begin + HEADER_SIZE
                    if kind == event_types.TABLE_MAP:
                        table_map = TableMap.parse(buffer[body:end])
                    elif kind == event_types.WRITE_ROWS and table_map.id == table.id:
                        _, columns, bitmaps = read_rows_head(buffer, body, end, version=2)
                        first = bitmaps + (columns + 7) // 8
                        reader = RowsReader(table, table_map.physical, "c", OPTIONS)
                        rows += rows_of(reader, len(table.columns), buffer, first, end)
        return rows

    def selected(self, table: Table, order: str = "id") -> Rows:
        """The rows of a table as a snapshot reads them."""
        with self.connect() as connection, connection.cursor() as cursor:
            connection.decoders = RAW_DECODERS
            cursor.execute(f"SELECT {select_list(table)} FROM {table.name} ORDER BY {order}")
            return rows_of(TextReader(table, OPTIONS), len(table.columns), cursor.fetchall())


@pytest.fixture
def server(row_metadata: str, mysql_database: URL) -> Server:
    return Server(mysql_database)


# Generated values of all types


def micros(value: datetime) -> int:
    return (value - EPOCH) // timedelta(microseconds=1)


def signed64(value: int) -> int:
    return int.from_bytes(value.to_bytes(8, "little"), "little", signed=True)


def elapsed(value: timedelta) -> int:
    return value // timedelta(microseconds=1)


def instant(value: datetime, digits: int) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%S}{f'.{value.microsecond:06}'[: digits + 1] if digits else ''}Z"


def whole(value: datetime) -> datetime:
    return value.replace(microsecond=0)


texts = st.text(st.characters(codec="utf-8"), max_size=40)
moments = st.datetimes(EPOCH.replace(year=1000))
instants = st.datetimes(EPOCH.replace(day=2), EPOCH.replace(year=2038))
durations = st.integers(-3_020_399_000_000, 3_020_399_000_000).map(lambda value: timedelta(microseconds=value))
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(-1e100, 1e100)
documents = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)


def clock(value: timedelta) -> str:
    total = abs(value) // timedelta(microseconds=1)
    seconds, rest = divmod(total, 1_000_000)
    sign = "-" if value < timedelta() else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:06}"


def same(value: Any) -> Any:
    return value


@dataclass
class Type:
    """A column's type, values to insert, and what a value becomes in Debezium's schema of it."""

    sql: str
    values: st.SearchStrategy[Any]
    becomes: Callable[[Any], Any] = same
    inserted: Callable[[Any], Any] = same


TYPES = [
    Type("tinyint", st.integers(-128, 127)),
    Type("tinyint unsigned", st.integers(0, 255)),
    Type("smallint", st.integers(-(2**15), 2**15 - 1)),
    Type("smallint unsigned", st.integers(0, 2**16 - 1)),
    Type("mediumint", st.integers(-(2**23), 2**23 - 1)),
    Type("mediumint unsigned", st.integers(0, 2**24 - 1)),
    Type("int", st.integers(-(2**31), 2**31 - 1)),
    Type("int unsigned zerofill", st.integers(0, 2**32 - 1)),
    Type("bigint", st.integers(-(2**63), 2**63 - 1)),
    Type("bigint unsigned", st.integers(0, 2**64 - 1), signed64),
    Type("double", st.floats(-1e300, 1e300)),
    Type("float", st.integers(-7999, 7999).map(lambda value: value / 8)),
    Type("decimal(10,2)", st.decimals(-99999999, 99999999, places=2), lambda value: int(value.scaleb(2))),
    Type(
        "decimal(65,30)",
        st.integers(-(10**64), 10**64).map(lambda value: Decimal(value).scaleb(-30)),
        lambda value: int(value.scaleb(30)),
    ),
    Type("decimal(9,0) unsigned", st.integers(0, 999_999_999)),
    Type("bit(1)", st.booleans()),
    Type("bit(13)", st.integers(0, 2**13 - 1), lambda value: value.to_bytes(2, "little")),
    Type("char(40)", texts.map(str.rstrip)),
    Type("varchar(40)", texts),
    Type("varchar(400)", texts),
    Type("text", texts),
    Type("longtext", texts),
    Type("varchar(40) CHARACTER SET utf16", texts),
    Type("varchar(40) CHARACTER SET latin1", st.text(st.characters(codec="cp1252"), max_size=40)),
    Type("binary(12)", st.binary(max_size=12), lambda value: value.ljust(12, b"\0")),
    Type("varbinary(300)", st.binary(max_size=300)),
    Type("mediumblob", st.binary(max_size=300)),
    Type("enum('a','b','','한글')", st.sampled_from(["a", "b", "한글"])),
    Type(
        "set('a','b','c','d','e','f','g','h','i')",
        st.sets(st.sampled_from("abcdefghi")).map(lambda chosen: ",".join(sorted(chosen))),
    ),
    Type("year", st.integers(1901, 2155)),
    Type("date", st.dates(date(1000, 1, 1)), lambda value: (value - EPOCH.date()).days),
    Type("time", durations.map(lambda value: timedelta(seconds=int(value.total_seconds()))), elapsed, clock),
    Type("time(6)", durations, elapsed, clock),
    Type("datetime", moments.map(whole), lambda value: micros(value) // 1000),
    Type("datetime(6)", moments, micros),
    Type("timestamp NULL", instants.map(whole), lambda value: instant(value, 0)),
]


on_the_server = settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.generate],  # no shrinking: every try asks the server
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def all_types(server: Server) -> Table:
    columns = ", ".join(f"c{index} {kind.sql}" for index, kind in enumerate(TYPES))
    server.run(
        "SET SESSION innodb_strict_mode = 0", f"CREATE TABLE all_types (id int AUTO_INCREMENT PRIMARY KEY, {columns})"
    )
    return server.table("all_types")


@on_the_server
@given(st.lists(st.tuples(*(st.none() | kind.values for kind in TYPES)), min_size=1, max_size=20))
def test_values_of_all_types(server: Server, all_types: Table, rows: list[tuple[Any, ...]]) -> None:
    start = server.end_of_log()
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE all_types")
        places = ", ".join(["NULL"] + ["%s"] * len(TYPES))
        for row in rows:
            values = [
                kind.inserted(value) if value is not None else None for kind, value in zip(TYPES, row, strict=True)
            ]
            cursor.execute(f"INSERT INTO all_types VALUES ({places})", values)
    expected = [
        tuple(None if value is None else kind.becomes(value) for kind, value in zip(TYPES, row, strict=True))
        for row in rows
    ]
    streamed = server.streamed(all_types, start)
    assert [row[1:] for row in streamed] == expected
    assert server.selected(all_types) == streamed


@on_the_server
@given(st.lists(documents, min_size=1, max_size=20))
def test_json(server: Server, written: list[Any]) -> None:
    server.run("CREATE TABLE IF NOT EXISTS documents (id int AUTO_INCREMENT PRIMARY KEY, j json)", "TRUNCATE documents")
    table = server.table("documents")
    start = server.end_of_log()
    with server.connect() as connection, connection.cursor() as cursor:
        for document in written:
            cursor.execute("INSERT INTO documents (j) VALUES (%s)", [json.dumps(document)])
    assert [json.loads(text) for _, text in server.streamed(table, start)] == written
    assert [json.loads(text) for _, text in server.selected(table)] == written


def test_json_larger_than_64_kilobytes(server: Server) -> None:
    server.run("CREATE TABLE documents (id int AUTO_INCREMENT PRIMARY KEY, j json)")
    table = server.table("documents")
    document = {"long": "x" * 70_000, "members": [1, -1, 40_000, 70_000, -70_000, 3_000_000_000, True, None, 1.5, {}]}
    document |= {f"key {index}": [index, str(index)] for index in range(5000)}
    start = server.end_of_log()
    server.run(f"INSERT INTO documents (j) VALUES ('{json.dumps(document)}')")
    ((_, text),) = server.streamed(table, start)
    assert json.loads(text) == document


SNAPSHOT_DIFFERS = {"odd_ts": ("2023-02-17T10:00:00.100Z", "2023-02-17T10:00:00.1Z"), "zero_year": (1900, 2000)}
"""Columns whose stream value and snapshot value Debezium gives differently."""


def test_zero_dates_and_what_else_is_odd(server: Server) -> None:
    server.run(
        "CREATE TABLE odd (id int PRIMARY KEY, zero_date date, zero_time datetime(6), zero_ts timestamp NULL, "
        "partly date, required date NOT NULL, required_ts timestamp NOT NULL, odd_ts timestamp(3), zero_year year, "
        "place point, area geometry, empty_enum enum('a'), numbers vector(3))"
    )
    table = server.table("odd")
    start = server.end_of_log()
    server.run(
        "INSERT IGNORE INTO odd VALUES (1, '0000-00-00', '0000-00-00', '0000-00-00', '2023-00-10', '0000-00-00', "
        "'0000-00-00', '2023-02-17 10:00:00.1', 0, "
        "ST_GeomFromText('POINT(1 2)'), ST_GeomFromText('POINT(10 20)', 4326), "
        "'nonsense', STRING_TO_VECTOR('[1, 2.5, -3]'))"
    )
    point = struct.pack("<BIdd", 1, 1, 1.0, 2.0)
    expected: dict[str, Any] = {
        "id": 1,
        "zero_date": None,
        "zero_time": None,
        "zero_ts": None,
        "partly": None,
        "required": 0,
        "required_ts": "1970-01-01T00:00:00Z",
        "place": {"x": 1.0, "y": 2.0, "wkb": point, "srid": None},
        "area": {"wkb": struct.pack("<BIdd", 1, 1, 20.0, 10.0), "srid": 4326},
        "empty_enum": "",
        "numbers": [1.0, 2.5, -3.0],
    }
    (streamed,), (selected,) = server.streamed(table, start), server.selected(table)
    names = [column.name for column in table.columns]
    assert dict(zip(names, streamed, strict=True)) == expected | {n: v[0] for n, v in SNAPSHOT_DIFFERS.items()}
    assert dict(zip(names, selected, strict=True)) == expected | {n: v[1] for n, v in SNAPSHOT_DIFFERS.items()}


# Character sets

OTHERWISE = {
    "big5": "\xa2\xa3\xa5\u2022\u203e\u223c\u2609\u2641\uff0f\uff3c\uff64\ufffd",
    "cp866": "\xb2\u207f",
    "gb18030": "\u1e3f\ue7c7",
    "greek": "\u02bc\u02bd",
    "hebrew": "\u203e",
    "koi8u": "\u2022",
    "sjis": "\\",
    "tis620": "\ufffd",
}
"""Characters for which the server has other bytes than the codec."""


@pytest.mark.parametrize("charset", sorted({*charsets.CODECS, *charsets.UTF8, "latin1"} - {"utf8"}))
def test_character_sets_are_read_as_the_server_reads_them(mysql_url: URL, charset: str) -> None:
    """Every character of the first plane that the server has in the set; private ones aside."""
    skipped = OTHERWISE.get(charset, "")
    characters = [chr(code) for code in (*range(1, 0xD800), *range(0xF900, 0x10000)) if chr(code) not in skipped]
    literal = "".join(characters).encode("utf-32-be").hex()
    with Server(mysql_url).connect() as connection, connection.cursor() as cursor:
        converted = f"CONVERT(_utf32 x'{literal}' USING {charset})"
        cursor.execute(f"SELECT CAST({converted} AS BINARY), CONVERT({converted} USING utf8mb4)")
        data, shown = cursor.fetchone() or ()
    assert charsets.decoder(charset)(data) == shown
