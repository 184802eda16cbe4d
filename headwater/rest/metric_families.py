"""The metrics there are: name, meaning, and what they answer to in Kafka Connect's and Debezium's JMX.

What a scrape gives and what the reference page says both come from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Prometheus' types of metrics."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric. ``labels`` come behind ``connector`` and ``task`` where ``of_task`` says that it is a task's."""

    name: str
    kind: Kind
    doc: str
    labels: tuple[str, ...] = ()
    jmx: str = ""
    of_task: bool = True

    @property
    def all_labels(self) -> tuple[str, ...]:
        """The names of its labels."""
        return ("connector", "task", *self.labels) if self.of_task else self.labels


def _counter(name: str, doc: str, *labels: str, jmx: str = "") -> Family:
    return Family(f"headwater_task_{name}_total", Kind.COUNTER, doc, labels, jmx)


def _gauge(name: str, doc: str, *labels: str, jmx: str = "") -> Family:
    return Family(f"headwater_task_{name}", Kind.GAUGE, doc, labels, jmx)


def _worker(name: str, doc: str, *labels: str, jmx: str = "") -> Family:
    return Family(f"headwater_{name}", Kind.GAUGE, doc, labels, jmx, of_task=False)


WORKER_FAMILIES = (
    _worker("build_info", "The version that runs; always 1.", "version"),
    _worker("connectors", "Connectors of this worker.", jmx="connector-count"),
    _worker("tasks", "Tasks of this worker in each state.", "state", jmx="task-count, connector-…-task-count"),
    _worker(
        "connector_state",
        "1 for the state that the connector is in, 0 for every other.",
        "connector",
        "state",
        jmx="connector-metrics status",
    ),
    _worker(
        "process_resident_memory_bytes",
        "Memory in use by the worker and by its helpers (the process that tasks are forked from), RSS.",
        "process",
    ),
    _worker(
        "process_proportional_memory_bytes",
        "The same, each shared page in equal parts among the processes that share it (PSS): these can be added up.",
        "process",
    ),
)

TASK_FAMILIES = (
    _gauge(
        "state", "1 for the state that the task is in, 0 for every other.", "state", jmx="connector-task-metrics status"
    ),
    _counter("starts", "Processes started for the task."),
    _gauge("start_time_seconds", "When the task's process was started, in Unix time."),
    _counter(
        "records_sent",
        "Messages given to the sink, tombstones too, by what happened to the row: create, update, delete, read (in a"
        " snapshot); other for what is no row.",
        "operation",
        jmx="source-record-write-total; TotalNumberOfEventsSeen, NumberOfCreateEventsSeen, …",
    ),
    _counter("source_bytes_read", "Bytes of the database's log that were read, also of what is not captured."),
    _gauge(
        "lag_seconds",
        "Time between the commit of the change handled last and its being handled; 0 once the log is read to its end."
        " It grows while the sink takes nothing. Absent while no task runs or a snapshot is read. It needs clocks that"
        " agree; MySQL tells whole seconds where it has no GTIDs.",
        jmx="MilliSecondsBehindSource",
    ),
    _gauge(
        "unacknowledged_records",
        "Messages given to the sink that it has not acknowledged yet.",
        jmx="source-record-active-count; QueueTotalCapacity − QueueRemainingCapacity",
    ),
    _gauge(
        "source_position",
        "How far the log is read: the position in the file (log) for MySQL.",
        "log",
        jmx="BinlogFilename, BinlogPosition",
    ),
    _counter("offset_commits", "Offsets stored.", jmx="offset-commit-success-percentage"),
    _gauge("offset_commit_timestamp_seconds", "When an offset was stored last, in Unix time."),
    _counter(
        "retries",
        "How often the task began anew from its offset after an error that may pass.",
        jmx="total-retries; NumberOfDisconnects",
    ),
    _counter(
        "errors",
        "Errors, retried ones too: kind is source, conversion, sink, process (it died) or other.",
        "kind",
        jmx="total-record-errors, total-record-failures",
    ),
    _counter(
        "records_dropped",
        "Messages that could not be made and went nowhere (errors.tolerance=all).",
        jmx="total-records-skipped; NumberOfErroneousEvents",
    ),
    _counter(
        "dead_letters", "Messages that went to the dead letter topic instead.", jmx="deadletterqueue-produce-requests"
    ),
    _counter(
        "values_nulled",
        "Values that could not be read and are null in their events (event.converting.failure.handling.mode).",
    ),
    _gauge("last_error_timestamp_seconds", "When the last error was met, in Unix time.", jmx="last-error-timestamp"),
    _gauge("last_error_info", "The class of the last error; always 1. Its text is in the task's status.", "error"),
    _gauge("snapshot_running", "1 while the task reads a snapshot.", jmx="SnapshotRunning"),
    _gauge("snapshot_completed", "1 once it has read it to the end.", jmx="SnapshotCompleted"),
    _gauge("snapshot_tables", "Tables whose rows belong to the snapshot.", jmx="TotalTableCount"),
    _gauge("snapshot_tables_remaining", "Those that are not read to the end yet.", jmx="RemainingTableCount"),
    _gauge("snapshot_rows", "Rows read of it.", jmx="RowsScanned"),
    _gauge("snapshot_duration_seconds", "How long it took, or takes until now.", jmx="SnapshotDurationInSeconds"),
    _gauge("resident_memory_bytes", "Memory in use by the task's process (RSS)."),
    _gauge("proportional_memory_bytes", "The same, with its part of what it shares with others (PSS)."),
    _counter("cpu_seconds", "CPU time of the task's process."),
)

FAMILIES = WORKER_FAMILIES + TASK_FAMILIES
