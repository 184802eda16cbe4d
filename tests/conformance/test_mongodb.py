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
