"""A task's operating-system process: it runs one pipeline, obeys its worker, and ends when the worker does.

The worker and the task talk through one pipe. The worker sends `headwater.worker.orders`; the task sends `Running`,
`Waiting`, `Failed`, and a `headwater.report.Report` once a second and at its end. When the pipe closes, the worker is
gone: the task ends at once, and its successor starts from the stored offset.
"""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import structlog

from headwater.config import ConfigError
from headwater.logs import configure_logs, redact_logs
from headwater.meter import Meter
from headwater.plugin_path import use_plugin_path
from headwater.sink import SinkError
from headwater.source import SourceError
from headwater.store import StaleEpochError
from headwater.stores.sqlite import SqliteTaskStore
from headwater.tolerance import TaskError
from headwater.worker.assembly import build_pipeline
from headwater.worker.connector_config import ConnectorConfig, read_connector_config
from headwater.worker.orders import Orders
from headwater.worker.redaction import Redaction
from headwater.worker.worker_config import WorkerConfig, read_worker_config

log = structlog.get_logger(__name__)

FORESEEN = (ConfigError, SourceError, SinkError, TaskError, StaleEpochError)

REPORT_SECONDS = 1.0
"""How often the task says how it stands."""

DRAIN_SHARE = 0.8
"""How much of the time that a stop may take goes to delivering what is under way; the rest is for what surrounds it."""


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """What a task's process is told at its start; references in the configurations are replaced only there."""

    connector: str
    task: int
    epoch: int
    state_file: Path
    worker_config: Mapping[str, str]
    connector_config: Mapping[str, str]
    log_levels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Running:
    """The start position is fixed: what commits from now on is delivered."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The task makes no messages until something outside of it is mended; ``reason`` says what."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The task ends for a reason that a restart would not change; ``trace`` says which."""

    trace: str


def run_task(pipe: Connection) -> int:
    """The process's main function: the worker sends the `TaskSpec` first. Gives the exit status."""
    # Signals that a terminal or a service manager sends to every process: the worker decides what they mean.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        spec: TaskSpec = pipe.recv()
    except (EOFError, OSError):  # the worker was killed before it said what to do
        return 1
    configure_logs(spec.log_levels)
    structlog.contextvars.bind_contextvars(connector=spec.connector, task=spec.task)
    orders = Orders(pipe)
    teller = _Teller(pipe)
    redact = Redaction()
    try:
        worker = read_worker_config(spec.worker_config)
        redact = worker.references.redact
        redact_logs(redact)
        use_plugin_path(worker.plugin_path)
        connector = read_connector_config(spec.connector_config, worker.references)
        redact = connector.redact
        redact_logs(redact)
        _deliver(spec, worker, connector, teller, orders)
    except Exception as error:
        # an error that was foreseen says what to do; where it was raised would only hide that
        log.exception("the task failed", error=str(error), exc_info=not isinstance(error, FORESEEN))
        teller.meter.error(error)
        teller.report()
        teller.send(Failed(redact(f"{error}\n\n{traceback.format_exc()}")))
        return 1
    teller.report()
    return 0


class _Teller:
    """Tells the worker what the task has to say, and once a second how it stands."""

    def __init__(self, pipe: Connection) -> None:
        self.meter = Meter()
        self._pipe = pipe
        self._sending = threading.Lock()
        threading.Thread(target=self._keep_reporting, name="report", daemon=True).start()

    def send(self, message: object) -> None:
        """Tell the worker something; any thread may."""
        with self._sending:
            self._pipe.send(message)

    def report(self) -> None:
        """Tell the worker how the task stands."""
        self.send(self.meter.report())

    def _keep_reporting(self) -> None:
        while True:
            time.sleep(REPORT_SECONDS)
            try:
                self.report()
            except OSError:
                return  # the worker is gone


def _deliver(spec: TaskSpec, worker: WorkerConfig, connector: ConnectorConfig, teller: _Teller, orders: Orders) -> None:
    store = SqliteTaskStore(spec.state_file, spec.connector, spec.task, spec.epoch)
    try:
        pipeline = build_pipeline(
            worker,
            connector,
            spec.task,
            store,
            teller.meter,
            on_running=lambda: teller.send(Running()),
            on_waiting=lambda reason: teller.send(Waiting(connector.redact(reason))),
            stopping=orders.stop.is_set,
            topics_reset=orders.reset_topics,
        )
        pipeline.run(worker.graceful_seconds * DRAIN_SHARE)
    finally:
        store.close()
