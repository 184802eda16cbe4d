"""One connector in the calling process: no REST API, no process of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import structlog

from headwater.config import ConfigError
from headwater.logs import redact_logs
from headwater.meter import Meter
from headwater.stores.sqlite import SqliteStore, SqliteTaskStore
from headwater.worker.assembly import build_pipeline
from headwater.worker.connector_config import read_connector_config
from headwater.worker.task import DRAIN_SHARE
from headwater.worker.validation import validate
from headwater.worker.worker_config import WorkerConfig

log = structlog.get_logger(__name__)


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
    found = validate(worker, raw)
    for warning in found.warnings:
        log.warning(warning.message, option=warning.option)
    if found.problems:
        raise ConfigError(found.problems)
    connector = read_connector_config(raw, worker.references)
    redact_logs(connector.redact)
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
