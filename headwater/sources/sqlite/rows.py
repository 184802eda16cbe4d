"""Reading recorded changes and rows of a snapshot: generated code, one function per table and kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import time_ns
from typing import Any

from headwater.shape import ReaderCode
from headwater.sources.envelope import NOW_CODE
from headwater.sources.sqlite.table import Table
from headwater.sources.sqlite.triggers import FIRST_VALUE
from headwater.sources.sqlite.types import ValueOptions, column_type

IMAGES = {"c": "a", "u": "ba", "d": "b"}
"""The images of a change by Debezium's operation, in the order they stand: before, after."""


Place = Callable[[Sequence[Any]], str]


class RowError(ValueError):
    """A value that breaks the promise of its column's declared type."""


class RowsReader:
    """`headwater.shape.Reader` of rows as SQLite gives them, in sequences.

    ``images``      the images in a row, one after the other: ``a`` after the change, ``b`` before it
    ``first``       where the first image begins; before it stand what ``slots`` say
    ``place``       says of a row where it stands, for errors
    ``parameters``  of the generated function, behind ``rows``
    Slots: ``a0`` is the first column after the change. The function raises `RowError`.
    """

    def __init__(
        self,
        table: Table,
        options: ValueOptions,
        images: str,
        first: int,
        slots: Mapping[str, str],
        place: Place,
        parameters: tuple[str, ...] = (),
    ) -> None:
        self._table = table
        self._options = options
        self._place = place
        self._parameters = ("rows", *parameters)
        self._places = {
            f"{image}{column}": first + number * len(table.columns) + column
            for number, image in enumerate(images)
            for column in range(len(table.columns))
        }
        self._slots = slots

    def code(self, used: frozenset[str]) -> ReaderCode:
        """`headwater.shape.Reader.code`."""
        names = {name.partition(" ")[0] for name in used}  # of a slot that is an expression, the one it begins with
        row = [f"{slot} = {value}" for slot, value in self._slots.items() if slot in names]
        constants: dict[str, object] = {"time_ns": time_ns}
        for slot, place in self._places.items():
            if slot in used:
                row += self._read(slot, place, constants)
        return ReaderCode(self._parameters, NOW_CODE, "for values in rows:", row or ["pass"], constants)

    def _read(self, slot: str, place: int, constants: dict[str, object]) -> list[str]:
        column = int(slot[1:])
        found = column_type(self._table.columns[column], self._options)
        convert = f"convert{column}"
        constants[convert] = _named(found.convert, self._table.columns[column].name, self._place)
        is_other = f"{slot}.__class__ is not {found.plain.__name__} and " if found.plain else ""
        return [
            f"{slot} = values[{place}]",
            f"if {is_other}{slot} is not None:",
            f"    {slot} = {convert}({slot}, values)",
        ]

    def split(self, arguments: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """`headwater.shape.Reader.split`."""
        rows, *rest = arguments
        for row in rows:
            yield ([row], *rest)


def _named(convert: Callable[[Any], Any], column: str, place: Place) -> Callable[[Any, Sequence[Any]], Any]:
    """The same, whose error names the column and the row."""

    def converted(value: Any, row: Sequence[Any]) -> Any:
        try:
            return convert(value)
        except (ValueError, OverflowError) as error:
            raise RowError(f"column {column!r} can't be read {place(row)}: {error}") from error

    return converted


def change_reader(table: Table, options: ValueOptions, operation: str) -> RowsReader:
    """Of recorded changes: rows of ``headwater_changes``."""
    slots = {"change_id": "values[0]", "millis": "values[1]"}
    return RowsReader(table, options, IMAGES[operation], FIRST_VALUE, slots, lambda row: f"in change {row[0]}")


SNAPSHOT_PARAMETERS = ("marker", "position", "read_millis")
"""What the snapshot passes behind the rows: ``snapshot``, the last change before it, and the time."""


def snapshot_reader(table: Table, options: ValueOptions) -> RowsReader:
    """Of the table's own rows, with what tells them apart behind each row's values."""

    def place(row: Sequence[Any]) -> str:
        identity = zip(table.identity, row[len(table.columns) :], strict=True)
        return "where " + " and ".join(f"{name} is {value!r}" for name, value in identity)

    return RowsReader(table, options, "a", 0, {}, place, SNAPSHOT_PARAMETERS)
