"""The loop of a task: poll the source, run the plan, send, and store the offset behind what is acknowledged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from headwater.plan import Converters, Plan, plan
from headwater.record import Record
from headwater.shape import EventShape
from headwater.sink import Message, RetriableSinkError, Sink
from headwater.source import Batch, Resume, RetriableSourceError, Rows, Source, SourceError
from headwater.store import TaskStore

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.5
"""How long one poll waits for the first log event: the longest time until a stop is noticed."""


class TaskError(Exception):
    """A log event can't become messages: says which, where it stands in the log, and why."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How errors that may pass are retried: Debezium's ``errors.max.retries`` (-1: no limit) and delays in seconds."""

    limit: int = 10
    initial: float = 0.3
    longest: float = 10.0

    def delay(self, attempt: int) -> float:
        """Seconds before attempt ``attempt`` (from 1): doubled each time."""
        return min(self.longest, self.initial * 2.0 ** min(attempt - 1, 30))


class Pipeline:
    """One task's source, plans, sink and offset; used by one thread."""

    def __init__(
        self,
        open_source: Callable[[], Source],
        open_sink: Callable[[], Sink],
        converters: Converters,
        store: TaskStore,
        *,
        commit_seconds: float,
        retry: Retry,
        on_running: Callable[[], None],
        stopping: Callable[[], bool],
        topics_reset: threading.Event,
    ) -> None:
        self._open_source = open_source
        self._open_sink = open_sink
        self._converters = converters
        self._store = store
        self._commit_seconds = commit_seconds
        self._retry = retry
        self._on_running = on_running
        self._stopping = stopping
        self._topics_reset = topics_reset
        self._plans: dict[EventShape, Plan] = {}
        self._plans_before_reset: dict[EventShape, Plan] = {}
        self._topics: set[str] = set()
        self._offset: Mapping[str, Any] | None = None
        self._committed: Mapping[str, Any] | None = None
        self._history: list[Mapping[str, Any]] = []
        self._failures = 0

    def run(self, drain_seconds: float) -> None:
        """Deliver until ``stopping`` says so, then drain for at most ``drain_seconds``.

        Raises what ends the task: `TaskError`, `headwater.source.SourceError`, `headwater.sink.SinkError`.
        """
        while not self._stopping():
            try:
                self._session(drain_seconds)
            except (RetriableSourceError, RetriableSinkError) as error:
                self._failures += 1
                if 0 <= self._retry.limit < self._failures:
                    raise
                delay = self._retry.delay(self._failures)
                log.warning("retrying", error=str(error), attempt=self._failures, delay_seconds=delay)
                self._wait(delay)

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._stopping() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, POLL_SECONDS))

    def _session(self, drain_seconds: float) -> None:
        """From the stored offset until a stop or an error."""
        self._offset, self._history, self._topics = None, [], set()
        self._plans, self._plans_before_reset = {}, {}
        drain_left = drain_seconds
        sink = self._open_sink()
        try:
            sink.open()
            source = self._open_source()
            try:
                self._start(source, sink)
                self._stream(source, sink)
            except (SourceError, TaskError):
                # What was read before is good: storing its offset spares the repetition.
                drain_left = 0.0
                self._commit(source, sink, drain_seconds)
                raise
            else:
                drain_left = 0.0
                if not self._commit(source, sink, drain_seconds):
                    log.warning("stopped before the sink acknowledged everything; the rest is sent again at the start")
            finally:
                source.close()
        finally:
            sink.close(drain_left)

    def _start(self, source: Source, sink: Sink) -> None:
        self._committed = self._store.offset(source.partition)
        self._deliver(source.start(Resume(self._committed, self._store.history())), source, sink)
        if self._commit_first(source, sink):
            self._on_running()

    def _stream(self, source: Source, sink: Sink) -> None:
        committed = time.monotonic()
        resumable = True
        while not self._stopping():
            batch = source.poll(POLL_SECONDS)
            self._deliver(batch, source, sink)
            is_snapshot_complete = batch.offset is not None and not resumable
            resumable = batch.offset is not None
            # Reading on meanwhile, a sink slower than the log would never have acknowledged everything.
            if (is_snapshot_complete or self._is_due(batch, committed)) and self._commit_first(source, sink):
                committed = time.monotonic()
                if resumable:
                    self._failures = 0  # a quiet log has no new offset to store, and is read well all the same

    def _deliver(self, batch: Batch, source: Source, sink: Sink) -> None:
        if self._topics_reset.is_set():
            self._forget_topics()
        for item in batch.items:
            if isinstance(item, Rows):
                sink.send(self._messages(item, source))
            else:
                sink.send(self._record(item), item.partition)
        if batch.offset is not None and batch.offset != self._committed:
            self._offset = batch.offset
        self._history.extend(batch.history)

    def _messages(self, rows: Rows, source: Source) -> Sequence[Message]:
        shape, arguments, skip = rows
        try:
            planned = self._plans.get(shape)
            if planned is None:
                planned = self._plans[shape] = self._plan(shape)
            messages = planned.function(*arguments)
        except Exception as error:
            raise TaskError(f"{source.locate(rows)}: {type(error).__name__}: {error}") from error
        return [message for message in messages if message[0] >= skip] if skip else messages

    def _plan(self, shape: EventShape) -> Plan:
        """The plan of a shape that comes for the first time since the topics were reset: its topics are noted."""
        log.debug("first event of its kind", table=shape.table, operation=shape.operation)
        self._topics.update(message.topic for message in (*shape.messages, *shape.rekeyed))
        return self._plans_before_reset.pop(shape, None) or plan(shape, self._converters)

    def _forget_topics(self) -> None:
        """Note a topic again when the next message goes there, at no cost for every message: by its missing plan."""
        self._topics_reset.clear()
        self._plans_before_reset.update(self._plans)
        self._plans.clear()
        self._topics.clear()

    def _record(self, record: Record) -> Sequence[Message]:
        converters, topic = self._converters, record.topic
        self._topics.add(topic)
        headers = [
            (header.name, converters.header.convert(topic, header.schema, header.value)) for header in record.headers
        ]
        key = converters.key.convert(topic, record.key_schema, record.key)
        value = converters.value.convert(topic, record.value_schema, record.value)
        return ((0, topic, key, value, headers or None),)

    def _is_due(self, batch: Batch, committed: float) -> bool:
        """Whether to store the offset, which was done last at the monotonic time ``committed``."""
        return bool(batch.history) or time.monotonic() - committed >= self._commit_seconds

    def _commit_first(self, source: Source, sink: Sink) -> bool:
        """Store the offset reached before anything else happens; False where the task is to stop."""
        while not self._commit(source, sink, POLL_SECONDS):
            if self._stopping():
                return False
        return True

    def _commit(self, source: Source, sink: Sink, timeout: float) -> bool:
        """Store the offset reached, once everything before it is acknowledged; False if that takes too long."""
        if self._offset is None:
            return True
        if not sink.flush(timeout):
            return False
        self._store.commit(source.partition, self._offset, self._history, self._topics)
        log.debug("offset stored", offset=self._offset)
        self._committed = self._offset
        self._topics.clear()
        self._offset, self._history, self._failures = None, [], 0
        return True
