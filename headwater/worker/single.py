"""One connector in the calling process: no REST API, no process of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from headwater.config import ConfigError
from headwater.logs import redact_logs
from headwater.meter import Meter
from headwater.stores.sqlite import SqliteStore, SqliteTaskStore
from headwater.worker.assembly import build_pipeline, find_problems
from headwater.worker.connector_config import name_options, read_connector_config
from headwater.worker.option_names import log_warnings
from headwater.worker.task import DRAIN_SHARE
from headwater.worker.transforms import transform_warnings
from headwater.worker.worker_config import WorkerConfig


def run_single(
    worker: WorkerConfig,
    raw: Mapping[str, str],
    *,
    stopping: Callable[[], bool],
    on_running: Callable[[], None] = lambda: None,
) -> None:
    """Deliver until ``stopping`` says so; ``on_running`` is called when changes are captured.

    Raises `ConfigError`, `headwater.stores.sqlite.StateFileError`, and what ends a task
    (`headwater.worker.task.FORESEEN`).
    """
    log_warnings([*name_options(raw, worker.references).warnings, *transform_warnings(raw)])
    connector = read_connector_config(raw, worker.references)
    redact_logs(connector.redact)
    if problems := find_problems(worker, connector.values):
        raise ConfigError(connector.redact.of_problems(problems))
    store = SqliteStore(worker.state_file)
    try:
        task_store = SqliteTaskStore(worker.state_file, connector.name, 0, store.begin_epoch(connector.name, 0))
        try:
            pipeline = build_pipeline(
                worker,
                connector,
                0,
                task_store,
                Meter(),
                on_running=on_running,
                on_waiting=lambda _reason: None,  # the log tells of it
                stopping=stopping,
                topics_reset=threading.Event(),
            )
            pipeline.run(worker.graceful_seconds * DRAIN_SHARE)
        finally:
            task_store.close()
    finally:
        store.close()
