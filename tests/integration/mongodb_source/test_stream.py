"""What a change stream goes through: collections that come, go and change names, pipelines, large events."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pymongo.database import Database

from headwater.config import ConfigError
from headwater.source import SourceError
from tests.capture import Capture, Event

Start = Callable[..., Capture]
Document = dict[str, Any]


def changes(events: list[Event]) -> list[tuple[str, str, str]]:
    """(collection, operation, key) of each event."""
    return [(event.topic.rpartition(".")[2], event.operation, (event.key or {})["id"]) for event in events]


def test_collections_made_dropped_and_renamed(stream: Start, mongodb_database: Database[Document]) -> None:
    source = stream()
    mongodb_database.a.insert_one({"_id": 1})
    mongodb_database.a.drop()
    mongodb_database.a.insert_one({"_id": 2})
    mongodb_database.a.rename("b")
    mongodb_database.b.insert_one({"_id": 3})
    assert changes(source.drain()) == [("a", "c", "1"), ("a", "c", "2"), ("b", "c", "3")]


@pytest.mark.parametrize("end", ["drop", "rename"])
def test_a_stream_on_one_collection_goes_on_behind_its_end(
    stream: Start, mongodb_database: Database[Document], end: str
) -> None:
    name = mongodb_database.name
    mongodb_database.mark.insert_one({"_id": -1})
    scope = {"capture_scope": "collection", "capture_target": f"{name}.mark"}
    source = stream(**scope)
    mongodb_database.mark.insert_one({"_id": -2})
    if end == "drop":
        mongodb_database.mark.drop()
    else:
        mongodb_database.mark.rename("gone")
    mongodb_database.mark.insert_one({"_id": -3})
    source.until(lambda event: event.key == {"id": "-3"})
    assert changes(source.events) == [("mark", "c", "-2"), ("mark", "c", "-3")]
    mongodb_database.mark.drop()
    mongodb_database.mark.insert_one({"_id": -4})
    again = stream(source.again(), **scope)
    assert changes(again.until(lambda event: event.key == {"id": "-4"})) == [("mark", "c", "-4")]


def test_a_stream_on_a_database_goes_on_behind_its_end(stream: Start, mongodb_database: Database[Document]) -> None:
    source = stream()
    mongodb_database.a.insert_one({"_id": 1})
    mongodb_database.client.drop_database(mongodb_database.name)
    mongodb_database.a.insert_one({"_id": 2})
    assert changes(source.drain()) == [("a", "c", "1"), ("a", "c", "2")]


@pytest.mark.parametrize("literal", [False, True])
def test_one_plain_name_watches_that_collection(
    stream: Start, mongodb_database: Database[Document], literal: bool
) -> None:
    mongodb_database.mark.insert_one({"_id": -1})
    name = f"{mongodb_database.name}.mark"
    source = stream(
        database_include_list="",
        collection_include_list=name,
        filters_match_mode="literal" if literal else "regex",
    )
    mongodb_database.a.insert_one({"_id": 1})
    source.drain()
    assert {event.topic for event in source.events} == {f"srv.{name}"}
    assert str(source.source._stream._options.scope) == f"the collection {name}"


def test_names_match_whatever_their_case(stream: Start, mongodb_database: Database[Document]) -> None:
    mongodb_database.Orders.insert_one({"_id": 1})
    source = stream(database_include_list="", collection_include_list=f"{mongodb_database.name}.orders")
    mongodb_database.Orders.insert_one({"_id": 2})
    mongodb_database.orders.insert_one({"_id": 3})
    found = source.until(lambda event: event.key == {"id": "3"})
    assert changes(found) == [("Orders", "c", "2"), ("orders", "c", "3")]


@pytest.mark.parametrize(
    ("lists", "captured"),
    [
        ({"collection_include_list": "NAME.(a|x.y|mark)"}, ["a", "x.y"]),
        ({"collection_exclude_list": "NAME.a, NAME.x[.]y"}, ["b"]),
        ({"database_include_list": "", "collection_include_list": ".*b,NAME[.]x.*,.*[.]mark"}, ["b", "x.y"]),
        ({"database_include_list": "NAM.", "collection_exclude_list": ".*[.]b"}, ["a", "x.y"]),
        ({"database_include_list": "", "database_exclude_list": "(?!NAME).*"}, ["a", "b", "x.y"]),
    ],
)
def test_lists_on_the_server(
    stream: Start, mongodb_database: Database[Document], lists: dict[str, str], captured: list[str]
) -> None:
    """In a stream of one database and of all, of which the server leaves out what the lists leave out."""
    name = mongodb_database.name
    given = {option: text.replace("NAME", name).replace("NAM.", f"{name[:-1]}.") for option, text in lists.items()}
    source = stream(**given)
    for collection in ("a", "b", "x.y"):
        mongodb_database[collection].insert_one({"_id": 1})
    assert [event.topic for event in source.drain()] == [f"srv.{name}.{collection}" for collection in captured]


def test_a_pipeline_of_the_user_s_own(stream: Start, mongodb_database: Database[Document]) -> None:
    keep = json.dumps([{"$match": {"$or": [{"ns.coll": "mark"}, {"fullDocument.kept": True}]}}])
    source = stream(cursor_pipeline=keep)
    mongodb_database.a.insert_many([{"_id": number, "kept": number % 2 == 1} for number in range(4)])
    assert changes(source.drain()) == [("a", "c", "1"), ("a", "c", "3")]


def test_a_pipeline_that_takes_the_token_away_is_named(stream: Start, mongodb_database: Database[Document]) -> None:
    source = stream(cursor_pipeline='[{"$project": {"_id": 0}}]')
    mongodb_database.a.insert_one({"_id": 1})
    error, _ = source.stopped()
    assert "_id" in str(error)


def large_update(database: Database[Document]) -> None:
    """An event of 18 MB: two images of 9 MB each."""
    database.create_collection("a", changeStreamPreAndPostImages={"enabled": True})
    database.a.insert_one({"_id": 1, "text": "x" * 9_000_000})
    database.a.update_one({"_id": 1}, {"$set": {"n": 1}})


def test_an_event_that_is_too_large_stops_the_task(stream: Start, mongodb_database: Database[Document]) -> None:
    source = stream(capture_mode="change_streams_update_full_with_pre_image")
    large_update(mongodb_database)
    error, _ = source.stopped()
    assert "cursor.oversize.handling.mode=skip" in str(error)


def test_an_event_that_is_too_large_is_left_out(stream: Start, mongodb_database: Database[Document]) -> None:
    source = stream(
        capture_mode="change_streams_update_full_with_pre_image",
        cursor_oversize_handling_mode="skip",
        cursor_oversize_skip_threshold="1000000",
    )
    large_update(mongodb_database)
    mongodb_database.a.insert_one({"_id": 2})
    assert changes(source.drain()) == [("a", "c", "2")]


def test_options_that_contradict_each_other_are_refused(capture: Start) -> None:
    with pytest.raises(ConfigError, match=r"capture\.target must be DATABASE\.COLLECTION"):
        capture(capture_scope="collection", capture_target="orders")
    with pytest.raises(ConfigError, match=r"cursor\.oversize\.skip\.threshold must be set"):
        capture(cursor_oversize_handling_mode="skip")


def test_a_pipeline_that_the_server_refuses_is_named(capture: Start) -> None:
    with pytest.raises(SourceError, match="nonsense"):
        capture(cursor_pipeline='[{"$nonsense": {}}]')


@pytest.mark.parametrize(("order", "found"), [("internal_first", []), ("user_first", ["1"]), ("user_only", ["1"])])
def test_a_pipeline_stands_where_its_order_says(
    stream: Start, mongodb_database: Database[Document], order: str, found: list[str]
) -> None:
    renamed = {"$cond": [{"$eq": ["$ns.coll", "b"]}, "a", "$ns.coll"]}
    source = stream(
        collection_include_list=rf"{mongodb_database.name}\.(a|mark)",
        cursor_pipeline=json.dumps([{"$set": {"ns.coll": renamed}}]),
        cursor_pipeline_order=order,
    )
    mongodb_database.b.insert_one({"_id": 1})
    assert changes(source.drain()) == [("a", "c", key) for key in found]


def test_the_server_waits_for_changes_as_long_as_it_is_asked_to(
    stream: Start, mongodb_database: Database[Document]
) -> None:
    mongodb_database.create_collection("mark")
    mongodb_database.command("profile", 2)
    source = stream(
        cursor_max_await_time_ms="123", capture_scope="collection", capture_target=f"{mongodb_database.name}.mark"
    )
    source.drain()
    mongodb_database.command("profile", 0)
    profiled = mongodb_database["system.profile"].find({"op": "getmore"})
    assert max(entry["command"]["maxTimeMS"] for entry in profiled) == 123
