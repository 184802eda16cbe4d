"""What the micro-benchmark of the plan runs: recorded rows events of MySQL, and replies of MongoDB's change streams."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import bson
from bson import Int64, Timestamp

from bench.documents import outbox_document
from headwater.converters import json as json_converter
from headwater.converters import simple_header
from headwater.plan import Converters, plan
from headwater.shape import EventShape
from headwater.sink import Message
from headwater.sources.envelope import context_headers
from headwater.sources.mongodb.change_event import ChangeEventReader
from headwater.sources.mongodb.documents import Documents
from headwater.sources.mongodb.fields import FieldRules
from headwater.sources.mongodb.reply import read_reply, read_runs
from headwater.sources.mongodb.shapes import CollectionShapes
from headwater.sources.mongodb.shapes import ShapeOptions as CollectionOptions
from headwater.sources.mysql.events import read_rows_head
from headwater.sources.mysql.shapes import ShapeOptions, table_shapes
from headwater.sources.mysql.table import Column, Table
from headwater.sources.mysql.table_map import TableMap
from headwater.sources.mysql.types import ValueOptions

DATA = Path(__file__).parent / "data"
TEXT = {"charset": "utf8mb4", "nullable": False}
TABLE = Table(
    "bench",
    "outbox",
    (
        Column("id", "char", length=36, **TEXT),
        *(Column(name, "varchar", length=255, **TEXT) for name in ("aggregate_type", "aggregate_id", "type")),
        Column("payload", "json", nullable=False),
        Column("timestamp", "timestamp", nullable=False, length=0, default="CURRENT_TIMESTAMP", expression=True),
    ),
    key=("id",),
    primary_key=("id",),
)


@dataclass(frozen=True, slots=True)
class Case:
    """``run`` makes the messages of ``events`` events from what the server sent."""

    title: str
    events: int
    run: Callable[[], list[Message]]


def cases(*, headers: bool) -> Iterator[Case]:
    """All of them, with the headers of every change event or without."""
    for rows in (20, 1):
        yield _rows_event(rows, headers=headers)
    for size, events in ((200, 1000), (2048, 1000), (102_400, 100)):
        yield _reply(size, events, headers=headers)


def _converters() -> Converters:
    converter = json_converter.create({"schemas.enable": "false"}, is_key=False)
    return Converters(converter, converter, simple_header.create({}, is_key=False))


def _function(shape: EventShape) -> Callable[..., list[Message]]:
    return plan(shape, _converters()).function


def _rows_event(rows: int, *, headers: bool) -> Case:
    """The planned function on a recorded event; reading the log is not in it."""
    recorded = json.loads((DATA / f"outbox-{rows}.json").read_text())
    table_map = TableMap.parse(base64.b64decode(recorded["table_map"]))
    body = base64.b64decode(recorded["write_rows"])
    options = ShapeOptions(
        prefix="bench",
        values=ValueOptions(),
        tombstones=True,
        headers=context_headers("bench", "mysql", 0, "0") if headers else (),
        captures_column=lambda *_: True,
    )
    function = _function(table_shapes(TABLE, table_map.physical, options).create)
    _, columns, bitmaps = read_rows_head(body, 0, len(body), version=2)
    first = bitmaps + (columns + 7) // 8
    gtid = "c70788c5-e60c-11f1-be6e-02fc00000001:17"
    arguments = (body, first, len(body), 1, gtid, "binlog.000001", 10941, 17, 1_795_308_197_165_997)
    return Case(f"MySQL, outbox, {rows} a transaction", rows, lambda: function(*arguments))


def _reply(size: int, events: int, *, headers: bool) -> Case:
    """From a reply's bytes: its events are found, then the planned function runs on them."""
    options = CollectionOptions(
        prefix="bench",
        tombstones=True,
        headers=context_headers("bench", "mongodb", 0, "0") if headers else (),
        pre_images=False,
        transactions=False,
        documents=Documents(FieldRules(())),
    )
    shape = CollectionShapes("bench", "outbox", options).change("insert", in_transaction=False)
    assert shape is not None
    function, reader, data = _function(shape), ChangeEventReader(), _reply_bytes(size, events)

    def run() -> list[Message]:
        reply = read_reply(data)
        (found,) = read_runs(data, reply.batch, reply.batch_end, reader)
        return function(data, found.events)

    return Case(f"MongoDB, outbox, documents of {size:,} B", events, run)


def _reply_bytes(size: int, events: int) -> bytes:
    """A reply to ``getMore`` with the events of so many inserts."""
    document = outbox_document(size)
    token = {"_data": f"82{0x6B025075:08X}{1:08X}2B022C0100296E5A1004{'38' * 16}46645F69640064{'6B' * 12}0004"}
    batch = [_insert(document(number), number, token) for number in range(events)]
    cursor = {"nextBatch": batch, "postBatchResumeToken": token, "id": Int64(1), "ns": "bench.outbox"}
    return bson.encode({"cursor": cursor, "ok": 1.0, "operationTime": Timestamp(0x6B025075, 1)})


def _insert(document: dict[str, object], number: int, token: dict[str, str]) -> dict[str, object]:
    return {
        "_id": token,
        "operationType": "insert",
        "clusterTime": Timestamp(0x6B025075, number + 1),
        "wallTime": document["createdAt"],
        "fullDocument": document,
        "ns": {"db": "bench", "coll": "outbox"},
        "documentKey": {"_id": document["_id"]},
    }
