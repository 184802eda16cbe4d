"""Snapshots: which documents are read, and where one goes on that was ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId
from pymongo.database import Database
from structlog.testing import capture_logs

from headwater.config import ConfigError
from headwater.source import SourceError
from headwater.sources.mongodb import chunks
from tests.capture import Capture, Event

Start = Callable[..., Capture]
Document = dict[str, Any]


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_DOCUMENTS", 10)


def read(events: list[Event]) -> list[tuple[str, str]]:
    """(collection, key) of each event."""
    return [(event.topic.rpartition(".")[2], (event.key or {})["id"]) for event in events]


def numbers(collection: str, *bounds: int) -> list[tuple[str, str]]:
    return [(collection, str(number)) for number in range(*bounds)]


def fill(database: Database[Document], collection: str, count: int) -> None:
    database[collection].insert_many([{"_id": number, "even": number % 2 == 0} for number in range(count)])


@pytest.mark.parametrize("threads", ["1", "4"])
def test_every_document_comes_once_and_the_last_one_says_so(
    capture: Start, mongodb_database: Database[Document], threads: str
) -> None:
    for name, count in (("a", 95), ("b", 10), ("c", 0), ("d", 1), ("e", 20)):
        mongodb_database.create_collection(name)
        fill(mongodb_database, name, count) if count else None
    events = capture(snapshot_max_threads=threads).snapshot()
    assert read(events) == [*numbers("a", 95), *numbers("b", 10), *numbers("d", 1), *numbers("e", 20)]
    assert [event.marker for event in events] == ["true"] * (len(events) - 1) + ["last"]


def test_ids_of_all_types_in_chunks_of_three(
    capture: Start, mongodb_database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_DOCUMENTS", 3)
    ids = [1, 2.5, Int64(3), Decimal128("4"), "a", "", {"a": 1}, {"a": 1, "b": 2}, Binary(b"x"), ObjectId(), True]
    ids += [None, MinKey(), MaxKey(), *range(10, 20)]
    mongodb_database.a.insert_many([{"_id": _id} for _id in ids])
    found = read(capture(snapshot_max_threads="2").snapshot())
    assert len(found) == len(set(found)) == len(ids)


@pytest.mark.parametrize(
    "kind",
    [
        {"collation": {"locale": "en", "strength": 2}},
        {"capped": True, "size": 4096},
        {"clusteredIndex": {"key": {"_id": 1}, "unique": True}},
    ],
)
def test_every_kind_of_collection(
    capture: Start, mongodb_database: Database[Document], monkeypatch: pytest.MonkeyPatch, kind: dict[str, Any]
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_DOCUMENTS", 3)
    mongodb_database.create_collection("a", **kind)
    mongodb_database.a.insert_many([{"_id": letter} for letter in "aBcDeFgHij"])
    found = read(capture().snapshot())
    assert sorted(key for _, key in found) == sorted(f'"{letter}"' for letter in "aBcDeFgHij")


@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize("batches", [1, 2, 5, 9])
def test_one_that_was_ended_goes_on_with_its_chunk(
    capture: Start, mongodb_database: Database[Document], threads: str, batches: int
) -> None:
    fill(mongodb_database, "a", 45)
    fill(mongodb_database, "b", 45)
    wanted = [*numbers("a", 45), *numbers("b", 45)]
    first = capture(snapshot_max_threads=threads)
    for _ in range(batches):
        first.poll()
    first.source.close()
    before = read(first.events)
    mongodb_database.a.delete_one({"_id": 10})  # a chunk may begin at what is no longer there
    mongodb_database.b.insert_one({"_id": -1})
    second = capture(first.again(), snapshot_max_threads=threads)
    after = second.snapshot()
    rest = read(after)
    assert before == wanted[: len(before)]
    assert set(before + rest) >= set(wanted) - {("a", "10")}
    assert len(before + rest) <= len(wanted) + 10 + 1  # at most one chunk comes twice, and what is new
    assert [event.marker for event in after] == ["true"] * (len(after) - 1) + ["last"]
    changes = [(event.operation, *read([event])[0]) for event in second.drain() if event.operation != "tombstone"]
    assert changes == [("d", "a", "10"), ("c", "b", "-1")]


def test_one_that_was_ended_goes_on_though_its_collection_is_gone(
    capture: Start, mongodb_database: Database[Document]
) -> None:
    for name in "abc":
        fill(mongodb_database, name, 25)
    first = capture()
    first.until(lambda event: event.topic.endswith(".b"))
    assert first.offset is not None
    assert first.offset["snapshot_collection"] == f"{mongodb_database.name}.b"
    first.source.close()
    mongodb_database.b.drop()
    assert read(capture(first.again()).snapshot()) == numbers("c", 25)


def test_one_that_was_ended_begins_anew_where_other_documents_are_wanted(
    capture: Start, mongodb_database: Database[Document]
) -> None:
    fill(mongodb_database, "a", 25)
    fill(mongodb_database, "b", 5)
    first = capture(snapshot_include_collection_list=rf"{mongodb_database.name}\.b")
    first.poll()
    first.source.close()
    with capture_logs() as logs:
        second = capture(first.again())
    assert read(second.snapshot()) == [*numbers("a", 25), *numbers("b", 5)]
    assert any("begins anew" in entry["event"] for entry in logs)


def test_one_that_debezium_began_is_taken_from_its_beginning(
    capture: Start, mongodb_database: Database[Document]
) -> None:
    fill(mongodb_database, "a", 25)
    first = capture()
    assert first.offset is not None
    assert set(first.offset) == {"sec", "ord", "initsync", "resume_token"}
    assert read(capture(first.again()).snapshot()) == numbers("a", 25)


def test_a_collection_that_goes_away_meanwhile_stops_nothing(
    capture: Start, mongodb_database: Database[Document]
) -> None:
    for name in "abc":
        fill(mongodb_database, name, 100)
    source = capture()
    mongodb_database.b.drop()
    found = read(source.snapshot())
    assert numbers("a", 100) == found[:100]
    assert numbers("c", 100) == found[-100:]
    mongodb_database.a.insert_one({"_id": 100})
    assert read(source.drain()) == numbers("a", 100, 101)


def test_a_part_of_a_collection(capture: Start, mongodb_database: Database[Document]) -> None:
    fill(mongodb_database, "a", 95)
    fill(mongodb_database, "b", 15)
    name = f"{mongodb_database.name}.a"
    condition = '{"even": true, "_id": {"$gte": {"$numberInt": "50"}}}'
    overrides = "snapshot.collection.filter.overrides"
    source = capture(None, **{overrides: name, f"{overrides}.{name}": condition})
    assert read(source.snapshot()) == [*numbers("a", 50, 95, 2), *numbers("b", 15)]
    mongodb_database.a.insert_one({"_id": 101})
    assert read(source.drain()) == numbers("a", 101, 102)


@pytest.mark.parametrize("condition", [None, "", "[]", "{", "1"])
def test_a_condition_that_is_none_is_refused_by_its_name(
    capture: Start, mongodb_database: Database[Document], condition: str | None
) -> None:
    overrides = "snapshot.collection.filter.overrides"
    given = {overrides: "shop.orders", f"{overrides}.shop.orders": condition}
    with pytest.raises(ConfigError, match=r"snapshot\.collection\.filter\.overrides\.shop\.orders must be a condition"):
        capture(None, **{name: text for name, text in given.items() if text is not None})


def test_a_condition_that_the_server_refuses_is_named_with_its_collection(
    capture: Start, mongodb_database: Database[Document]
) -> None:
    fill(mongodb_database, "a", 5)
    name = f"{mongodb_database.name}.a"
    overrides = "snapshot.collection.filter.overrides"
    source = capture(None, **{overrides: name, f"{overrides}.{name}": '{"$nonsense": 1}'})
    with pytest.raises(SourceError, match=rf"snapshot of collection {name} .*nonsense"):
        source.snapshot()


def configuration_based(**asked: str) -> dict[str, str]:
    names = {f"snapshot.mode.configuration.based.{name.replace('_', '.')}": text for name, text in asked.items()}
    return {"snapshot.mode": "configuration_based", **names}


def test_a_mode_made_of_options(capture: Start, mongodb_database: Database[Document]) -> None:
    fill(mongodb_database, "a", 3)
    first = capture(None, **configuration_based(snapshot_data="true", start_stream="true"))
    assert read(first.snapshot()) == numbers("a", 3)
    again = capture(first.again(), **configuration_based(snapshot_data="true", start_stream="true"))
    assert read(again.snapshot()) == numbers("a", 3)
    mongodb_database.a.insert_one({"_id": 3})
    streams = capture(again.again(), **configuration_based(start_stream="true"))
    assert read(streams.drain()) == numbers("a", 3, 4)
    neither = capture(streams.again(), **configuration_based())
    mongodb_database.a.insert_one({"_id": 4})
    assert neither.poll(0.1) == []


@pytest.mark.parametrize(
    ("mode", "reads", "streams"),
    [("always", 2, True), ("initial", 0, True), ("initial_only", 0, False), ("no_data", 0, True), ("never", 0, True)],
)
def test_modes_at_a_second_start(
    capture: Start, mongodb_database: Database[Document], mode: str, reads: int, streams: bool
) -> None:
    fill(mongodb_database, "a", 2)
    first = capture(snapshot_mode=mode)
    assert len(first.snapshot()) == (0 if mode in ("no_data", "never") else 2)
    again = capture(first.again(), snapshot_mode=mode)
    assert len(again.snapshot()) == reads
    mongodb_database.a.insert_one({"_id": 7})
    if streams:
        assert read(again.drain()) == [("a", "7")]
    else:
        assert again.poll() == []
