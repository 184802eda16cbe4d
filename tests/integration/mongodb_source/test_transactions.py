"""What is told of transactions; tests/conformance compares it with Debezium."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pymongo.database import Database

from tests.capture import Capture, Event

Start = Callable[..., Capture]
Document = dict[str, Any]
TOLD = {"provide_transaction_metadata": "true"}


def transaction(database: Database[Document], *collections: str, count: int = 1) -> None:
    """Insert so many documents into each of the collections, in turn."""
    with database.client.start_session() as session, session.start_transaction():
        for name in collections:
            database[name].insert_many([{} for _ in range(count)], session=session)


def told(events: list[Event]) -> list[tuple[Any, ...]]:
    """(status, count) of a transaction's beginning and end, (collection, total_order, collection's order) of events."""
    found: list[tuple[Any, ...]] = []
    for event in events:
        value = event.value or {}
        if "status" in value:
            counts = {each["data_collection"]: each["event_count"] for each in value["data_collections"] or ()}
            found.append((value["status"], {name.rpartition(".")[2]: count for name, count in counts.items()}))
        else:
            place = value["transaction"] or {}
            orders = (place.get("total_order"), place.get("data_collection_order"))
            found.append((event.topic.rpartition(".")[2], *orders))
    return found


def ids(events: list[Event]) -> set[str]:
    """Of all transactions."""
    values = [event.value or {} for event in events]
    return {value["id"] for value in values if "status" in value} | {
        value["transaction"]["id"] for value in values if value.get("transaction")
    }


def test_events_tell_their_place(stream: Start, mongodb_database: Database[Document]) -> None:
    for name in "ab":
        mongodb_database.create_collection(name)
    source = stream(**TOLD)
    transaction(mongodb_database, "a", "b", "a")
    transaction(mongodb_database, "b", count=2)
    mongodb_database.a.insert_one({})
    found = source.drain()
    assert told(found) == [
        ("BEGIN", {}),
        ("a", 1, 1),
        ("b", 2, 1),
        ("a", 3, 2),
        ("END", {"a": 2, "b": 1}),
        ("BEGIN", {}),
        ("b", 1, 1),
        ("b", 2, 2),
        ("END", {"b": 2}),
        ("a", None, None),
    ]
    assert len(ids(found)) == 2
    assert {event.topic for event in found if "status" in (event.value or {})} == {"srv.transaction"}


def test_counting_goes_on_behind_a_restart(stream: Start, mongodb_database: Database[Document]) -> None:
    for name in "ab":
        mongodb_database.create_collection(name)
    first = stream(**TOLD)
    transaction(mongodb_database, "a", "b", count=5000)
    before = first.until(lambda event: event.topic.endswith(".b"))
    assert len(before) < 10_000
    assert first.offset is not None
    first.source.close()
    second = stream(first.again(), **TOLD)
    after = second.drain()
    places = [each for each in told(before + after) if each[0] not in ("BEGIN", "END")]
    assert places == [("a", n, n) for n in range(1, 5001)] + [("b", 5000 + n, n) for n in range(1, 5001)]
    assert told(before + after)[:1] + told(before + after)[-1:] == [("BEGIN", {}), ("END", {"a": 5000, "b": 5000})]
    assert len(ids(before + after)) == 1


def test_nothing_is_told_unless_it_is_asked_for(stream: Start, mongodb_database: Database[Document]) -> None:
    mongodb_database.create_collection("a")
    source = stream()
    transaction(mongodb_database, "a")
    mongodb_database.a.insert_one({})
    found = source.drain()
    assert told(found) == [("a", None, None)] * 2
    assert [event.value["source"]["txnNumber"] is not None for event in found if event.value] == [True, False]
