"""Rows that a table has now, as the messages that they would be before any transform."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from headwater.record import Record
    from headwater.source import Rows

OPERATIONS = {"create": "c", "update": "u", "delete": "d", "snapshot": "r"}
"""What can have happened to a row, with Debezium's letter for it."""


def sampled_records(sampled: Rows) -> Iterator[Record]:
    """The rows as records of a snapshot. Raises `click.ClickException` where one can't be read."""
    from headwater.row_by_row import RowReader

    reader = RowReader()
    for number, arguments in enumerate(sampled.shape.reader.split(sampled.arguments)):
        row = reader.read(sampled.shape, arguments, number)
        for name, error in row.unreadable().items():
            raise click.ClickException(f"{sampled.shape.table}: {name} of row {number + 1} can't be read: {error}")
        yield from row.records()


def as_operation(record: Record, operation: str, *, tombstones: bool) -> Iterator[Record]:
    """A snapshot's record as one of the log; with ``tombstones`` a delete has one behind it."""
    value = record.value
    if operation == "r":
        yield record
        return
    row = value["after"]
    before, after = (None if operation == "c" else row), (None if operation == "d" else row)
    source = {**value["source"], "snapshot": None}
    yield replace(record, value={**value, "before": before, "after": after, "source": source, "op": operation})
    if operation == "d" and tombstones:
        yield replace(record, value_schema=None, value=None)
