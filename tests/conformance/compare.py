"""Compares Debezium's events with Headwater's, member by member and in order, and counts what was compared."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.event import Event

# Paths (in the value's payload) of what can't be equal: each side's own clock and version.
CLOCK_AND_VERSION = frozenset({"ts_ms", "ts_us", "ts_ns", "source.version"})
# A snapshot is taken at its own moment and place in the log.
MOMENT_OF_SNAPSHOT = frozenset({"source.ts_ms", "source.ts_us", "source.ts_ns", "source.file", "source.pos"})
MOST_SHOWN = 30
RUN_ID_HEADER = "__debezium.context.runId"
RUN_ID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(slots=True)
class Comparison:
    """What was compared, and where the two differ (one line each)."""

    events: int = 0
    fields: int = 0
    differences: list[str] = field(default_factory=list)

    def compare(self, expected: Sequence[Event], actual: Sequence[Event]) -> None:
        """Take two runs' events, Debezium's first."""
        for number, (ours, theirs) in enumerate(zip(actual, expected, strict=False)):
            self.events += 1
            where = f"event {number} ({theirs.topic}, key {_short(theirs.key)})"
            self._leaf(f"{where}: topic", theirs.topic, ours.topic)
            if ours.topic != theirs.topic:
                continue  # the two are out of step, the rest would only repeat it
            self._document(f"{where}: key", theirs.key, ours.key, frozenset())
            self._document(f"{where}: value", theirs.value, ours.value, _unequal(theirs))
            self._headers(f"{where}: headers", theirs, ours)
        for surplus, who in ((expected[len(actual) :], "Debezium"), (actual[len(expected) :], "Headwater")):
            self.differences.extend(f"only {who}: {event.topic} {_short(event.key)}" for event in surplus)

    def assert_equal(self) -> None:
        """Fail with the first differences if there are any, or if nothing was compared."""
        if self.differences or not self.events:
            shown = "\n".join(self.differences[:MOST_SHOWN])
            raise AssertionError(f"{len(self.differences)} differences in {self.events} events:\n{shown}")

    def _headers(self, where: str, expected: Event, actual: Event) -> None:
        self._leaf(f"{where}: names", [name for name, _ in expected.headers], [name for name, _ in actual.headers])
        for (name, theirs), (_, ours) in zip(expected.headers, actual.headers, strict=False):
            if name == RUN_ID_HEADER and RUN_ID.fullmatch(theirs or b"") and RUN_ID.fullmatch(ours or b""):
                self.fields += 1
            else:
                self._leaf(f"{where}: {name}", theirs, ours)

    def _document(self, where: str, expected: bytes | None, actual: bytes | None, unequal: frozenset[str]) -> None:
        theirs = {} if expected is None else dict(_leaves(_parse(expected), ()))
        ours = {} if actual is None else dict(_leaves(_parse(actual), ()))
        if list(theirs) != list(ours):
            self._order(where, theirs, ours)
        for path, value in theirs.items():
            shown = ".".join(path)
            if shown.removeprefix("payload.") in unequal:
                self._leaf(f"{where}: type of {shown}", type(value), type(ours.get(path)))
            elif path in ours:
                self._leaf(f"{where}: {shown}", value, ours[path])

    def _order(self, where: str, expected: Iterable[tuple[str, ...]], actual: Iterable[tuple[str, ...]]) -> None:
        pairs = itertools.zip_longest(expected, actual, fillvalue=("nothing",))
        theirs, ours = next(pair for pair in pairs if pair[0] != pair[1])
        self.differences.append(
            f"{where}: members: Debezium has {'.'.join(theirs)} where Headwater has {'.'.join(ours)}"
        )

    def _leaf(self, where: str, expected: object, actual: object) -> None:
        self.fields += 1
        if repr(expected) != repr(actual):  # tells 1 from 1.0 and True, and 0.0 from -0.0
            self.differences.append(f"{where}: Debezium {expected!r}, Headwater {actual!r}")


def payload(event: Event) -> dict[str, Any]:
    """The payload of an event's value, with or without a schema around it; empty for what is no struct."""
    document = json.loads(event.value or b"{}")
    if isinstance(document, dict) and set(document) == {"schema", "payload"}:
        document = document["payload"]
    return document if isinstance(document, dict) else {}


def snapshot_marker(event: Event) -> str | None:
    """``snapshot`` in the source block; None for a tombstone."""
    source = payload(event).get("source")
    marker: str | None = source.get("snapshot") if isinstance(source, dict) else None
    return marker


def _unequal(event: Event) -> frozenset[str]:
    in_snapshot = snapshot_marker(event) not in (None, "false")
    return CLOCK_AND_VERSION | MOMENT_OF_SNAPSHOT if in_snapshot else CLOCK_AND_VERSION


def _parse(document: bytes) -> Any:
    """JSON with objects as lists of pairs, so that the order of members counts."""
    return json.loads(document, object_pairs_hook=_Members)


class _Members(list[tuple[str, Any]]):
    """A JSON object."""


def _leaves(node: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value that isn't an object or array, by its path; empty objects and arrays too."""
    if isinstance(node, _Members) and node:
        for name, member in node:
            yield from _leaves(member, (*path, name))
    elif isinstance(node, list) and not isinstance(node, _Members) and node:
        if path[-1:] == ("data_collections",):
            node = sorted(node)  # Debezium has them in the order of Java's hashes
        for index, item in enumerate(node):
            yield from _leaves(item, (*path, str(index)))
    else:
        yield path, node


def _short(key: bytes | None) -> str:
    document = None if key is None else json.loads(key)
    if isinstance(document, dict):
        document = document.get("payload", document)
    return json.dumps(document, ensure_ascii=False)
