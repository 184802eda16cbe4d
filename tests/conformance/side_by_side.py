"""Debezium's and Headwater's connector beside each other on one database, event by event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tests.conformance.compare import Comparison, snapshot_marker
from tests.conformance.event import Event
from tests.conformance.headwater_engine import HeadwaterEngine
from tests.conformance.reference import Engine

JSON_CONVERTER = "org.apache.kafka.connect.json.JsonConverter"
CONVERTERS = {"key.converter": JSON_CONVERTER, "value.converter": JSON_CONVERTER}

IsLast = Callable[[Event], bool]


def side_by_side(
    theirs: Mapping[str, str],
    ours: Mapping[str, str],
    state: Path,
    steps: Iterable[Callable[[], IsLast]],
    kept: Callable[[Event], bool] = lambda event: True,
) -> Comparison:
    """Compare the snapshot, then what each step puts into the log; a step tells its last event.

    ``kept`` is false for events that others on the same server make.
    """
    comparison = Comparison()

    def compare(expected: Sequence[Event], actual: Sequence[Event]) -> None:
        comparison.compare([event for event in expected if kept(event)], [event for event in actual if kept(event)])

    with Engine(theirs) as debezium:
        snapshot = debezium.until_streaming()
        with HeadwaterEngine(ours, state) as headwater:
            headwater.wait_until_running()
            if snapshot:
                compare(snapshot, headwater.until(lambda event: snapshot_marker(event) == "last"))
            for step in steps:
                is_last = step()
                compare(debezium.until(is_last), headwater.until(is_last))
    return comparison
