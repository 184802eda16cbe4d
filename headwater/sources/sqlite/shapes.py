"""From a table's structure to the shapes of its messages: Debezium's envelope over the columns that are captured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from headwater import __version__
from headwater.record import Header
from headwater.shape import NULL, Const, EventShape, Node, Slot, Stage, Struct
from headwater.sources.envelope import RowTopic, envelope_schema
from headwater.sources.naming import topic_name
from headwater.sources.sqlite.rows import RowsReader, change_reader, snapshot_reader
from headwater.sources.sqlite.source_info import SOURCE
from headwater.sources.sqlite.table import Table
from headwater.sources.sqlite.types import ValueOptions, key_schema, row_schema


@dataclass(frozen=True, slots=True)
class ShapeOptions:
    """What of a connector's configuration decides its messages' shape; ``database`` is the file's name in them."""

    prefix: str
    database: str
    values: ValueOptions
    tombstones: bool
    headers: tuple[Header, ...]
    captures_column: Callable[[str, str, str], bool]


@dataclass(frozen=True, slots=True)
class TableShapes:
    """The shapes of one structure's changes, by Debezium's operations."""

    create: EventShape
    update: EventShape
    delete: EventShape
    read: EventShape


def table_shapes(table: Table, options: ShapeOptions) -> TableShapes:
    """The shapes for a table."""
    return _Shaper(table, options).shapes()


class _Shaper:
    def __init__(self, table: Table, options: ShapeOptions) -> None:
        self._table = table
        self._options = options
        self._id = f"{options.database}.{table.name}"
        self._captured = [
            index
            for index, name in enumerate(table.names)
            if options.captures_column(options.database, table.name, name)
        ]
        self._keys = [table.names.index(name) for name in table.key]
        topic = topic_name(options.prefix, options.database, table.name)
        row = row_schema([table.columns[index] for index in self._captured], topic, options.values)
        self._topic = RowTopic(
            name=topic,
            key_schema=key_schema(table, topic, options.values) if table.key else None,
            envelope=envelope_schema(topic, row, SOURCE),
            headers=options.headers,
            tombstones=options.tombstones,
        )

    def _row(self, image: str) -> Struct:
        return Struct(tuple(Slot(f"{image}{index}", Stage.ROW) for index in self._captured))

    def _key(self, image: str) -> Node:
        return Struct(tuple(Slot(f"{image}{index}", Stage.ROW) for index in self._keys)) if self._keys else NULL

    def shapes(self) -> TableShapes:
        before, after = self._row("b"), self._row("a")
        old_key, new_key = self._key("b"), self._key("a")
        millis, change = Slot("millis", Stage.ROW), Slot("change_id", Stage.ROW)
        times = (millis, Slot("millis * 1000", Stage.ROW), Slot("millis * 1000000", Stage.ROW))
        source = self._source(times, NULL, change)  # the marker's default in the schema says "false"
        topic = self._topic
        return TableShapes(
            create=EventShape(self._id, "c", self._reader("c"), (topic.change("c", NULL, after, new_key, source),)),
            update=EventShape(
                self._id,
                "u",
                self._reader("u"),
                (topic.change("u", before, after, new_key, source),),
                key_slots=tuple((f"b{index}", f"a{index}") for index in self._keys),
                rekeyed=topic.rekeyed(before, after, old_key, new_key, source) if self._keys else (),
            ),
            delete=EventShape(
                self._id, "d", self._reader("d"), topic.deleted(topic.change("d", before, NULL, old_key, source))
            ),
            read=self._read(),
        )

    def _reader(self, operation: str) -> RowsReader:
        return change_reader(self._table, self._options.values, operation)

    def _read(self) -> EventShape:
        times = tuple(Slot(f"read_millis{factor}", Stage.EVENT) for factor in ("", " * 1000", " * 1000000"))
        source = self._source(times, Slot("marker", Stage.EVENT), Slot("position", Stage.EVENT))
        change = self._topic.change("r", NULL, self._row("a"), self._key("a"), source)
        return EventShape(self._id, "r", snapshot_reader(self._table, self._options.values), (change,))

    def _source(self, times: tuple[Node, ...], marker: Node, change: Node) -> Struct:
        millis, micros, nanos = times
        return Struct(
            (
                *(Const(__version__), Const("sqlite"), Const(self._options.prefix)),
                *(millis, marker, Const(self._options.database), NULL, micros, nanos),
                *(Const(self._table.name), change),
            )
        )
