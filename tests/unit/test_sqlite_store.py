"""The state file, as the worker and its tasks use it."""

import os
import sqlite3
import stat
import subprocess
import sys

import pytest

from headwater.store import StaleEpochError, State, Status, TargetState
from headwater.stores.sqlite import _MIGRATIONS, SqliteStore, SqliteTaskStore, StateFileError, connector_classes

PARTITION = {"server": "shop"}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "state" / "state.db"


@pytest.fixture
def store(file):
    store = SqliteStore(file)
    yield store
    store.close()


def test_configurations_keep_their_order_and_survive_a_restart(file):
    config = {"topic.prefix": "shop", "connector.class": "mysql", "name": "orders"}
    first = SqliteStore(file)
    first.put_connector("orders", config)
    first.close()
    second = SqliteStore(file)
    assert list(second.connectors()["orders"].items()) == list(config.items())
    assert second.delete_connector("orders") is True
    assert second.delete_connector("orders") is False
    assert second.connectors() == {}
    second.close()


def test_statuses_list_the_connector_first(store):
    task = Status("orders", 0, State.FAILED, "worker", "why")
    connector = Status("orders", None, State.RUNNING, "worker")
    for status in (task, connector, Status("other", None, State.RUNNING, "worker")):
        store.put_status(status)
    assert store.statuses("orders") == [connector, task]
    store.put_status(Status("orders", 0, State.RUNNING, "worker"))
    assert store.statuses("orders") == [connector, Status("orders", 0, State.RUNNING, "worker")]
    store.delete_task_statuses("orders")
    assert store.statuses("orders") == [connector]
    store.delete_connector("orders")
    assert store.statuses("orders") == []


def test_a_target_state_outlives_a_new_configuration_and_a_restart_but_not_the_connector(file):
    first = SqliteStore(file)
    first.put_connector("orders", {})
    first.put_connector("users", {}, TargetState.STOPPED)
    assert first.target_states() == {"orders": TargetState.STARTED, "users": TargetState.STOPPED}
    first.put_target_state("orders", TargetState.PAUSED)
    first.put_connector("orders", {"a": "b"})
    first.close()
    second = SqliteStore(file)
    assert second.connectors() == {"orders": {"a": "b"}, "users": {}}
    assert second.target_states() == {"orders": TargetState.PAUSED, "users": TargetState.STOPPED}
    second.delete_connector("orders")
    second.put_connector("orders", {})
    assert second.target_states()["orders"] is TargetState.STARTED
    second.close()


def test_connectors_of_a_file_from_before_target_states_are_started(file):
    file.parent.mkdir()
    with sqlite3.connect(file) as database:
        database.executescript(f"{_MIGRATIONS[0]}; PRAGMA user_version = 1")
        database.execute("INSERT INTO connectors VALUES ('orders', '{}')")
    database.close()
    store = SqliteStore(file)
    assert store.connectors() == {"orders": {}}
    assert store.target_states() == {"orders": TargetState.STARTED}
    store.close()


def test_offsets_and_history_are_stored_together_and_outlive_the_connector(file, store):
    store.put_connector("orders", {})
    task = SqliteTaskStore(file, "orders", 0, store.begin_epoch("orders", 0))
    assert task.offset(PARTITION) is None
    task.commit(PARTITION, {"file": "binlog.000001", "pos": 4}, [{"table": "a"}, {"table": "b"}])
    task.commit(PARTITION, {"file": "binlog.000001", "pos": 157}, [{"table": "c"}])
    task.close()
    store.delete_connector("orders")
    again = SqliteTaskStore(file, "orders", 0, store.begin_epoch("orders", 0))
    assert again.offset(PARTITION) == {"file": "binlog.000001", "pos": 157}
    assert again.history() == [{"table": "a"}, {"table": "b"}, {"table": "c"}]
    assert store.offsets("orders") == [(PARTITION, {"file": "binlog.000001", "pos": 157})]
    assert store.offsets("users") == []
    again.close()


def test_offsets_are_replaced_and_removed(store):
    store.put_offsets("orders", [({"server": "a"}, {"pos": 1}), ({"server": "b"}, {"pos": 2})])
    store.put_offsets("users", [({"server": "a"}, {"pos": 3})])
    store.put_offsets("orders", [({"server": "a"}, None), ({"server": "b"}, {"pos": 4}), ({"server": "c"}, None)])
    assert store.offsets("orders") == [({"server": "b"}, {"pos": 4})]
    assert store.offsets("users") == [({"server": "a"}, {"pos": 3})]


def test_topics_outlive_the_task_but_not_the_connector(file, store):
    task = SqliteTaskStore(file, "orders", 0, store.begin_epoch("orders", 0))
    task.commit(PARTITION, {"pos": 1}, topics={"shop.b", "shop.a"})
    task.commit(PARTITION, {"pos": 2}, topics=["shop.b", "shop.c"])
    task.close()
    assert store.topics("orders") == ["shop.a", "shop.b", "shop.c"]
    assert store.topics("users") == []
    store.delete_topics("users")
    store.delete_connector("orders")
    assert store.topics("orders") == []


def test_a_partition_is_the_same_in_any_order(file, store):
    task = SqliteTaskStore(file, "orders", 0, store.begin_epoch("orders", 0))
    task.commit({"server": "shop", "database": "a"}, {"pos": 1})
    assert task.offset({"database": "a", "server": "shop"}) == {"pos": 1}
    assert task.offset({"database": "b", "server": "shop"}) is None
    task.close()


def test_connectors_do_not_see_each_other(file, store):
    orders = SqliteTaskStore(file, "orders", 0, store.begin_epoch("orders", 0))
    users = SqliteTaskStore(file, "users", 0, store.begin_epoch("users", 0))
    orders.commit(PARTITION, {"pos": 1}, [{"table": "orders"}])
    assert users.offset(PARTITION) is None
    assert users.history() == []
    orders.close()
    users.close()


@pytest.mark.parametrize("ending", ["started again", "deleted", "offsets changed"])
def test_a_task_whose_epoch_is_over_writes_nothing(file, store, ending):
    zombie = SqliteTaskStore(file, "orders", 0, store.begin_epoch("orders", 0))
    zombie.commit(PARTITION, {"pos": 1})
    if ending == "started again":
        store.begin_epoch("orders", 0)
    elif ending == "deleted":
        store.delete_connector("orders")
    else:
        store.put_offsets("orders", [])
    with pytest.raises(StaleEpochError, match=r"Task 0 of connector orders"):
        zombie.commit(PARTITION, {"pos": 2}, [{"table": "a"}], ["shop.a"])
    assert zombie.offset(PARTITION) == {"pos": 1}
    assert zombie.history() == []
    assert store.topics("orders") == []
    zombie.close()


def test_only_the_owner_can_read_the_files(file, store):
    store.put_connector("orders", {"database.password": "secret"})
    SqliteTaskStore(file, "orders", 0, store.begin_epoch("orders", 0)).close()
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()} == dict.fromkeys(
        ["state.db", "state.db-wal", "state.db-shm", "state.db.lock", "state.db.tasks"], 0o600
    )


def test_a_file_that_others_can_read_is_closed_to_them(tmp_path):
    file = tmp_path / "state.db"
    SqliteStore(file).close()
    file.chmod(0o644)
    SqliteStore(file).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_second_worker_is_told_who_holds_the_file(file, store):
    with pytest.raises(StateFileError, match=rf"{file} is in use by another worker \(process {os.getpid()}\)"):
        SqliteStore(file)


def test_what_is_no_state_file_is_left_alone(tmp_path):
    file = tmp_path / "connect.offsets"
    content = b"\xac\xed\x00\x05 a file of another kind" * 100
    file.write_bytes(content)
    with pytest.raises(StateFileError, match=r"connect.offsets can't be used to keep state"):
        SqliteStore(file)
    assert file.read_bytes() == content


def test_a_newer_file_is_refused(tmp_path):
    file = tmp_path / "state.db"
    SqliteStore(file).close()
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA user_version = 1000")
    database.close()
    with pytest.raises(StateFileError, match=r"newer Headwater"):
        SqliteStore(file)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "blocked").write_text("a file, no folder")
    with pytest.raises(StateFileError, match=r"offset.storage.file.filename"):
        SqliteStore(tmp_path / "blocked" / "state.db")


def test_waits_until_no_task_of_an_earlier_worker_runs(file, store):
    epoch = store.begin_epoch("orders", 0)
    hold = (
        "import sys; from pathlib import Path; from headwater.stores.sqlite import SqliteTaskStore;"
        f"store = SqliteTaskStore(Path({str(file)!r}), 'orders', 0, {epoch}); print(flush=True); sys.stdin.read()"
    )
    survivor = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with survivor:
        survivor.stdout.readline()
        assert store.wait_for_survivors(0.1) is False
        survivor.kill()
        assert store.wait_for_survivors(30) is True


def test_the_classes_of_connectors_are_known_before_the_file_is_opened_for_good(file):
    assert connector_classes(file) == []
    store = SqliteStore(file)
    store.put_connector("orders", {"connector.class": "mysql"})
    store.put_connector("users", {"connector.class": "mysql"})
    store.put_connector("carts", {"connector.class": "mongodb"})
    store.put_connector("none", {})
    assert sorted(connector_classes(file)) == ["mongodb", "mysql"]
    store.close()
    assert sorted(connector_classes(file)) == ["mongodb", "mysql"]


def test_a_damaged_file_has_no_classes_yet_opening_it_tells(file):
    file.parent.mkdir()
    file.write_bytes(b"no database" * 1000)
    assert connector_classes(file) == []
    with pytest.raises(StateFileError):
        SqliteStore(file)
