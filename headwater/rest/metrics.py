"""``GET /metrics``: how the worker and its tasks stand, in Prometheus' text format."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from http import HTTPStatus

from prometheus_client import PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from starlette.requests import Request
from starlette.responses import Response

from headwater import __version__
from headwater.rest import schemas
from headwater.rest.metric_families import FAMILIES, Kind
from headwater.rest.operations import Operations
from headwater.rest.requests import worker_of
from headwater.source import SnapshotProgress
from headwater.store import State, Status
from headwater.worker.kernel import ProcessUsage, child_processes, process_usage
from headwater.worker.task_record import TaskRecord
from headwater.worker.worker import Worker

Usage = Mapping[int, ProcessUsage]
"""What processes take, by their numbers; without those that have ended."""

_OPERATIONS = {"c": "create", "u": "update", "d": "delete", "r": "read"}
_ERROR_KINDS = ("source", "conversion", "sink", "process", "other")
_STATES = (State.UNASSIGNED, State.RUNNING, State.PAUSED, State.STOPPED, State.FAILED, State.RESTARTING)


OPERATIONS = Operations("Worker")


@OPERATIONS(
    "GET",
    "/metrics",
    "Show metrics of the worker and its tasks in Prometheus' text format",
    {HTTPStatus.OK: schemas.STRING},
    media_type=CONTENT_TYPE_PLAIN_0_0_4,
)
async def scrape(request: Request) -> Response:
    worker = worker_of(request)
    processes = {process for name in worker.connectors() if (process := worker.task_record(name).process)}
    # Not on the event loop: the kernel walks through all pages of a process to tell what it takes.
    usage = await asyncio.to_thread(_usage, processes)
    return Response(generate_latest(_Scrape(worker, usage)), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _usage(tasks: set[int]) -> Usage:
    """What the tasks' processes take, and the worker's own, with its helpers."""
    own = os.getpid()
    found = ((process, process_usage(process)) for process in {own, *child_processes(own), *tasks})
    return {process: usage for process, usage in found if usage is not None}


class _Scrape:
    """One scrape's samples; `prometheus_client.registry.Collector`."""

    def __init__(self, worker: Worker, usage: Usage) -> None:
        self._metrics: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        self._labels: dict[str, tuple[str, ...]] = {}
        for family in FAMILIES:
            make = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
            self._metrics[family.name] = make(family.name, family.doc, labels=family.all_labels)
            self._labels[family.name] = family.all_labels
        self._add_worker(worker, usage)
        for name in worker.connectors():
            self._add_connector(name, worker, usage)

    def collect(self) -> Iterator[Metric]:
        """Every family that has samples, and what the client library tells of this process."""
        yield from (metric for metric in self._metrics.values() if metric.samples)
        yield from ProcessCollector(registry=None).collect()
        yield from PlatformCollector(registry=None).collect()

    def _add(self, name: str, value: float | None, **labels: str) -> None:
        """A sample, unless there is nothing to tell."""
        if value is not None:
            self._metrics[name].add_metric([labels[label] for label in self._labels[name]], value)

    def _add_worker(self, worker: Worker, usage: Usage) -> None:
        statuses = [status for name in worker.connectors() for status in worker.statuses(name)]
        states = Counter(status.state for status in statuses if status.task is not None)
        self._add("headwater_build_info", 1, version=__version__)
        self._add("headwater_connectors", len(worker.connectors()))
        for state in _STATES:
            self._add("headwater_tasks", states[state], state=state)
        own = os.getpid()
        helpers = [usage[process] for process in child_processes(own) if process in usage]
        for process, parts in (("worker", [usage[own]] if own in usage else []), ("helpers", helpers)):
            resident, proportional = (sum(p.resident_bytes for p in parts), sum(p.proportional_bytes for p in parts))
            self._add("headwater_process_resident_memory_bytes", resident, process=process)
            self._add("headwater_process_proportional_memory_bytes", proportional, process=process)

    def _add_connector(self, name: str, worker: Worker, usage: Usage) -> None:
        for status in worker.statuses(name):
            if status.task is None:
                for state in _STATES:
                    self._add("headwater_connector_state", status.state is state, connector=name, state=state)
            else:
                self._add_task(status, worker.task_record(name), usage)

    def _add_task(self, status: Status, record: TaskRecord, usage: Usage) -> None:
        task = {"connector": status.connector, "task": str(status.task)}
        report, source, now = record.report, record.report.source, time.time()

        def add(name: str, value: float | None, **labels: str) -> None:
            self._add(f"headwater_task_{name}", value, **task, **labels)

        for state in _STATES:
            add("state", status.state is state, state=state)
        add("starts_total", record.starts)
        records = Counter(dict.fromkeys((*_OPERATIONS.values(), "other"), 0))
        for operation, count in report.records.items():
            records[_OPERATIONS.get(operation, "other")] += count
        for operation, count in records.items():
            add("records_sent_total", count, operation=operation)
        add("source_bytes_read_total", report.bytes_read)
        add("offset_commits_total", report.commits)
        add("offset_commit_timestamp_seconds", report.committed_at)
        add("retries_total", report.retries)
        add("records_dropped_total", report.dropped)
        add("dead_letters_total", report.dead_letters)
        add("values_nulled_total", report.nulled)
        for kind in _ERROR_KINDS:
            add("errors_total", report.errors.get(kind, 0), kind=kind)
        if report.last_error is not None:
            add("last_error_timestamp_seconds", report.last_error.time)
            add("last_error_info", 1, error=report.last_error.name)
        if source is not None:
            add("source_position", source.position, log=source.log)
            if source.snapshot is not None:
                for what, value in _snapshot(source.snapshot, now).items():
                    add(f"snapshot_{what}", value)
        if record.process is not None:
            add("start_time_seconds", record.started)
            add("lag_seconds", report.lag_seconds)
            add("unacknowledged_records", report.unacknowledged)
            if (taken := usage.get(record.process)) is not None:
                add("resident_memory_bytes", taken.resident_bytes)
                add("proportional_memory_bytes", taken.proportional_bytes)
                add("cpu_seconds_total", taken.cpu_seconds)


def _snapshot(progress: SnapshotProgress, now: float) -> dict[str, float]:
    return {
        "running": progress.ended is None,
        "completed": progress.ended is not None,
        "tables": progress.tables,
        "tables_remaining": progress.tables - progress.tables_done,
        "rows": progress.rows,
        "duration_seconds": (progress.ended or now) - progress.started,
    }
