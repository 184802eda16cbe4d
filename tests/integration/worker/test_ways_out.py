"""A log that can't be followed, or is not there any more, stops the task, and what its error advises mends it."""

import pytest
from sqlalchemy import text

from tests.mysql_log import purge_log
from tests.worker_process import wait_until


@pytest.mark.parametrize("row_metadata", ["MINIMAL"], indirect=True)
def test_a_stop_at_a_changed_table_is_mended_as_its_error_says(
    row_metadata, worker, config, items, names, mysql_engine
):
    worker.create("items", {**config, "snapshot.mode": "initial"})
    items("before")
    wait_until("the row's event", lambda: names() == ["before"])
    with mysql_engine.begin() as connection:
        connection.execute(text("ALTER TABLE items ADD COLUMN price INT"))
    items("after")
    wait_until("the stop", lambda: worker.task("items").get("state") == "FAILED")
    trace = worker.task("items")["trace"]
    assert "ALTER TABLE items ADD COLUMN price INT" in trace
    for path, method in (("stop", "PUT"), ("offsets", "DELETE"), ("resume", "PUT")):
        assert f"{method} /connectors/NAME/{path}" in trace
        assert worker.request(method, f"/connectors/items/{path}").is_success
    wait_until("the snapshot's events", lambda: names() == ["before", "before", "after"])
    items("later")
    wait_until("the row's event", lambda: names() == ["before", "before", "after", "later"])


@pytest.mark.parametrize("row_metadata", ["MINIMAL"], indirect=True)
def test_a_changed_table_is_mended_by_itself_when_needed(row_metadata, worker, config, items, names, mysql_engine):
    logged = len(worker.log_entries())
    worker.create("items", {**config, "snapshot.mode": "when_needed"})
    items("before")
    wait_until("the row's event", lambda: names() == ["before"])
    with mysql_engine.begin() as connection:
        connection.execute(text("ALTER TABLE items ADD COLUMN price INT"))
    items("after")
    wait_until("the snapshot's events", lambda: names() == ["before", "before", "after"])
    items("later")
    wait_until("the row's event", lambda: names() == ["before", "before", "after", "later"])
    assert worker.task("items")["state"] == "RUNNING"
    (told,) = [line for line in worker.log_entries()[logged:] if line["event"] == "a new snapshot is needed"]
    assert "ALTER TABLE items ADD COLUMN price INT" in told["because"]
    worker.request("POST", "/connectors/items/restart?includeTasks=true")
    worker.wait_running("items")
    items("last")
    wait_until("only the new row's event", lambda: names()[4:] == ["last"])


def lose_the_log(worker, config, items, names, engine):
    """A connector that was stopped, and has an offset in a log that is purged then."""
    worker.create("items", config)
    items("before")
    wait_until("the row's event", lambda: names() == ["before"])
    worker.request("PUT", "/connectors/items/stop")
    items("meanwhile")
    with engine.connect() as connection:

        def run(statement):
            answer = connection.execute(text(statement))
            return answer.all() if answer.returns_rows else ()

        purge_log(run)


def test_a_purged_log_stops_the_task_and_is_mended_as_its_error_says(worker, config, items, names, mysql_engine):
    lose_the_log(worker, {**config, "snapshot.mode": "initial"}, items, names, mysql_engine)
    worker.request("PUT", "/connectors/items/resume")
    trace = worker.wait_for_state("items", "FAILED")["trace"]
    assert "purged" in trace
    assert "snapshot.mode=when_needed" in trace
    for path, method in (("stop", "PUT"), ("offsets", "DELETE"), ("resume", "PUT")):
        assert f"{method} /connectors/NAME/{path}" in trace
        assert worker.request(method, f"/connectors/items/{path}").is_success
    wait_until("the snapshot's events", lambda: names() == ["before", "before", "meanwhile"])


def test_a_purged_log_is_mended_by_itself_when_needed(worker, config, items, names, mysql_engine):
    logged = len(worker.log_entries())
    lose_the_log(worker, {**config, "snapshot.mode": "when_needed"}, items, names, mysql_engine)
    worker.request("PUT", "/connectors/items/resume")
    wait_until("the snapshot's events", lambda: names() == ["before", "before", "meanwhile"])
    worker.wait_running("items")
    items("later")
    wait_until("the row's event", lambda: names() == ["before", "before", "meanwhile", "later"])
    (told,) = [line for line in worker.log_entries()[logged:] if line["event"] == "a new snapshot is needed"]
    assert "purged" in told["because"]
    worker.request("POST", "/connectors/items/restart?includeTasks=true")
    worker.wait_running("items")
    items("last")
    wait_until("only the new row's event", lambda: names()[4:] == ["last"])
