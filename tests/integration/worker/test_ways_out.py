"""A statement that MINIMAL metadata can't follow stops the task, and what its error advises mends it."""

import pytest
from sqlalchemy import text

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
