"""Going on from a stored offset: nothing twice, nothing lost, whatever the filters have become meanwhile."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import bson
import pytest
from pymongo.database import Database

from headwater.source import Resume, RetriableSourceError, SnapshotNeededError, SourceError
from tests.capture import Capture, Event

Start = Callable[..., Capture]
Document = dict[str, Any]


def keys(events: list[Event]) -> list[str]:
    return [event.key["id"] for event in events if event.key is not None and event.operation != "tombstone"]


def test_from_where_it_stopped(stream: Start, mongodb_database: Database[Document]) -> None:
    first = stream()
    mongodb_database.a.insert_many([{"_id": number} for number in range(5)])
    assert keys(first.drain()) == ["0", "1", "2", "3", "4"]
    mongodb_database.a.insert_one({"_id": 5})
    mongodb_database.a.delete_one({"_id": 5})
    second = stream(first.again())
    assert [event.operation for event in second.drain()] == ["c", "d", "tombstone"]


def test_inside_a_transaction_that_is_longer_than_a_batch(stream: Start, mongodb_database: Database[Document]) -> None:
    count = 10_000
    first = stream()
    client = mongodb_database.client
    mongodb_database.create_collection("a")
    with client.start_session() as session, session.start_transaction():
        mongodb_database.a.insert_many([{"_id": number} for number in range(count)], session=session)
    before = first.until(lambda event: event.topic.endswith(".a"))
    assert 0 < len(before) < count
    rest = stream(first.again()).drain()
    assert keys(before) + keys(rest) == [str(number) for number in range(count)]


def test_after_the_filters_changed(stream: Start, mongodb_database: Database[Document]) -> None:
    """Debezium refuses to start here: the stored event no longer passes what it asks the server for."""
    database = mongodb_database
    first = stream(collection_include_list=rf"{database.name}\.(a|mark)", database_include_list="")
    database.a.insert_one({"_id": 1})
    assert keys(first.until(lambda event: event.topic.endswith(".a"))) == ["1"]
    database.a.insert_one({"_id": 2})
    database.b.insert_one({"_id": 3})
    second = stream(first.again(), collection_include_list=rf"{database.name}\.(b|mark)", database_include_list="")
    assert keys(second.drain()) == ["3"]
    third = stream(first.again(), skipped_operations="c", database_include_list=database.name)
    database.a.delete_one({"_id": 1})
    assert keys(third.until(lambda event: event.operation == "d")) == ["1"]


def test_an_offset_of_another_server_is_named(capture: Start) -> None:
    token = bson.encode({"_data": "82FFFFFFFF000000012B0229296E04"})  # a high-water mark in the year 2106
    offset = {"sec": -1, "ord": -1, "resume_token": base64.b64encode(token).decode()}
    with pytest.raises(SourceError, match="another server or was restored from a backup"):
        capture(Resume(offset))
    with pytest.raises(SnapshotNeededError):
        capture(Resume(offset), snapshot_mode="when_needed")


def test_a_time_that_the_server_forgot_in_a_crash_is_waited_for(
    capture: Start, mongodb_database: Database[Document]
) -> None:
    def start_a_little_ahead() -> None:
        for _ in range(10):  # a write in a new second may get ahead of the token
            now = mongodb_database.client.admin.command("ping")["$clusterTime"]["clusterTime"]
            token = bson.encode({"_data": f"82{now.time:08X}{now.inc + 100_000:08X}2B0229296E04"})
            capture(Resume({"sec": -1, "ord": -1, "resume_token": base64.b64encode(token).decode()}))

    with pytest.raises(RetriableSourceError, match="must not be greater than the current clusterTime"):
        start_a_little_ahead()


def test_an_offset_of_another_connector_is_named(capture: Start) -> None:
    with pytest.raises(SourceError, match="not one of a MongoDB connector"):
        capture(Resume({"file": "binlog.000001", "pos": 4}))


def test_an_offset_says_where_its_event_was(stream: Start, mongodb_database: Database[Document]) -> None:
    source = stream()
    mongodb_database.a.insert_one({"_id": 1})
    source.until(lambda event: event.topic.endswith(".a"))
    assert source.offset is not None
    assert source.offset["sec"] > 0
    assert source.offset["ord"] > 0
    before = dict(source.offset)
    source.poll(0.01)  # nothing new: the place is the same
    assert source.offset == before or source.offset["sec"] == -1
