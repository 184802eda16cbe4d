"""Gathers what a task tells of itself, `headwater.report.Report`.

Nothing is done for it per message. What is counted is counted once for a log event or a batch, and added up where it
is asked for, about once a second, from another thread.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from threading import Lock

from headwater.conversion import Conversion
from headwater.converter import ConversionError
from headwater.report import LastError, Report
from headwater.sink import Sink, SinkError
from headwater.source import Batch, Source, SourceError
from headwater.tolerance import TaskError

_KINDS = ((SourceError, "source"), ((TaskError, ConversionError), "conversion"), (SinkError, "sink"))
"""Where errors come from, by their class."""


class Meter:
    """Gathers one task's `Report`: written by the task's thread, read by any."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._parts: tuple[Source, Sink, Conversion] | None = None
        self._ended = Report()
        self._errors: Counter[str] = Counter()
        self._retries = 0
        self._commits = 0
        self._committed_at: float | None = None
        self._last_error: LastError | None = None
        self._event_time: float | None = None
        self._lag: float | None = None
        self._is_waiting = False

    def begin(self, source: Source, sink: Sink, conversion: Conversion) -> None:
        """A session begins, with parts of its own."""
        with self._lock:
            self._parts = (source, sink, conversion)

    def end(self) -> None:
        """The session's parts are about to go; their counts stay."""
        with self._lock:
            self._ended = replace(self._counted(), lag_seconds=None, unacknowledged=0)
            self._parts = None
            self._event_time = self._lag = None
            self._is_waiting = False

    def take(self, batch: Batch) -> None:
        """A batch has come and is about to be delivered."""
        self._is_waiting = False
        self._event_time = batch.event_time

    def wait(self, batch: Batch) -> None:
        """The batch is delivered, and the next is waited for."""
        if batch.event_time is not None:
            self._lag = _since(batch.event_time)
        else:
            self._lag = None if batch.items else 0.0
        self._is_waiting = True

    def commit(self) -> None:
        """An offset was stored."""
        self._commits += 1
        self._committed_at = time.time()

    def retry(self, error: Exception) -> None:
        """The task is about to begin anew, because of an error that may pass."""
        self._retries += 1
        self.error(error)

    def error(self, error: Exception) -> None:
        """An error was met."""
        self._errors[next((kind for cause, kind in _KINDS if isinstance(error, cause)), "other")] += 1
        self._name_error(error.__cause__ if isinstance(error, TaskError) and error.__cause__ else error)

    def reject(self, error: BaseException) -> None:
        """A message, or a value in it, could not be converted, and the task goes on."""
        self._errors["conversion"] += 1
        self._name_error(error)

    def _name_error(self, error: BaseException) -> None:
        self._last_error = LastError(type(error).__name__, time.time())

    def report(self) -> Report:
        """How things stand now."""
        with self._lock:
            return self._counted()

    def _counted(self) -> Report:
        report = replace(
            self._ended,
            errors=Counter(self._errors),
            retries=self._retries,
            commits=self._commits,
            committed_at=self._committed_at,
            last_error=self._last_error,
        )
        if self._parts is None:
            return report
        source, sink, conversion = self._parts
        progress, rejections = source.progress(), conversion.rejections
        return replace(
            report,
            records=Counter(report.records) + conversion.records(),
            dropped=report.dropped + rejections.dropped,
            dead_letters=report.dead_letters + rejections.dead_letters,
            nulled=report.nulled + rejections.nulled,
            bytes_read=report.bytes_read + progress.bytes_read,
            lag_seconds=self._lag_now(),
            unacknowledged=sink.unacknowledged(),
            source=progress,
        )

    def _lag_now(self) -> float | None:
        """While a batch is under way, for instance because the sink takes no more, the lag grows."""
        event_time = self._event_time
        return self._lag if self._is_waiting or event_time is None else _since(event_time)


def _since(event_time: float) -> float:
    """Never negative: the server's clock may be ahead of ours."""
    return max(0.0, time.time() - event_time)
