"""From a table's structure to the shapes of its messages: Debezium's envelope over the columns that are captured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import time_ns

from headwater import __version__
from headwater.record import Header, Schema
from headwater.shape import NULL, Const, EventShape, Node, Reader, Slot, Stage, Struct
from headwater.sources.envelope import NOW_CODE, RowTopic, envelope_schema
from headwater.sources.mysql.custom_converters import TinyIntToBoolean, with_booleans
from headwater.sources.mysql.decode import RowsReader
from headwater.sources.mysql.source_info import SOURCE
from headwater.sources.mysql.table import Table
from headwater.sources.mysql.text import TextReader
from headwater.sources.mysql.types import ValueOptions, key_schema, row_schema
from headwater.sources.naming import topic_name

LOG_PARAMETERS = ("server_id", "gtid", "file", "position", "thread", "commit_micros")
"""What the source passes with each log event, behind the buffer, the first row's place and the end."""
SNAPSHOT_PARAMETERS = ("marker", "file", "position", "read_micros")
"""What the snapshot passes with each batch of rows, behind the rows."""


@dataclass(frozen=True, slots=True)
class ShapeOptions:
    """What of a connector's configuration decides its messages' shape."""

    prefix: str
    values: ValueOptions
    tombstones: bool
    headers: tuple[Header, ...]
    captures_column: Callable[[str, str, str], bool]
    converters: tuple[TinyIntToBoolean, ...] = ()


@dataclass(frozen=True, slots=True)
class TableShapes:
    """The shapes of one table's log events, by Debezium's operations."""

    create: EventShape
    update: EventShape
    delete: EventShape
    read: EventShape


def table_shapes(table: Table, physical: tuple[tuple[int, int], ...], options: ShapeOptions) -> TableShapes:
    """The shapes for a table; ``physical`` holds TABLE_MAP's (type, metadata) of each column."""
    return _Shaper(table, physical, options).shapes()


def snapshot_shape(table: Table, options: ShapeOptions) -> EventShape:
    """The shape of a table's rows in a snapshot."""
    return _Shaper(table, (), options).read()


class _Shaper:
    def __init__(self, table: Table, physical: tuple[tuple[int, int], ...], options: ShapeOptions) -> None:
        table = with_booleans(table, options.converters)
        self._table = table
        self._physical = physical
        self._options = options
        self._captured = [
            index
            for index, column in enumerate(table.columns)
            if options.captures_column(table.database, table.name, column.name)
        ]
        topic = topic_name(options.prefix, table.database, table.name)
        self._keys = [self._index(name) for name in table.key]
        self._topic = RowTopic(
            name=topic,
            key_schema=key_schema(table, topic, options.values) if table.key else None,
            envelope=envelope_schema(topic, self._row_schema(topic), SOURCE),
            headers=options.headers,
            tombstones=options.tombstones,
        )

    def _index(self, name: str) -> int:
        return [column.name for column in self._table.columns].index(name)

    def _row_schema(self, topic: str) -> Schema:
        captured = tuple(self._table.columns[index] for index in self._captured)
        return row_schema(replace(self._table, columns=captured), topic, self._options.values)

    def _row(self, image: str) -> Struct:
        return Struct(tuple(Slot(f"{image}{index}", Stage.ROW) for index in self._captured))

    def _key(self, image: str) -> Node:
        return Struct(tuple(Slot(f"{image}{index}", Stage.ROW) for index in self._keys)) if self._keys else NULL

    def _log_reader(self, kind: str) -> Reader:
        return RowsReader(
            self._table,
            self._physical,
            kind,
            self._options.values,
            extra_parameters=LOG_PARAMETERS,
            event_code=NOW_CODE,
            constants={"time_ns": time_ns},
        )

    def shapes(self) -> TableShapes:
        before, after, source = self._row("b"), self._row("a"), self._log_source()
        old_key, new_key = self._key("b"), self._key("a")
        topic, name = self._topic, self._table.id
        return TableShapes(
            create=EventShape(name, "c", self._log_reader("c"), (topic.change("c", NULL, after, new_key, source),)),
            update=EventShape(
                name,
                "u",
                self._log_reader("u"),
                (topic.change("u", before, after, new_key, source),),
                key_slots=tuple((f"b{index}", f"a{index}") for index in self._keys),
                rekeyed=topic.rekeyed(before, after, old_key, new_key, source) if self._keys else (),
            ),
            delete=EventShape(
                name, "d", self._log_reader("d"), topic.deleted(topic.change("d", before, NULL, old_key, source))
            ),
            read=self.read(),
        )

    def read(self) -> EventShape:
        reader = TextReader(
            self._table,
            self._options.values,
            extra_parameters=SNAPSHOT_PARAMETERS,
            event_code=NOW_CODE,
            constants={"time_ns": time_ns},
        )
        change = self._topic.change("r", NULL, self._row("a"), self._key("a"), self._snapshot_source())
        return EventShape(self._table.id, "r", reader, (change,))

    def _source(self, *nodes: Node, micros: str, snapshot: Node) -> Struct:
        return Struct(
            (
                Const(__version__),
                Const("mysql"),
                Const(self._options.prefix),
                Slot(f"{micros} // 1000", Stage.EVENT),
                snapshot,
                Const(self._table.database),
                NULL,
                Slot(micros, Stage.EVENT),
                Slot(f"{micros} * 1000", Stage.EVENT),
                Const(self._table.name),
                *nodes,
            )
        )

    def _log_source(self) -> Struct:
        names = ("server_id", "gtid", "file", "position")
        return self._source(
            *(Slot(name, Stage.EVENT) for name in names),
            Slot("row", Stage.ROW),
            Slot("thread", Stage.EVENT),
            NULL,
            micros="commit_micros",
            snapshot=NULL,  # the schema's default says "false"
        )

    def _snapshot_source(self) -> Struct:
        place = (Slot("file", Stage.EVENT), Slot("position", Stage.EVENT))
        return self._source(
            Const(0),
            NULL,
            *place,
            Const(0),
            NULL,
            NULL,
            micros="read_micros",
            snapshot=Slot("marker", Stage.EVENT),
        )
