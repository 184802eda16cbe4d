"""From what a source gives to the messages that a sink takes: plans for rows, converters for everything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import structlog

from headwater.plan import Converters, RowFunction, plan
from headwater.record import Record
from headwater.shape import EventShape
from headwater.sink import Message
from headwater.source import Rows, Source

log = structlog.get_logger(__name__)


class TaskError(Exception):
    """A log event can't become messages: says which, where it stands in the log, and why."""


class _Planned:
    """A planned function, and how many messages it has made."""

    __slots__ = ("function", "messages")

    def __init__(self, function: RowFunction) -> None:
        self.function = function
        self.messages = 0


class Conversion:
    """One session's way from log events to messages; its plans are made when a shape is first seen.

    ``topics`` are those of the shapes and records seen; whoever has stored them clears it.
    """

    def __init__(self, source: Source, converters: Converters) -> None:
        self.topics: set[str] = set()
        self._source = source
        self._converters = converters
        self._plans: dict[EventShape, _Planned] = {}
        self._plans_before_reset: dict[EventShape, _Planned] = {}
        self._records = 0

    def rows(self, rows: Rows) -> Sequence[Message]:
        """The messages of a log event's rows. Raises `TaskError`."""
        shape, arguments, skip = rows
        try:
            planned = self._plans.get(shape)
            if planned is None:
                planned = self._plan(shape)
            messages = planned.function(*arguments)
        except Exception as error:
            raise TaskError(f"{self._source.locate(rows)}: {type(error).__name__}: {error}") from error
        if skip:
            messages = [message for message in messages if message[0] >= skip]
        planned.messages += len(messages)
        return messages

    def _plan(self, shape: EventShape) -> _Planned:
        """The plan of a shape that comes for the first time since the topics were reset: its topics are noted."""
        log.debug("first event of its kind", table=shape.table, operation=shape.operation)
        self.topics.update(message.topic for message in (*shape.messages, *shape.rekeyed))
        planned = self._plans_before_reset.get(shape) or _Planned(plan(shape, self._converters).function)
        self._plans[shape] = planned
        self._plans_before_reset.pop(shape, None)
        return planned

    def reset_topics(self) -> None:
        """Note a topic again when the next message goes there, at no cost for every message: by its missing plan."""
        self._plans_before_reset = {**self._plans_before_reset, **self._plans}
        self._plans = {}
        self.topics.clear()

    def record(self, record: Record) -> Sequence[Message]:
        """The message of what is no row. Raises `headwater.converter.ConversionError`."""
        converters, topic = self._converters, record.topic
        self.topics.add(topic)
        headers = [
            (header.name, converters.header.convert(topic, header.schema, header.value)) for header in record.headers
        ]
        key = converters.key.convert(topic, record.key_schema, record.key)
        value = converters.value.convert(topic, record.value_schema, record.value)
        self._records += 1
        return ((0, topic, key, value, headers or None),)

    def records(self) -> Counter[str]:
        """How many messages there were by Debezium's operation, empty for those of records; for any thread."""
        plans = {**self._plans_before_reset, **self._plans}
        counts = Counter({"": self._records})
        for shape, planned in plans.items():
            counts[shape.operation] += planned.messages
        return counts
