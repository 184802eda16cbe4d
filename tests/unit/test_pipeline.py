"""The pipeline between a log and a sink that fail: how often it tries again, and which offset it stores."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from headwater.chain import Chain
from headwater.converters.json import create as json_converter
from headwater.meter import Meter
from headwater.pipeline import Pipeline, Retry
from headwater.plan import Converters
from headwater.record import Record, Schema, Type
from headwater.sink import Message, RetriableSinkError
from headwater.source import (
    EMPTY,
    Batch,
    Resume,
    RetriableSourceError,
    Rows,
    SnapshotNeededError,
    SourceError,
    SourceProgress,
)
from headwater.stores.sqlite import SqliteStore, SqliteTaskStore
from headwater.tolerance import DeadLetters, TaskError, Tolerance

PARTITION = {"server": "log"}
RETRIES = 3
JSON = json_converter({"schemas.enable": "false"}, is_key=False)


class Log:
    """A source whose polls bring one record each, at positions that go up, until ``script`` has an error instead."""

    partition = PARTITION

    def __init__(self, script: Iterable[str | Exception]) -> None:
        self._script = iter(script)
        self._position = 0

    def start(self, resume: Resume) -> Batch:
        self._position = (resume.offset or {"pos": 0})["pos"]
        return EMPTY

    def poll(self, timeout: float) -> Batch:
        step = next(self._script)
        if isinstance(step, Exception):
            raise step
        items = [] if step == "quiet" else [wrong_record() if step == "wrong" else record(step)]
        self._position += len(items)
        return Batch(items, {"pos": self._position})

    def committed(self, offset: dict[str, Any]) -> None:
        pass

    def progress(self) -> SourceProgress:
        return SourceProgress("log", self._position)

    def locate(self, rows: Rows) -> str:
        return ""

    def shapes(self) -> Sequence[Any]:
        return ()

    def close(self) -> None:
        pass


class Broker:
    """A sink that acknowledges at most ``pace`` messages in one flush, or raises ``failure`` there."""

    def __init__(self, pace: int = 1000, failure: Exception | None = None) -> None:
        self.waiting = 0
        self.close_timeouts: list[float] = []
        self._pace, self._failure = pace, failure

    def open(self) -> None:
        pass

    def send(self, messages: Sequence[Message]) -> None:
        self.waiting += len(messages)

    def flush(self, timeout: float) -> bool:
        if self._failure is not None:
            raise self._failure
        self.waiting = max(0, self.waiting - self._pace)
        return self.waiting == 0

    def unacknowledged(self) -> int:
        return self.waiting

    def close(self, timeout: float) -> None:
        self.close_timeouts.append(timeout)


def record(value: str) -> Record:
    return Record("t", None, None, Schema(Type.STRING), value)


def wrong_record() -> Record:
    """One that no converter takes."""
    return Record("t", None, None, Schema(Type.INT32), "no number")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteTaskStore]:
    file = tmp_path / "state.db"
    worker = SqliteStore(file)
    task = SqliteTaskStore(file, "c", 0, worker.begin_epoch("c", 0))
    yield task
    task.close()
    worker.close()


@pytest.fixture
def topics_reset() -> threading.Event:
    return threading.Event()


@pytest.fixture
def run(store: SqliteTaskStore, topics_reset: threading.Event) -> Callable[..., None]:
    """Runs a pipeline over sessions of a log, until one fails for good or after ``polls``."""

    def run(
        sessions: Iterable[Iterable[str | Exception]],
        sink: Broker,
        *,
        commit_seconds: float = 0,
        checks: int = 10_000,
        tolerance: Tolerance = Tolerance(),  # noqa: B008 - it can't be changed
        retry: Retry = Retry(limit=RETRIES, initial=0, longest=0),  # noqa: B008
    ) -> None:
        logs, left = iter(sessions), iter(range(checks))
        Pipeline(
            lambda: Log(next(logs)),
            lambda: sink,
            Chain(),
            Converters(JSON, JSON, JSON),
            tolerance,
            store,
            Meter(),
            commit_seconds=commit_seconds,
            retry=retry,
            on_running=lambda: None,
            on_waiting=lambda reason: None,
            stopping=lambda: next(left, None) is None,
            topics_reset=topics_reset,
        ).run(0.5)

    return run


def lost() -> RetriableSourceError:
    return RetriableSourceError("the connection is lost")


def test_a_connection_lost_too_often_in_a_row_fails(run):
    sessions = itertools.count()
    with pytest.raises(RetriableSourceError):
        run(([lost()] for _ in sessions), Broker())
    assert next(sessions) == RETRIES + 1


def test_losses_with_a_quiet_log_between_are_not_in_a_row(run):
    sessions = [["quiet", lost()] for _ in range(5 * RETRIES)]
    with pytest.raises(SourceError, match="the end"):
        run([*sessions, [SourceError("the end")]], Broker())


def test_losses_with_acknowledged_messages_between_are_not_in_a_row(run, store):
    sessions = [["a", lost()] for _ in range(5 * RETRIES)]
    with pytest.raises(SourceError, match="the end"):
        run([*sessions, [SourceError("the end")]], Broker(), commit_seconds=1000)
    assert store.offset(PARTITION) == {"pos": 5 * RETRIES}


def test_messages_that_are_read_and_never_acknowledged_are_no_progress(run):
    """Else the same messages were sent again and again, for ever."""
    sessions = itertools.count()
    with pytest.raises(RetriableSinkError):
        run((itertools.repeat("a") for _ in sessions), Broker(failure=RetriableSinkError("not now")))
    assert next(sessions) == RETRIES + 1


def test_retries_for_a_time_are_not_counted(run):
    sessions = itertools.chain(([lost()] for _ in range(5 * RETRIES)), [[SourceError("the end")]])
    with pytest.raises(SourceError, match="the end"):
        run(sessions, Broker(), retry=Retry(limit=RETRIES, initial=0, longest=0, seconds=1000))


def test_retries_end_when_their_time_is_over(run):
    sessions = itertools.count()
    with pytest.raises(RetriableSourceError):
        run(([lost()] for _ in sessions), Broker(), retry=Retry(limit=-1, initial=0.001, longest=0.001, seconds=0.05))
    assert next(sessions) > 1


def test_a_record_that_can_t_be_made_stops_the_task_behind_what_could(run, store):
    with pytest.raises(TaskError, match="a message to t"):
        run([["a", "wrong", "b"]], Broker(), commit_seconds=1000)
    assert store.offset(PARTITION) == {"pos": 1}


def test_a_dropped_record_moves_the_offset(run, store):
    with pytest.raises(SourceError, match="the end"):
        run([["a", "wrong", SourceError("the end")]], Broker(), tolerance=Tolerance(messages=True))
    assert store.offset(PARTITION) == {"pos": 2}


def test_an_offset_is_stored_once_the_dead_letter_is_acknowledged(run, store):
    letters = Tolerance(messages=True, dead_letters=DeadLetters("dead", JSON, "c", 0))
    deaf = Broker(pace=0)
    run([["wrong", *itertools.repeat("quiet", 100)]], deaf, tolerance=letters, checks=20)
    assert (deaf.waiting, store.offset(PARTITION)) == (1, None)
    run([["wrong", *itertools.repeat("quiet", 100)]], Broker(), tolerance=letters, checks=20)
    assert store.offset(PARTITION) == {"pos": 1}


def test_offsets_are_stored_though_the_sink_is_slower_than_the_log(run, store):
    """A flush brings the sink nearer to the end of what it has, another message further away."""
    slow = Broker(pace=1)
    slow.waiting = 10
    run([itertools.repeat("a")], slow, checks=100)
    assert store.offset(PARTITION)["pos"] > 0


def test_what_was_delivered_before_an_error_is_not_sent_again(run, store):
    with pytest.raises(SourceError, match="no such table"):
        run([["a", "b", SourceError("no such table")]], Broker(), commit_seconds=1000)
    assert store.offset(PARTITION) == {"pos": 2}


def test_a_new_snapshot_takes_the_place_of_the_offset(run, store):
    with pytest.raises(SourceError, match="the end"):
        run([["a", "b", SnapshotNeededError("purged")], ["a", SourceError("the end")]], Broker())
    assert store.offset(PARTITION) == {"pos": 1}


def test_what_was_read_before_a_new_snapshot_is_acknowledged_first(run):
    """However long that takes: it can't be read again."""
    slow = Broker(pace=1)
    slow.waiting = 20
    with pytest.raises(SourceError, match="the end"):
        run([["a", SnapshotNeededError("purged")], [SourceError("the end")]], slow, commit_seconds=1000)
    assert slow.waiting == 0


def test_a_stop_drains_once(run):
    """Waiting for a sink that is away, and then again, would take longer than a stop may."""
    sink = Broker(pace=0)
    run([itertools.repeat("a")], sink, commit_seconds=1000, checks=10)
    assert sink.close_timeouts == [0]
