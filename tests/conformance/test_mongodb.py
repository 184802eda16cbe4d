"""Debezium and Headwater on the same MongoDB and collections: every event must be equal.

What can't be equal is left out by `tests.conformance.compare`: versions, each side's clock, and in a snapshot the
moment it was taken at.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from pymongo import MongoClient
from pymongo.database import Database

from tests.conformance import mongodb_documents as documents
from tests.conformance.compare import Comparison, payload
from tests.conformance.event import Event
from tests.conformance.side_by_side import CONVERTERS, IsLast, side_by_side

Report = Callable[[str], None]
Document = dict[str, Any]
_fences = itertools.count(1)


@pytest.fixture
def database(mongodb_database: Database[Document]) -> Database[Document]:
    """Empty collections; those of updates keep images."""
    for name in documents.COLLECTIONS:
        images = {"enabled": name not in ("ids", "images")}
        mongodb_database.create_collection(name, changeStreamPreAndPostImages=images)
    mongodb_database.fence.insert_one({"_id": 0})  # what is in the snapshot shows that it is over
    return mongodb_database


@pytest.fixture
def config(mongodb_url: str, database: Database[Document]) -> dict[str, str]:
    return {
        "name": "conformance",
        "connector.class": "io.debezium.connector.mongodb.MongoDbConnector",
        "topic.prefix": "conformance",
        "mongodb.connection.string": mongodb_url,
        "database.include.list": database.name,
        **CONVERTERS,
    }


@pytest.mark.parametrize(
    ("mode", "update"),
    [
        ("change_streams", "lookup"),
        ("change_streams_update_full", "lookup"),
        ("change_streams_update_full", "post_image"),
        ("change_streams_with_pre_image", "lookup"),
        ("change_streams_update_full_with_pre_image", "post_image"),
    ],
)
def test_every_capture_mode(
    mode: str,
    update: str,
    config: dict[str, str],
    database: Database[Document],
    tmp_path: Path,
    report: Report,
) -> None:
    options = {"capture.mode": mode, "capture.mode.full.update.type": update}
    comparison = _compare(config | options, database, tmp_path)
    comparison.assert_equal()
    report(f"{comparison.events} events, {comparison.fields} fields compared, all equal")


def test_snapshot_of_every_type(
    config: dict[str, str], database: Database[Document], tmp_path: Path, report: Report
) -> None:
    documents.insert_all(database)
    comparison = side_by_side(config, config, tmp_path, [])
    comparison.assert_equal()
    report(f"{comparison.events} events, {comparison.fields} fields compared, all equal")


def test_options(config: dict[str, str], database: Database[Document], tmp_path: Path, report: Report) -> None:
    options = {
        "collection.include.list": rf"{database.name}\.(updates|fence|pairs_.*), {database.name}.IDS",
        "tombstones.on.delete": "false",
        "extended.headers.enabled": "false",
        "skipped.operations": "u",
        "key.converter.schemas.enable": "false",
        "value.converter.schemas.enable": "false",
    }
    comparison = _compare(config | options, database, tmp_path)
    comparison.assert_equal()
    report(f"{comparison.events} events, {comparison.fields} fields compared, all equal")


def test_a_part_of_the_snapshot(
    config: dict[str, str], database: Database[Document], tmp_path: Path, report: Report
) -> None:
    documents.insert_all(database)
    name = database.name
    options = {
        "snapshot.collection.filter.overrides": f"{name}.updates,{name}.names",
        f"snapshot.collection.filter.overrides.{name}.updates": '{"_id": {"$gt": {"$numberLong": "7"}}, "n": 1}',
        f"snapshot.collection.filter.overrides.{name}.names": "{}",
        "snapshot.include.collection.list": rf"{name}\.(updates|fence),{name}\.NAMES",
    }
    several = {"snapshot.max.threads": "3"}  # with which Debezium's order is another one each time
    comparison = side_by_side(config | options, config | options | several, tmp_path, [])
    comparison.assert_equal()
    report(f"{comparison.events} events, {comparison.fields} fields compared, all equal")


def test_transactions_told(
    config: dict[str, str], database: Database[Document], tmp_path: Path, report: Report
) -> None:
    options = {"provide.transaction.metadata": "true", "topic.transaction": "told"}
    comparison = _compare(config | options, database, tmp_path)
    comparison.assert_equal()
    report(f"{comparison.events} events, {comparison.fields} fields compared, all equal")


def test_a_heartbeat(config: dict[str, str], database: Database[Document], tmp_path: Path, report: Report) -> None:
    def is_heartbeat(event: Event) -> bool:
        return event.topic.startswith("__debezium-heartbeat.")

    options = {"heartbeat.interval.ms": "200"}
    comparison = side_by_side(config | options, config | options, tmp_path, [lambda: is_heartbeat])
    comparison.assert_equal()
    report(f"{comparison.events} events, {comparison.fields} fields compared, all equal")


def test_fields_left_out_and_renamed(
    config: dict[str, str], database: Database[Document], tmp_path: Path, report: Report
) -> None:
    name = database.name
    options = {
        "capture.mode": "change_streams_with_pre_image",
        "field.exclude.list": f"{name}.updates.nest.y,*.updates.docs.k,{name}.types.array.k,{name}.*.names.x.c",
        "field.renames": f"{name}.updates.s:renamed,{name}.UPDATES.arr:list,{name}.updates.nest.x:ex",
    }
    comparison = _compare(config | options, database, tmp_path)
    comparison.assert_equal()
    report(f"{comparison.events} events, {comparison.fields} fields compared, all equal")


def _transformed(name: str, class_name: str, options: dict[str, str]) -> dict[str, str]:
    """A transform of everything but the fence and, in Debezium, the end of the snapshot."""
    return {
        "transforms": name,
        f"transforms.{name}.type": f"io.debezium.connector.mongodb.transforms.{class_name}",
        f"transforms.{name}.predicate": "is_fence",
        f"transforms.{name}.negate": "true",
        **{f"transforms.{name}.{option}": value for option, value in options.items()},
        "predicates": "is_fence",
        "predicates.is_fence.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
        "predicates.is_fence.pattern": r".*\.fence|__reference.*",
    }


def _order(number: int, *, mixed: bool = True) -> Document:
    """With ``mixed`` also with arrays in which documents and arrays stand beside other values."""
    order = {
        "_id": documents.object_id(number),
        "number": number,
        "total": Decimal128("12.50"),
        "weight": 1.0,
        "bytes": Int64(2**40),
        "placed": DatetimeMS(1709210096789),
        "seen": Timestamp(1709210096, 7),
        "token": Binary(b"\0\1", 0),
        "note": documents.TEXT,
        "gift": None,
        "paid": False,
        "match": Regex("^a", "i"),
        "customer": {"name": "Kim", "address": {"city": "서울", "lines": ["a", "b"]}, "nothing": {}},
        "items": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2, "tags": ["x"]}],
        "empty": [],
    }
    return order | ({"goods": [{"n": 1}, None], "grid": [[1, 2], [], [3]]} if mixed else {"marks": ["x", 1, 2.5, None]})


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("change_streams_update_full", {"add.fields": "op,source.ord:o", "add.headers": "collection"}),
        ("change_streams", {"flatten.struct": "true", "add.fields": "updateDescription.updatedFields"}),
        (
            "change_streams_update_full_with_pre_image",
            {
                "array.encoding": "document",
                "delete.tombstone.handling.mode": "rewrite",
                "delete.tombstone.handling.mode.rewrite-with-id": "true",
            },
        ),
        ("change_streams", {"delete.tombstone.handling.mode": "delete-to-tombstone", "flatten.struct.delimiter": "."}),
    ],
    ids=["added", "flat", "rewritten", "tombstones"],
)
def test_documents_without_their_envelope(
    mode: str,
    options: dict[str, str],
    config: dict[str, str],
    database: Database[Document],
    tmp_path: Path,
    report: Report,
) -> None:
    database.create_collection("baskets", changeStreamPreAndPostImages={"enabled": True})
    baskets = database.baskets
    mixed = "array.encoding" not in options
    baskets.insert_one(_order(0, mixed=mixed))

    def change() -> IsLast:
        baskets.insert_many([_order(1, mixed=mixed), {"_id": "text"}, {"_id": {"a": 1, "b": Int64(2)}, "v": 1}])
        baskets.update_one({"number": 1}, {"$set": {"customer.name": "Lee", "paid": True}, "$unset": {"gift": ""}})
        baskets.update_one({"number": 0}, {"$set": {"items.0.n": 5}})
        baskets.replace_one({"_id": "text"}, {"n": 2})
        baskets.delete_many({})
        return _fence(database)

    own = {
        "collection.include.list": rf"{database.name}\.(baskets|fence)",
        "capture.mode": mode,
        "capture.mode.full.update.type": "post_image",  # a lookup may come after the documents are deleted
        **_transformed("unwrap", "ExtractNewDocumentState", options),
    }
    comparison = side_by_side(config | own, config | own, tmp_path, [change])
    comparison.assert_equal()
    report(f"{comparison.events} events, {comparison.fields} fields compared, all equal")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"collection.expand.json.payload": "true", "route.topic.replacement": "${routedByValue}.events"},
        {
            "collection.fields.additional.placement": "type:header:eventType,version:envelope,type:envelope:kind",
            "collection.field.event.schema.version": "version",
            "collection.field.event.timestamp": "written",
            "route.by.field": "type",  # Debezium names schemas after the first topic that it meets
        },
        {"route.tombstone.on.empty.payload": "true", "collection.field.event.key": "_id"},
    ],
    ids=["defaults", "expanded", "envelope", "tombstones"],
)
def test_outbox_is_routed(
    options: dict[str, str], config: dict[str, str], database: Database[Document], tmp_path: Path, report: Report
) -> None:
    """Documents are deleted as soon as they are written, and one is updated."""
    database.create_collection("events")

    def event(kind: str, payload: object) -> Document:
        named = {"aggregatetype": kind, "aggregateid": "한 1", "type": "Placed"}
        return {**named, "payload": payload, "version": 3, "written": Int64(1709210096789)}

    payloads = [_order(7), {}, "text", " ", None]
    if "collection.field.event.schema.version" not in options:  # Debezium has one schema for each version
        payloads += [5, ["a"]]

    def publish() -> IsLast:
        for kind in ("Order", "Cart"):
            for held in payloads:
                added = database.events.insert_one(event(kind, held))
                database.events.delete_one({"_id": added.inserted_id})
        database.events.insert_one({"_id": 1, **event("Customer", {"n": 1})})
        database.events.update_one({"_id": 1}, {"$set": {"type": "Changed"}})
        return _fence(database)

    own = {
        "collection.include.list": rf"{database.name}\.(events|fence)",
        **_transformed("outbox", "outbox.MongoEventRouter", options),
    }
    comparison = side_by_side(config | own, config | own, tmp_path, [publish])
    comparison.assert_equal()
    report(f"{comparison.events} events, {comparison.fields} fields compared, all equal")


def _compare(config: dict[str, str], database: Database[Document], state: Path) -> Comparison:
    client: MongoClient[Document] = database.client

    def step(change: Callable[[], None]) -> Callable[[], IsLast]:
        def make() -> IsLast:
            change()
            return _fence(database)

        return make

    steps = [
        step(lambda: documents.insert_all(database)),
        step(lambda: documents.change_all(database)),
        step(lambda: documents.change_in_transactions(client, database)),
    ]
    return side_by_side(config, config, state, steps)


def _fence(database: Database[Document]) -> IsLast:
    """Insert a document after everything before; tells its event."""
    number = next(_fences)
    database.fence.insert_one({"_id": number})

    def is_fence(event: Event) -> bool:
        after = payload(event).get("after")
        return event.topic.endswith(".fence") and after is not None and json.loads(after) == {"_id": number}

    return is_fence
