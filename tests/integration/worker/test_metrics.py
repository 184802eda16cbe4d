"""``GET /metrics`` of a worker whose connector delivers, fails, dies and is stopped."""

import os
import signal
from dataclasses import dataclass

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from headwater.rest.metric_families import FAMILIES, TASK_FAMILIES
from tests.worker_process import wait_until

OF_PROMETHEUS = ("process_", "python_")


@dataclass
class Metrics:
    """A worker's metrics, asked for anew each time."""

    worker: object

    def samples(self):
        """Every sample by name: [(labels, value)]."""
        answer = self.worker.request("GET", "/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        found = {}
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                found.setdefault(sample.name, []).append((sample.labels, sample.value))
        return found

    def value(self, name, **labels):
        """The only sample that has these labels among its own; None where there is none."""
        values = [value for own, value in self.samples().get(name, ()) if labels.items() <= own.items()]
        assert len(values) <= 1, (name, values)
        return values[0] if values else None

    def task(self, name, connector="items", **labels):
        return self.value(f"headwater_task_{name}", connector=connector, task="0", **labels)

    def sent(self, **labels):
        return sum(
            value
            for own, value in self.samples()["headwater_task_records_sent_total"]
            if labels.items() <= own.items() and own["connector"] == "items"
        )


@pytest.fixture
def metrics(worker):
    return Metrics(worker)


def test_a_worker_without_connectors_has_metrics_of_itself(metrics):
    samples = metrics.samples()
    assert metrics.value("headwater_connectors") == 0
    assert {value for _, value in samples["headwater_tasks"]} == {0}
    assert metrics.value("headwater_process_proportional_memory_bytes", process="worker") > 2**20
    assert metrics.value("headwater_process_proportional_memory_bytes", process="helpers") > 2**20
    assert samples["process_start_time_seconds"]


def test_every_metric_is_declared_with_its_labels_and_served(metrics, worker, config, items, mysql_engine):
    items("in the snapshot")
    worker.create("items", {**config, "snapshot.mode": "initial"})
    wait_until("the snapshot's record", lambda: metrics.sent(operation="read") == 1)
    kill_task(worker)
    wait_until("its death to be counted", lambda: metrics.task("errors_total", kind="process"))
    wait_until("the log's end", lambda: metrics.task("lag_seconds") == 0)
    served = metrics.samples()
    declared = {family.name: set(family.all_labels) for family in FAMILIES}
    of_snapshot = {name for name in declared if "_snapshot_" in name}  # told by the process that took it
    assert {name for name in served if not name.startswith(OF_PROMETHEUS)} >= declared.keys() - of_snapshot
    for name, samples in served.items():
        if not name.startswith(OF_PROMETHEUS):
            assert all(set(labels) == declared[name] for labels, _ in samples), name


def test_what_a_task_delivers_is_counted_by_operation(metrics, worker, config, items, mysql_engine):
    worker.create("items", config)
    before = metrics.task("source_position")
    items("a")
    items("b")
    with mysql_engine.begin() as connection:
        connection.execute(text("UPDATE items SET name = 'c' WHERE id = 1"))
        connection.execute(text("DELETE FROM items WHERE id = 2"))
    wait_until("the delete and its tombstone", lambda: metrics.sent(operation="delete") == 2)
    assert (metrics.sent(operation="create"), metrics.sent(operation="update")) == (2, 1)
    assert metrics.task("records_sent_total", operation="read") == 0
    wait_until("a new position", lambda: metrics.task("source_position") > (before or 0))
    wait_until("the offset", lambda: metrics.task("unacknowledged_records") == 0)
    wait_until("the end of the log", lambda: metrics.task("lag_seconds") == 0)
    assert metrics.task("offset_commits_total") >= 1
    assert metrics.task("source_bytes_read_total") > 100
    assert metrics.task("state", state="RUNNING") == 1
    assert metrics.task("state", state="FAILED") == 0
    assert metrics.task("proportional_memory_bytes") > 2**20
    assert metrics.task("errors_total", kind="source") == 0


def test_how_far_a_snapshot_is(metrics, worker, config, items):
    for name in "abc":
        items(name)
    worker.create("items", {**config, "snapshot.mode": "initial"})
    wait_until("the snapshot", lambda: metrics.task("snapshot_completed") == 1)
    assert metrics.task("snapshot_running") == 0
    assert (metrics.task("snapshot_tables"), metrics.task("snapshot_tables_remaining")) == (1, 0)
    assert metrics.task("snapshot_rows") == 3
    assert metrics.task("snapshot_duration_seconds") >= 0
    wait_until("its records", lambda: metrics.sent(operation="read") == 3)


def test_counts_go_on_in_the_next_process(metrics, worker, config, items):
    worker.create("items", config)
    items("before")
    wait_until("the record", lambda: metrics.sent() == 1)
    kill_task(worker)
    wait_until("its death", lambda: metrics.task("errors_total", kind="process") == 1)
    assert metrics.task("last_error_info", error="ProcessDied") == 1
    worker.wait_running("items")
    items("after")
    wait_until("the record", lambda: metrics.sent() >= 2)
    assert metrics.task("starts_total") == 2


def test_a_task_that_failed_tells_of_the_error_without_its_text(metrics, worker, config):
    worker.request("POST", "/connectors", {"name": "items", "config": {**config, "database.password": "hunter2"}})
    worker.wait_for_state("items", "FAILED")
    assert metrics.task("state", state="FAILED") == 1
    assert metrics.task("errors_total", kind="source") == 1
    assert metrics.task("last_error_info", error="SourceError") == 1
    assert metrics.value("headwater_tasks", state="FAILED") == 1
    for gone in ("lag_seconds", "unacknowledged_records", "resident_memory_bytes"):
        assert metrics.task(gone) is None
    page = worker.request("GET", "/metrics").text
    assert "hunter2" not in page
    assert "denied" not in page


def test_a_deleted_connector_has_no_metrics(metrics, worker, config):
    worker.create("items", config)
    worker.request("DELETE", "/connectors/items")
    assert not {name for name in metrics.samples() if name in {family.name for family in TASK_FAMILIES}}


def test_a_name_may_hold_what_the_format_escapes(metrics, worker, config):
    name = 'a"b\\c{d}\u20ac'
    worker.request("POST", "/connectors", {"name": name, "config": config, "initial_state": "PAUSED"})
    assert metrics.value("headwater_connector_state", connector=name, state="PAUSED") == 1


@pytest.mark.parametrize("accept", ["text/plain;version=abc", "application/openmetrics-text;=;version=1..0", "x"])
def test_what_a_scraper_says_it_takes_does_no_harm(worker, accept):
    assert worker.request("GET", "/metrics", Accept=accept).status_code == 200


def kill_task(worker):
    (process,) = worker.task_processes()
    os.kill(process, signal.SIGKILL)
