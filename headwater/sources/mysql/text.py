"""Reading a snapshot's rows, which come as text: generated code, one function per table.

The rows are those of ``SELECT`` with `select_list` over a connection with `RAW_DECODERS`, whose time zone is
``+00:00`` and whose character set is utf8mb4. The values are those of `headwater.sources.mysql.decode` but for what
Debezium too gives differently in a snapshot: JSON in the server's notation, a timestamp's fraction without
trailing zeros, an enum's member without a backslash before its comma, the year 0000 as 2000, and a float as the
server rounds it for showing.

Source: Debezium 3.6's ``MySqlTextProtocolFieldReader`` and ``BinlogValueConverters``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from headwater.record import DECIMAL, Schema, Type
from headwater.shape import ReaderCode
from headwater.source import SourceError
from headwater.sources.mysql import cells, decimals, temporal
from headwater.sources.mysql.decode import failure, indent
from headwater.sources.mysql.geometry import geometry, point
from headwater.sources.mysql.server import quoted
from headwater.sources.mysql.table import BOOLEAN, Column, Table
from headwater.sources.mysql.types import ValueOptions, column_schema

RAW_DECODERS: dict[int, Callable[[Any], Any]] = {}
"""PyMySQL's ``decoders`` of the connection that reads: none, so that a value is text, or bytes of a binary type."""

INT64_SIGN = 1 << 63
FLOAT32 = struct.Struct("<f")


def select_list(table: Table) -> str:
    """The columns to select, all of them in the table's order."""
    return ", ".join(_selected(column) for column in table.columns)


def _selected(column: Column) -> str:
    """A vector is cast, because PyMySQL takes its type for text."""
    return f"CAST({quoted(column.name)} AS BINARY)" if column.type == "vector" else quoted(column.name)


class TextReader:
    """`headwater.shape.Reader` of a table's rows in a snapshot.

    The generated function takes ``fetched`` (a sequence of rows), then ``extra_parameters``; ``event_code`` is run
    once per call with ``constants`` at hand. Slots: ``a0`` is the first column. It raises
    `headwater.sources.mysql.decode.RowError`.

    Raises `SourceError` where a column can't be read at all.
    """

    def __init__(
        self,
        table: Table,
        options: ValueOptions,
        *,
        extra_parameters: tuple[str, ...] = (),
        event_code: Sequence[str] = (),
        constants: Mapping[str, object] | None = None,
    ) -> None:
        self._table = table
        self._options = options
        self._parameters = ("fetched", *extra_parameters)
        self._event = event_code
        self._constants = dict(constants or {})

    def code(self, used: frozenset[str]) -> ReaderCode:
        """`headwater.shape.Reader.code`."""
        constants: dict[str, object] = {**self._constants, **failure(self._table)}
        body = []
        for index, column in enumerate(self._table.columns):
            if (slot := f"a{index}") in used:
                expression, convert = self._value(column)
                constants[f"convert{index}"] = convert
                body += _assign(slot, index, column, expression.format(x=slot, convert=f"convert{index}"))
        row = ["try:", *indent(body or ["pass"]), "except FAILURES as error:", "    fail(row, error)"]
        return ReaderCode(self._parameters, self._event, "for values in fetched:", row, constants)

    def split(self, arguments: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """`headwater.shape.Reader.split`."""
        fetched, *rest = arguments
        for values in fetched:
            yield ([values], *rest)

    def _value(self, column: Column) -> tuple[str, object]:
        try:
            return _value(column, column_schema(column, self._options))
        except ValueError as error:
            raise SourceError(f"column {column.name!r} of table {self._table.id}: {error}") from error


def _assign(slot: str, index: int, column: Column, expression: str) -> list[str]:
    lines = [f"{slot} = values[{index}]"]
    if expression == slot:
        return lines
    convert = f"{slot} = {expression}"
    return [*lines, f"if {slot} is not None:", f"    {convert}"] if column.nullable else [*lines, convert]


def _value(column: Column, schema: Schema) -> tuple[str, object]:
    """An expression for the value of the text ``{x}``, and what ``{convert}`` in it is."""
    match column.type:
        case "bigint" if column.unsigned and schema.type is Type.INT64:
            return f"(int({{x}}) ^ {INT64_SIGN:#x}) - {INT64_SIGN:#x}", None
        case "tinyint" | "smallint" | "mediumint" | "int" | "bigint":
            return "int({x})", None
        case _ if column.type == BOOLEAN:
            return "int({x}) > 0", None
        case "year":
            return "int({x}) or 2000", None
        case "float":
            return "{convert}({x})", _float32
        case "double":
            return "float({x})", None
        case "decimal":
            return "{convert}({x})", _decimal(schema, column.scale or 0)
        case "bit":
            return ("{x}[-1] & 1 == 1" if schema.type is Type.BOOLEAN else "{x}[::-1]"), None
        case "date":
            return "{convert}({x})", _date(cells.missing(column, schema, 0))
        case "time":
            return "{convert}({x})", _time
        case "datetime":
            unit = cells.MICROS_A_UNIT[schema.name or ""]
            return "{convert}({x})", _datetime(unit, cells.missing(column, schema, 0))
        case "timestamp":
            return "{convert}({x})", _timestamp(cells.missing(column, schema, cells.EPOCH_TIMESTAMP))
        case "point":
            return "{convert}({x})", point
        case "vector":
            return "{convert}({x})", cells.vector
    if schema.type is Type.STRUCT:
        return "{convert}({x})", geometry
    return "{x}", None


def _float32(text: str) -> float:
    """The float of four bytes that the column holds."""
    number: float = FLOAT32.unpack(FLOAT32.pack(float(text)))[0]
    return number


def _decimal(schema: Schema, scale: int) -> Callable[[str], Any]:
    """The server shows all digits of the scale, so that taking out the point gives the unscaled value."""
    if schema.name == DECIMAL:
        return lambda text: int(text.replace(".", ""))
    if schema.type is Type.STRING:
        return lambda text: decimals.plain(int(text.replace(".", "")), scale)
    return float


def _day(text: str) -> int | None:
    return temporal.epoch_day(int(text[:4]), int(text[5:7]), int(text[8:10]))


def _date(missing: Any) -> Callable[[str], Any]:
    """``2024-02-29`` as days since the epoch."""

    @lru_cache(maxsize=temporal.CACHED)
    def read(text: str) -> Any:
        day = _day(text)
        return missing if day is None else day

    return read


def _time(text: str) -> int:
    """``-838:59:59.000000`` as microseconds."""
    hours, minutes, seconds = text.lstrip("-").split(":")
    micros = (int(hours) * 3600 + int(minutes) * 60) * temporal.MICROS + _micros(seconds)
    return -micros if text.startswith("-") else micros


def _micros(seconds: str) -> int:
    """``59.123`` as microseconds."""
    whole, _, fraction = seconds.partition(".")
    return int(whole) * temporal.MICROS + int(fraction.ljust(6, "0") or 0)


def _datetime(unit: int, missing: Any) -> Callable[[str], Any]:
    """``2024-02-29 12:34:56.789`` as units of ``unit`` microseconds since the epoch."""

    def read(text: str) -> Any:
        day = _day(text)
        return missing if day is None else (day * temporal.DAY * temporal.MICROS + _time(text[11:])) // unit

    return read


def _timestamp(missing: Any) -> Callable[[str], Any]:
    """``2024-02-29 12:34:56.700`` as ``2024-02-29T12:34:56.7Z``."""

    def read(text: str) -> Any:
        if _day(text) is None:
            return missing
        fraction = text[19:].rstrip("0.")
        return f"{text[:10]}T{text[11:19]}{fraction}Z"

    return read
