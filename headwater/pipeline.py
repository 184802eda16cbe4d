"""The loop of a task: poll the source, run the plan, send, and store the offset behind what is acknowledged."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import structlog

from headwater.chain import Chain
from headwater.conversion import Conversion
from headwater.converter import RetriableConversionError
from headwater.meter import Meter
from headwater.plan import Converters
from headwater.sink import Delivered, OffsetSink, RetriableSinkError, Sink
from headwater.source import Batch, Resume, RetriableSourceError, Rows, SnapshotNeededError, Source, SourceError
from headwater.store import TaskStore
from headwater.tolerance import Rejections, TaskError, Tolerance

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.5
"""How long one poll waits for the first log event: the longest time until a stop is noticed."""
MENDING_LONGEST_SECONDS = 30.0
"""The longest time until a task goes on after what kept it from making messages was mended."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How errors that may pass are retried.

    ``limit``             how often in a row: Debezium's ``errors.max.retries`` (-1: no limit)
    ``seconds``           for how long, in place of how often: Kafka Connect's ``errors.retry.timeout`` (infinity: no
                          limit); 0 leaves it to ``limit``
    ``initial, longest``  delays in seconds
    """

    limit: int = 10
    initial: float = 0.3
    longest: float = 10.0
    seconds: float = 0.0

    def is_over(self, failures: int, seconds: float) -> bool:
        """Whether that many failures in a row, the first of them ``seconds`` ago, are enough."""
        if self.seconds:
            return seconds > self.seconds
        return 0 <= self.limit < failures

    def delay(self, attempt: int) -> float:
        """Seconds before attempt ``attempt`` (from 1): doubled each time."""
        return min(self.longest, self.initial * 2.0 ** min(attempt - 1, 30))


class _Session(NamedTuple):
    """What a pipeline works with until an error: then it begins anew, with all parts new."""

    source: Source
    sink: Sink
    conversion: Conversion
    keeper: OffsetSink | None
    """The sink, where it keeps offsets."""


class Pipeline:
    """One task's source, plans, sink and offset; used by one thread."""

    def __init__(
        self,
        open_source: Callable[[], Source],
        open_sink: Callable[[], Sink],
        chain: Chain,
        converters: Converters,
        tolerance: Tolerance,
        store: TaskStore,
        meter: Meter,
        *,
        commit_seconds: float,
        retry: Retry,
        on_running: Callable[[], None],
        on_waiting: Callable[[str], None],
        stopping: Callable[[], bool],
        topics_reset: threading.Event,
    ) -> None:
        self._open_source = open_source
        self._open_sink = open_sink
        self._chain = chain
        self._converters = converters
        self._tolerance = tolerance
        self._store = store
        self._meter = meter
        self._commit_seconds = commit_seconds
        self._retry = retry
        self._on_running = on_running
        self._on_waiting = on_waiting
        self._stopping = stopping
        self._topics_reset = topics_reset
        self._offset: Mapping[str, Any] | None = None
        self._committed: Mapping[str, Any] | None = None
        self._stored: Mapping[str, Any] | None = None
        self._kept: Mapping[str, Any] | None = None
        self._history: list[Mapping[str, Any]] = []
        self._begins_anew = False
        self._failures = 0
        self._failing_since = 0.0

    def run(self, drain_seconds: float) -> None:
        """Deliver until ``stopping`` says so, then drain for at most ``drain_seconds``.

        Raises what ends the task: `headwater.tolerance.TaskError`, `headwater.source.SourceError`,
        `headwater.sink.SinkError`.
        """
        while not self._stopping():
            try:
                self._session(drain_seconds)
            except RetriableConversionError as error:
                self._await_mending(error)
            except SnapshotNeededError as error:
                self._meter.retry(error)
                log.warning("a new snapshot is needed", because=str(error))
                self._begins_anew = True
            except (RetriableSourceError, RetriableSinkError) as error:
                if not self._failures:
                    self._failing_since = time.monotonic()
                self._failures += 1
                if self._retry.is_over(self._failures, time.monotonic() - self._failing_since):
                    raise
                self._meter.retry(error)
                delay = self._retry.delay(self._failures)
                log.warning("retrying", error=str(error), attempt=self._failures, delay_seconds=delay)
                self._wait(delay)

    def _await_mending(self, error: RetriableConversionError) -> None:
        """Try what failed again until it doesn't, or the task is to stop; meanwhile nothing is read."""
        for attempt in itertools.count(1):
            self._meter.retry(error)
            delay = min(MENDING_LONGEST_SECONDS, 2.0 ** min(attempt - 1, 30))
            log.warning("a message can't be made for now", error=str(error), attempt=attempt, delay_seconds=delay)
            self._on_waiting(str(error))
            self._wait(delay)
            if self._stopping():
                return
            try:
                error.again()
            except RetriableConversionError as repeated:
                error = repeated
            else:
                return

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._stopping() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, POLL_SECONDS))

    def _session(self, drain_seconds: float) -> None:
        """From the stored offset until a stop or an error."""
        self._offset, self._kept, self._history = None, None, []
        drain_left = drain_seconds
        sink = self._open_sink()
        try:
            sink.open()
            source = self._open_source()
            rejections = Rejections(self._tolerance, self._meter.reject)
            conversion = Conversion(source, self._chain, self._converters, self._tolerance, rejections)
            session = _Session(source, sink, conversion, sink if isinstance(sink, OffsetSink) else None)
            self._meter.begin(source, sink, conversion)
            try:
                self._start(session)
                self._stream(session)
            except SnapshotNeededError:
                drain_left = 0.0
                self._commit_first(session)  # what was read so far is read by nobody again
                raise
            except (SourceError, TaskError, RetriableConversionError):
                # What was read before is good: storing its offset spares the repetition.
                drain_left = 0.0
                self._commit(session, drain_seconds)
                raise
            else:
                drain_left = 0.0
                if not self._commit(session, drain_seconds):
                    log.warning("stopped before the sink acknowledged everything; the rest is sent again at the start")
            finally:
                rejections.end()
                self._meter.end()
                source.close()
        finally:
            sink.close(drain_left)

    def _start(self, session: _Session) -> None:
        source = session.source
        resume = self._resume(session)
        self._committed = resume.offset
        self._deliver(source.start(resume), session)
        if self._commit_first(session):
            self._begins_anew = False
            self._on_running()

    def _resume(self, session: _Session) -> Resume:
        """From what is stored, or from what the sink keeps, where that is further."""
        partition = session.source.partition
        self._stored = self._store.offset(partition)
        resume = Resume(self._stored, self._store.history())
        delivered = session.keeper.delivered(partition) if session.keeper is not None else None
        if delivered is not None and self._stored == delivered.stored != delivered.offset:
            resume = Resume(dict(delivered.offset), [*resume.history, *delivered.history])
            self._history = list(delivered.history)
        return Resume(None, resume.history) if self._begins_anew else resume

    def _stream(self, session: _Session) -> None:
        committed = time.monotonic()
        resumable = True
        while not self._stopping():
            batch = session.source.poll(POLL_SECONDS)
            self._meter.take(batch)
            self._deliver(batch, session)
            if session.keeper is not None and batch.items and batch.offset is not None:
                self._acknowledged(session, 0)  # nobody sees it before
            is_snapshot_complete = batch.offset is not None and not resumable
            resumable = batch.offset is not None
            # Reading on meanwhile, a sink slower than the log would never have acknowledged everything.
            if (is_snapshot_complete or self._is_due(batch, committed)) and self._commit_first(session):
                committed = time.monotonic()
                if resumable:
                    self._failures = 0  # a quiet log has no new offset to store, and is read well all the same
            self._meter.wait(batch)

    def _deliver(self, batch: Batch, session: _Session) -> None:
        sink, conversion = session.sink, session.conversion
        if self._topics_reset.is_set():
            self._topics_reset.clear()
            conversion.reset_topics()
        for item in batch.items:
            if isinstance(item, Rows):
                sink.send(conversion.rows(item))
            else:
                sink.send(conversion.record(item))
        if batch.offset is not None and batch.offset != self._committed:
            self._offset = batch.offset
        self._history.extend(batch.history)

    def _is_due(self, batch: Batch, committed: float) -> bool:
        """Whether to store the offset, which was done last at the monotonic time ``committed``."""
        return bool(batch.history) or time.monotonic() - committed >= self._commit_seconds

    def _commit_first(self, session: _Session) -> bool:
        """Store the offset reached before anything else happens; False where the task is to stop."""
        while not self._commit(session, POLL_SECONDS):
            if self._stopping():
                return False
        return True

    def _commit(self, session: _Session, timeout: float) -> bool:
        """Store the offset reached, once everything before it is acknowledged; False if that takes too long."""
        if self._offset is None:
            return True
        if not self._acknowledged(session, timeout):
            return False
        source, conversion = session.source, session.conversion
        self._store.commit(source.partition, self._offset, self._history, conversion.topics)
        source.committed(dict(self._offset))
        self._meter.commit()
        log.debug("offset stored", offset=self._offset)
        self._committed = self._stored = self._offset
        conversion.topics.clear()
        self._offset, self._history, self._failures = None, [], 0
        return True

    def _acknowledged(self, session: _Session, timeout: float) -> bool:
        """Whether everything up to the offset reached is safe; False if that takes too long."""
        if session.keeper is None or self._offset in (None, self._kept):
            return session.sink.flush(timeout)
        assert self._offset is not None  # noqa: S101 - see above
        session.keeper.commit(session.source.partition, Delivered(self._offset, self._history, self._stored))
        self._kept = self._offset
        return True
