"""From what a source gives to the messages that a sink takes: plans for rows, converters for everything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn

import structlog

from headwater.chain import Chain
from headwater.converter import RetriableConversionError
from headwater.plan import Converters, Plan, plan
from headwater.record import Record
from headwater.row_by_row import RejectedError, RowReader, convert_record, transform_record
from headwater.shape import EventShape
from headwater.sink import Message
from headwater.source import Rows, Source
from headwater.tolerance import Rejections, TaskError, Tolerance, Unreadable

log = structlog.get_logger(__name__)


class _Planned:
    """A planned function, and how many messages it has made."""

    __slots__ = ("function", "messages", "routes", "topics")

    def __init__(self, plan: Plan) -> None:
        self.function = plan.function
        self.topics = plan.topics
        self.routes = plan.routes
        self.messages = 0


class Conversion:
    """One session's way from log events to messages; its plans are made when a shape is first seen.

    ``topics``      those of the messages planned and of the records seen; whoever has stored them clears it
    ``rejections``  what could not be converted and was let go
    """

    def __init__(
        self, source: Source, chain: Chain, converters: Converters, tolerance: Tolerance, rejections: Rejections
    ) -> None:
        self.topics: set[str] = set()
        self.rejections = rejections
        self._source = source
        self._chain = chain
        self._converters = converters
        self._tolerance = tolerance
        self._row_reader = RowReader()
        self._plans: dict[EventShape, _Planned] = {}
        self._plans_before_reset: dict[EventShape, _Planned] = {}
        self._records = 0

    def rows(self, rows: Rows) -> Sequence[Message]:
        """The messages of a log event's rows.

        Raises `headwater.tolerance.TaskError`, or `headwater.converter.RetriableConversionError`, which is never
        tolerated.
        """
        shape, arguments, skip = rows
        planned = self._plans.get(shape)
        if planned is None:
            planned = self._plan(shape)
        try:
            messages = planned.function(*arguments)
        except RetriableConversionError:
            raise  # a route's plan asked a registry
        except Exception as error:
            if self._tolerance.is_none:
                raise TaskError(f"{self._source.locate(rows)}: {type(error).__name__}: {error}") from error
            return self._one_by_one(rows, planned)
        if skip:
            messages = [message for message in messages if message[0] >= skip]
        planned.messages += len(messages)
        return messages

    def _plan(self, shape: EventShape) -> _Planned:
        """The plan of a shape that comes for the first time since the topics were reset: its topics are noted."""
        log.debug("first event of its kind", table=shape.table, operation=shape.operation)
        planned = self._plans_before_reset.get(shape) or _Planned(self._try_plan(shape))
        self.topics.update(planned.topics)
        self._plans[shape] = planned
        self._plans_before_reset.pop(shape, None)
        return planned

    def _try_plan(self, shape: EventShape) -> Plan:
        """The plan; where there can't be one, one whose function raises the reason for each row."""
        try:
            return plan(shape, self._converters, self._chain.plan, self.topics)
        except RetriableConversionError:
            raise
        except Exception as error:
            return Plan(partial(_raise, error), "")

    def _one_by_one(self, rows: Rows, planned: _Planned) -> Sequence[Message]:
        """The same row by row, so that one that can't be converted takes no other with it, and the order stays."""
        shape, arguments, skip = rows
        place = self._source.locate(rows)
        try:
            parts = list(shape.reader.split(arguments))
        except Exception as error:
            raise TaskError(f"{place}: its rows can't be told apart: {type(error).__name__}: {error}") from error
        messages: list[Message] = []
        dead_letters = self.rejections.dead_letters
        for number, part in enumerate(parts):
            if number < skip:
                continue
            try:
                made = planned.function(*part, row=number)
            except RetriableConversionError:
                raise
            except Exception:
                made = self._value_by_value(shape, part, number, f"{place}, row {number}")
            messages += made
        planned.messages += len(messages) - (self.rejections.dead_letters - dead_letters)
        return messages

    def _value_by_value(self, shape: EventShape, arguments: Sequence[Any], number: int, place: str) -> list[Message]:
        row = self._row_reader.read(shape, arguments, number)
        if row.errors and self._tolerance.unreadable is Unreadable.FAIL:
            return self._reject_all(row.rejected(), place)
        try:
            messages = row.messages(self._chain, self._converters)
        except RejectedError as rejected:  # where null may not stand, what could not be read is the reason
            return self._reject_all(row.rejected() if row.errors else [rejected], place)
        self.rejections.null(row.unreadable(), place)
        return messages

    def _reject_all(self, rejected: Sequence[RejectedError], place: str) -> list[Message]:
        return [message for each in rejected for message in self._reject(each, place)]

    def _reject(self, rejected: RejectedError, place: str) -> list[Message]:
        instead = self.rejections.reject(rejected, place)
        self.topics.update(topic for _, topic, *_ in instead)
        return instead

    def reset_topics(self) -> None:
        """Note a topic again when the next message goes there, at no cost for every message: by its missing plan."""
        self._plans_before_reset = {**self._plans_before_reset, **self._plans}
        for planned in self._plans.values():
            for routes in planned.routes:
                routes.clear()
        self._plans = {}
        self.topics.clear()

    def record(self, record: Record) -> Sequence[Message]:
        """The message of what is no row, none where it is dropped. Raises as `rows` does."""
        try:
            transformed = transform_record(record, self._chain)
            if transformed is None:
                return ()
            self.topics.add(transformed.topic)
            message = convert_record(transformed, self._converters)
        except RejectedError as rejected:
            return self._reject(rejected, f"a message to {record.topic}")
        self._records += 1
        return (message,)

    def records(self) -> Counter[str]:
        """How many messages there were by Debezium's operation, empty for those of records; for any thread."""
        plans = {**self._plans_before_reset, **self._plans}
        counts = Counter({"": self._records})
        for shape, planned in plans.items():
            counts[shape.operation] += planned.messages
        return counts


def _raise(error: Exception, *_arguments: object, **_row: object) -> NoReturn:
    raise error
