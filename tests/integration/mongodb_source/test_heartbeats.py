"""Heartbeats, while the change stream is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pymongo.database import Database

from tests.capture import Capture, Event

Start = Callable[..., Capture]
Document = dict[str, Any]


def is_heartbeat(event: Event) -> bool:
    return event.key == {"serverName": "srv"}


@pytest.mark.parametrize(
    ("named", "topic"),
    [
        ({}, "__debezium-heartbeat.srv"),
        ({"topic_heartbeat_prefix": "alive"}, "alive.srv"),
        ({"topic_heartbeat_name": "beats"}, "beats"),
    ],
)
def test_one_comes_though_nothing_happens(stream: Start, named: dict[str, str], topic: str) -> None:
    source = stream(heartbeat_interval_ms="1", **named)
    (beat, *_) = source.until(is_heartbeat)
    assert beat.topic == topic
    assert beat.value is not None
    assert list(beat.value) == ["ts_ms"]


def test_one_comes_behind_the_changes_whose_offset_it_has(stream: Start, mongodb_database: Database[Document]) -> None:
    source = stream(heartbeat_interval_ms="1")
    mongodb_database.a.insert_many([{"_id": number} for number in range(5)])
    found = source.until(lambda event: event.operation == "c")
    assert [is_heartbeat(event) for event in found[-6:]] == [False] * 5 + [True]


def test_none_comes_unless_it_is_asked_for(stream: Start, mongodb_database: Database[Document]) -> None:
    source = stream()
    mongodb_database.a.insert_one({"_id": 1})
    source.poll(0.01)
    assert [event.operation for event in source.drain()] == ["c"]
    assert not any(map(is_heartbeat, source.events))


def test_none_comes_in_a_snapshot(capture: Start, mongodb_database: Database[Document]) -> None:
    mongodb_database.a.insert_many([{"_id": number} for number in range(5)])
    assert not any(map(is_heartbeat, capture(heartbeat_interval_ms="1").snapshot()))
