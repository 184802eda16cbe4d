"""Reading the row images of WRITE_ROWS, UPDATE_ROWS and DELETE_ROWS: generated code, one function per table.

An image is a bitmap of the columns that are NULL (the lowest bit first) and then the other columns' values, each
in the fixed size, or behind the length, that its type and TABLE_MAP's metadata give. The code goes through it once:
neighbouring columns of fixed size are read together by one ``unpack_from``, columns that nobody uses are passed over by
their length. What comes out are Connect values of the column's schema (see `headwater.record`).

Source: https://dev.mysql.com/doc/dev/mysql-server/latest/classbinary__log_1_1Rows__event.html and ``Field::pack`` in
MySQL's sql/field.cc; Debezium 3.6's ``RowDeserializers`` and ``BinlogValueConverters`` for the values.
"""

from __future__ import annotations

import linecache
import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from itertools import groupby
from typing import Any, NoReturn

from headwater.shape import ReaderCode
from headwater.source import SourceError
from headwater.sources.mysql.cells import UTF8_TEXT, Layout, Value, layout, value
from headwater.sources.mysql.table import Table
from headwater.sources.mysql.texts import LONGEST_TEXT_PREFIX, texts
from headwater.sources.mysql.types import ValueOptions, column_schema

IMAGES = {"c": "a", "u": "ba", "d": "b"}
"""The images of a row by Debezium's operation, in the order they stand: before, after."""

PASSED_OVER = Value("")

FAILURES = (ValueError, IndexError, struct.error)
"""What reading bytes that don't fit the table's structure raises."""


class RowError(Exception):
    """A row image does not fit the table's structure, or holds a value that has no place in its schema."""


class RowsReader:
    """`headwater.shape.Reader` of one kind of rows event on one table.

    ``physical``   TABLE_MAP's (type, metadata) of every column, as `headwater.sources.mysql.table_map` has them
    ``kind``       Debezium's operation: ``c`` has after images, ``d`` before images, ``u`` both
    The generated function takes ``buf`` (bytes), ``pos`` (where the first image begins), ``end`` (behind the last
    one), then ``extra_parameters``; ``event_code`` is run once per event with ``constants`` at hand. Slots: ``a0``
    is the first column after the change, ``b0`` before it. It raises `RowError`.

    Raises `SourceError` where a column can't be read at all.
    """

    def __init__(
        self,
        table: Table,
        physical: Sequence[tuple[int, int]],
        kind: str,
        options: ValueOptions,
        *,
        extra_parameters: tuple[str, ...] = (),
        event_code: Sequence[str] = (),
        constants: Mapping[str, object] | None = None,
    ) -> None:
        self._table = table
        self._physical = physical
        self._images = IMAGES[kind]
        self._options = options
        self._parameters = ("buf", "pos", "end", *extra_parameters)
        self._event = event_code
        self._constants = dict(constants or {})

    def code(self, used: frozenset[str]) -> ReaderCode:
        """`headwater.shape.Reader.code`."""
        writer = _Writer()
        body = [line for image in self._images for line in writer.image(self._places(image, used, writer))]
        row = [
            "try:",
            *indent(body),
            *indent(["if pos > end:", "    raise IndexError('it runs past the end of the event')"]),
            "except FAILURES as error:",
            "    fail(row, error)",
        ]
        constants = {**self._constants, **writer.constants, **failure(self._table)}
        return ReaderCode(self._parameters, self._event, "while pos < end:", row, constants)

    def split(self, arguments: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """`headwater.shape.Reader.split`."""
        buffer, position, end, *rest = arguments
        layouts = [layout(kind, meta) for kind, meta in self._physical]
        while position < end:
            start = position
            for _ in self._images:
                position = _behind_image(buffer, position, layouts)
            if position > end:
                raise RowError(f"table {self._table.id}: a row runs past the end of the event")
            yield (buffer, start, position, *rest)

    def _places(self, image: str, used: frozenset[str], writer: _Writer) -> list[_Place]:
        places = []
        for index, (column, (kind, meta)) in enumerate(zip(self._table.columns, self._physical, strict=True)):
            slot = f"{image}{index}"
            try:
                place = _Place(layout(kind, meta), 1 << index, nullable=column.nullable)
                if slot in used:
                    place.target, place.name = slot, column.name
                    place.value = writer.bind(index, value(column, column_schema(column, self._options), kind, meta))
            except ValueError as error:
                raise SourceError(f"column {column.name!r} of table {self._table.id}: {error}") from error
            places.append(place)
        return places


def _behind_image(buffer: bytes, position: int, layouts: Sequence[Layout]) -> int:
    """The place behind the image that begins at ``position``."""
    bitmap_size = (len(layouts) + 7) // 8
    nulls = int.from_bytes(buffer[position : position + bitmap_size], "little")
    position += bitmap_size
    for index, place in enumerate(layouts):
        if not nulls >> index & 1:
            length = (
                int.from_bytes(buffer[position : position + place.prefix], "little") if place.prefix else place.size
            )
            position += place.prefix + length
    return position


def failure(table: Table) -> dict[str, object]:
    """What generated code refers to where a row can't be read: ``FAILURES``, and ``fail``, which raises `RowError`."""
    return {"FAILURES": FAILURES, "fail": partial(_fail, table)}


def _fail(table: Table, row: int, error: Exception) -> NoReturn:
    columns = _columns_at_fault(table, error)
    place = f"column {' or '.join(map(repr, columns))} of row {row}" if columns else f"row {row}"
    raise RowError(f"{place} can't be read: {error}") from error


def _columns_at_fault(table: Table, error: Exception) -> list[str]:
    """The column whose value was being read, or the neighbours that were read together: the statement assigns them."""
    if error.__traceback__ is None:
        return []
    line, file = error.__traceback__.tb_lineno, error.__traceback__.tb_frame.f_code.co_filename
    targets, _, _ = linecache.getline(file, line).partition(" = ")
    return [table.columns[int(slot)].name for slot in re.findall(r"\b[ab](\d+)\b", targets)]


def indent(lines: Iterable[str]) -> list[str]:
    """Statements one level deeper."""
    return [f"    {line}" for line in lines]


@dataclass(slots=True)
class _Place:
    """A column in an image.

    ``target`` is the variable it is read into, empty for one that is passed over; ``name`` is for the reader of
    the code, ``bit`` is its place in the bitmap of NULLs.
    """

    layout: Layout
    bit: int
    nullable: bool
    target: str = ""
    name: str = ""
    value: Value = PASSED_OVER


class _Kind(Enum):
    """How a column is read together with its neighbours."""

    FIXED = auto()
    TEXT = auto()
    ALONE = auto()


def _kind(place: _Place) -> _Kind:
    if place.layout.size:
        return _Kind.FIXED
    is_text = place.value.expression == UTF8_TEXT.expression and place.layout.prefix <= LONGEST_TEXT_PREFIX
    return _Kind.TEXT if is_text and place.target and not place.nullable else _Kind.ALONE


class _Writer:
    """Writes the statements that read images, and gathers the constants they refer to."""

    def __init__(self) -> None:
        self.constants: dict[str, object] = {
            "unpack_short": struct.Struct("<H").unpack_from,
            "unpack_long": struct.Struct("<I").unpack_from,
            "texts": texts,
        }
        self._structs: dict[str, str] = {}

    def bind(self, index: int, found: Value) -> Value:
        """The value with its converter bound under a name."""
        if found.convert is None:
            return found
        name = f"convert{index}"
        self.constants.setdefault(name, found.convert)
        return Value(found.items, found.expression.replace("{convert}", name))

    def image(self, places: Sequence[_Place]) -> list[str]:
        """Statements that read one image."""
        names = ", ".join(f"{place.target} is {place.name!r}" for place in places if place.target)
        lines = [f"# {names}", *self._null_bitmap(places)]
        for kind, group in groupby(places, key=_kind):
            neighbours = list(group)
            if kind is _Kind.FIXED:
                lines += self._run(neighbours)
            elif kind is _Kind.TEXT and len(neighbours) > 1:
                lines += self._texts(neighbours)
            else:
                for place in neighbours:
                    lines += self._unless_null(place, self._behind_length(place))
        return lines

    def _null_bitmap(self, places: Sequence[_Place]) -> list[str]:
        size = (len(places) + 7) // 8
        lines = [
            "nulls = buf[pos]" if size == 1 else f"nulls = int.from_bytes(buf[pos:pos + {size}], 'little')",
            f"pos += {size}",
        ]
        if never := sum(place.bit for place in places if not place.nullable):
            lines += [f"if nulls & {never:#x}:", "    raise ValueError('a NOT NULL column is NULL')"]
        return lines

    def _run(self, places: list[_Place]) -> list[str]:
        """Neighbours of fixed size: together where none of them is NULL, else one by one."""
        single = [line for place in places for line in self._unless_null(place, self._fixed([place]))]
        nullable = sum(place.bit for place in places if place.nullable)
        if len(places) == 1:
            return single
        together = self._fixed(places)
        if not nullable:
            return together
        return [f"if nulls & {nullable:#x}:", *indent(single), "else:", *indent(together)]

    def _unless_null(self, place: _Place, lines: list[str]) -> list[str]:
        if not place.nullable:
            return lines
        if not place.target:
            return [f"if not nulls & {place.bit:#x}:", *indent(lines)]
        return [f"if nulls & {place.bit:#x}:", f"    {place.target} = None", "else:", *indent(lines)]

    def _fixed(self, places: list[_Place]) -> list[str]:
        """Statements for neighbours of fixed size, none of them NULL."""
        size = sum(place.layout.size for place in places)
        used = [place for place in places if place.target]
        lines = []
        if len(places) == 1 and used and (inline := _inline(places[0])):
            lines = [f"{used[0].target} = {inline}"]
        elif used:
            lines = self._unpack(places, used)
        return [*lines, f"pos += {size}"]

    def _unpack(self, places: list[_Place], used: list[_Place]) -> list[str]:
        items = "".join(place.value.items if place.target else f"{place.layout.size}x" for place in places)
        targets = []
        finish = []
        for place in used:
            second = f"{place.target}_high"
            targets.append(place.target)
            if "{y}" in place.value.expression:
                targets.append(second)
            if place.value.expression != "{x}":
                finish.append(f"{place.target} = {place.value.expression.format(x=place.target, y=second)}")
        unpacked = ", ".join(targets) if len(targets) > 1 else f"({targets[0]},)"
        return [f"{unpacked} = {self._struct(items)}(buf, pos)", *finish]

    def _struct(self, items: str) -> str:
        if items not in self._structs:
            name = self._structs[items] = f"unpack{len(self._structs)}"
            self.constants[name] = struct.Struct(f"<{items}").unpack_from
        return self._structs[items]

    def _texts(self, places: list[_Place]) -> list[str]:
        """Neighbours of text in one call."""
        targets = ", ".join(place.target for place in places)
        return [f"{targets}, pos = texts(buf, pos, {bytes(place.layout.prefix for place in places)!r})"]

    def _behind_length(self, place: _Place) -> list[str]:
        """Statements for a column with its length before it, not NULL."""
        prefix = place.layout.prefix
        length = LENGTHS[prefix]
        if not place.target:
            return [f"pos += {prefix} + {length}"]
        expression = place.value.expression.format(x="buf[start:pos]")
        return [f"start = pos + {prefix}", f"pos = start + {length}", f"{place.target} = {expression}"]


LENGTHS = {
    1: "buf[pos]",
    2: "unpack_short(buf, pos)[0]",
    3: "(buf[pos] | buf[pos + 1] << 8 | buf[pos + 2] << 16)",
    4: "unpack_long(buf, pos)[0]",
}
"""The length before a value, by the bytes it takes."""


def _inline(place: _Place) -> str:
    """A lone column without a call of ``unpack_from``: bytes, or one byte."""
    if place.value.items == "B":
        return place.value.expression.format(x="buf[pos]")
    if place.value.items == f"{place.layout.size}s":
        return place.value.expression.format(x=f"buf[pos:pos + {place.layout.size}]")
    return ""
