"""Headwater's side of a conformance test: a connector's pipeline, its messages collected as they leave for the sink."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from headwater.meter import Meter
from headwater.pipeline import Pipeline
from headwater.sink import Message
from headwater.stores.sqlite import SqliteStore, SqliteTaskStore
from headwater.tolerance import Tolerance
from headwater.worker.assembly import build_converters
from headwater.worker.connector_config import read_connector_config
from headwater.worker.transforms import build_chain
from headwater.worker.worker_config import read_worker_config
from tests.conformance.event import Event

DEADLINE = 60.0


class _Collector:
    """A `headwater.sink.Sink` that hands every message to the test."""

    def __init__(self, messages: queue.SimpleQueue[Event | None]) -> None:
        self._messages = messages

    def open(self) -> None:
        pass

    def send(self, messages: Sequence[Message]) -> None:
        for _, topic, key, value, headers, *_ in messages:
            self._messages.put(Event(topic, key, value, tuple(headers or ())))

    def flush(self, timeout: float) -> bool:
        return True

    def unacknowledged(self) -> int:
        return 0

    def close(self, timeout: float) -> None:
        pass


class HeadwaterEngine:
    """One run of a connector; used as `tests.conformance.reference.Engine` is."""

    def __init__(self, config: Mapping[str, str], state: Path) -> None:
        self._config = config
        self._file = state / "headwater.db"
        self._messages: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._running = threading.Event()
        self._error: Exception | None = None

    def __enter__(self) -> Self:
        self._store = SqliteStore(self._file)
        self._epoch = self._store.begin_epoch(self._config["name"], 0)
        self._thread = threading.Thread(target=self._run, name="headwater")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(DEADLINE)
        self._store.close()

    def until(self, last: Callable[[Event], bool], deadline: float = DEADLINE) -> list[Event]:
        """The next messages up to and including the first for which ``last`` is true."""
        events: list[Event] = []
        end = time.monotonic() + deadline
        while not events or not last(events[-1]):
            try:
                message = self._messages.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                seen = "\n".join(map(str, events[-3:]))
                raise TimeoutError(f"nothing more in {deadline} s after {len(events)} messages:\n{seen}") from None
            if message is None:
                raise RuntimeError(f"the pipeline ended after {len(events)} messages") from self._error
            events.append(message)
        return events

    def wait_until_running(self) -> None:
        """Until the position is fixed from which changes are delivered."""
        if not self._running.wait(DEADLINE):
            raise TimeoutError(f"not running in {DEADLINE} s")
        if self._error is not None:
            raise RuntimeError("the pipeline did not start") from self._error

    def _run(self) -> None:
        worker = read_worker_config({"offset.storage.file.filename": str(self._file)})
        try:
            connector = read_connector_config(self._config)
            store = SqliteTaskStore(self._file, connector.name, 0, self._epoch)
            try:
                Pipeline(
                    lambda: connector.connector.open(connector.options),
                    lambda: _Collector(self._messages),
                    build_chain(connector.values),
                    build_converters(worker, connector),
                    Tolerance(),
                    store,
                    Meter(),
                    commit_seconds=0.1,
                    retry=connector.retry,
                    on_running=self._running.set,
                    on_waiting=lambda reason: None,
                    stopping=self._stopping.is_set,
                    topics_reset=threading.Event(),
                ).run(DEADLINE)
            finally:
                store.close()
        except Exception as error:
            self._error = error
        finally:
            self._messages.put(None)
            self._running.set()
