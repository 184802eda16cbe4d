"""A source on a real server, run without a worker: what it reads becomes events that tests can look at."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from headwater.converters.json import JsonConverter
from headwater.converters.json import create as json_converter
from headwater.converters.simple_header import create as header_converter
from headwater.plan import Converters, Plan, plan
from headwater.shape import EventShape
from headwater.source import Batch, Resume, Rows, Source, SourceError

DEADLINE_SECONDS = 20


@dataclass(frozen=True)
class Event:
    """One message, its key and value as Python values."""

    topic: str
    key: dict[str, Any] | None
    value: dict[str, Any] | None

    @property
    def operation(self) -> str:
        return "tombstone" if self.value is None else self.value.get("op", "schema change")

    @property
    def row(self) -> dict[str, Any]:
        """The row after the change, before it for a delete."""
        assert self.value is not None
        return self.value["before" if self.operation == "d" else "after"]

    @property
    def marker(self) -> str:
        assert self.value is not None
        return self.value["source"]["snapshot"]


@dataclass
class Capture:
    """A source that is being read, and what has come of it.

    ``commit_mark`` commits a row with a number that is new, in a table or collection ``mark``, and tells its key.
    """

    source: Source
    commit_mark: Callable[[int], dict[str, Any]]
    resume: Resume = field(default_factory=Resume)
    events: list[Event] = field(default_factory=list)
    rows: list[Rows] = field(default_factory=list)
    offset: Mapping[str, Any] | None = None
    history: list[Mapping[str, Any]] = field(default_factory=list)
    _plans: dict[EventShape, Plan] = field(default_factory=dict)
    _marks: Iterator[int] = field(default_factory=lambda: itertools.count(random.randrange(1 << 30)))

    def start(self) -> Capture:
        self.offset, self.history = self.resume.offset, list(self.resume.history)
        self._take(self.source.start(self.resume))
        return self

    def poll(self, timeout: float = 0.5) -> list[Event]:
        """What one poll brings."""
        return self._take(self.source.poll(timeout))

    def until(self, reached: Callable[[Event], bool]) -> list[Event]:
        """Poll until an event is what is waited for: every event from this call on, the last poll's whole."""
        found: list[Event] = []
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not any(map(reached, found)):
            assert time.monotonic() < deadline, f"not reached; {len(found)} events came: {found[-3:]}"
            found += self.poll()
        return found

    def drain(self) -> list[Event]:
        """Everything that is committed by now and has not come yet."""
        key = self.commit_mark(next(self._marks))
        found = self.until(lambda event: event.key == key and _is_mark(event))
        return [event for event in found if not _is_mark(event)]

    def stopped(self) -> tuple[SourceError, list[Event]]:
        """Poll until the source fails: the error, and the events that came before it."""
        found: list[Event] = []
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            try:
                found += self.poll()
            except SourceError as error:
                return error, found
        raise AssertionError(f"it did not stop; {len(found)} events came: {found[-3:]}")

    def snapshot(self) -> list[Event]:
        """Schema changes and rows of the whole snapshot, from the start on."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self.offset is None or {"snapshot", "initsync"} & set(self.offset):
            assert time.monotonic() < deadline
            self.poll()
        return list(self.events)

    def again(self, offset: Mapping[str, Any] | None = None) -> Resume:
        """What the next source starts from: this one's last offset (or the one given) and its history."""
        return Resume(dict(offset or self.offset or {}), list(self.history))

    def _take(self, batch: Batch) -> list[Event]:
        taken = []
        for item in batch.items:
            if isinstance(item, Rows):
                self.rows.append(item)
                for row, topic, key, value, *_ in self._plan(item.shape).function(*item.arguments):
                    if row >= item.skip:
                        taken.append(Event(topic, _decoded(key), _decoded(value)))
            else:
                value = json.loads(_JSON.convert(item.topic, item.value_schema, item.value) or b"")
                taken.append(Event(item.topic, item.key, value))
        if batch.offset is not None:
            self.offset = json.loads(json.dumps(batch.offset))
        self.history += json.loads(json.dumps(list(batch.history)))
        self.events += taken
        return taken

    def _plan(self, shape: EventShape) -> Plan:
        if shape not in self._plans:
            self._plans[shape] = plan(shape, Converters(_JSON, _JSON, header_converter({}, is_key=False)))
        return self._plans[shape]


_JSON: JsonConverter = json_converter({"schemas.enable": "false"}, is_key=False)


def _decoded(raw: bytes | None) -> Any:
    return None if raw is None else json.loads(raw)


def _is_mark(event: Event) -> bool:
    return event.topic.endswith(".mark")
