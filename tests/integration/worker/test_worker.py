"""A worker with its REST API on real servers: connectors' lives from POST to DELETE, through crashes and stops."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.worker_process import WorkerProcess, wait_until


def post(worker, config, name="items"):
    return worker.request("POST", "/connectors", {"name": name, "config": config})


def test_a_connector_from_its_creation_to_its_end(worker, config, items, names):
    assert worker.request("GET", "/connectors/").json() == []
    created = post(worker, config)
    shown = {**config, "database.password": "[hidden]", "name": "items"}
    assert created.status_code == 201
    assert created.headers["location"] == f"{worker.url}/connectors/items"
    tasks = [{"connector": "items", "task": 0}]
    assert created.json() == {"name": "items", "config": shown, "tasks": tasks, "type": "source"}
    assert list(created.json()["config"]) == list(shown)

    worker.wait_running("items")
    items("first")
    wait_until("the row's event", lambda: names() == ["first"])

    assert worker.request("GET", "/connectors").json() == ["items"]
    assert worker.request("GET", "/connectors/items").json() == {
        "name": "items",
        "config": shown,
        "tasks": [{"connector": "items", "task": 0}],
        "type": "source",
    }
    assert worker.request("GET", "/connectors/items/config").json() == shown
    task = worker.task("items")
    status = worker.request("GET", "/connectors/items/status/").json()
    assert status["connector"] == {key: task[key] for key in ("state", "worker_id", "version")}
    assert status == {"name": "items", "connector": status["connector"], "tasks": [task], "type": "source"}

    assert post(worker, config).json() == {"error_code": 409, "message": "Connector items already exists"}
    deleted = worker.request("DELETE", "/connectors/items")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert worker.task_processes() == []
    assert worker.request("GET", "/connectors").json() == []
    assert worker.request("GET", "/connectors/items").json() == {
        "error_code": 404,
        "message": "Connector items not found",
    }
    assert worker.request("GET", "/connectors/items/status").json() == {
        "error_code": 404,
        "message": "No status found for connector items",
    }


def test_the_root_names_the_version_and_the_real_cluster(worker):
    root = worker.request("GET", "/").json()
    assert root["version"].startswith("4.")
    assert root["kafka_cluster_id"]


def test_a_stop_delivers_and_a_start_goes_on_from_there(own_worker, config, items, names):
    post(own_worker, config)
    own_worker.wait_running("items")
    items("before the stop")
    wait_until("the row's event", names)
    assert own_worker.stop() == 0
    items("while stopped")
    own_worker.start()
    own_worker.wait_running("items")
    items("after the start")
    wait_until("the last row's event", lambda: "after the start" in names())
    assert names() == ["before the stop", "while stopped", "after the start"]


def test_a_deleted_connector_that_is_made_again_goes_on_from_its_offset(worker, config, items, names):
    post(worker, config)
    worker.wait_running("items")
    worker.request("DELETE", "/connectors/items")
    items("in between")
    post(worker, config)
    wait_until("the row's event", lambda: names() == ["in between"])


@pytest.mark.parametrize(
    ("victim", "reason"),
    [
        (WorkerProcess.task_processes, "The task's process was killed by SIGKILL"),
        (WorkerProcess.fork_servers, "The process that tasks are forked from died"),
    ],
)
def test_a_task_whose_process_dies_is_started_again(worker, config, items, names, victim, reason):
    post(worker, config)
    worker.wait_running("items")
    (process,) = worker.task_processes()
    os.kill(*victim(worker), signal.SIGKILL)
    assert worker.wait_for_state("items", "RESTARTING")["trace"].startswith(reason)
    worker.wait_running("items")
    assert "trace" not in worker.task("items")
    assert worker.task_processes() != [process]
    items("after the restart")
    wait_until("the row's event", lambda: names() == ["after the restart"])


def test_only_the_client_library_of_the_database_in_use_is_loaded(own_worker, config):
    post(own_worker, config)
    own_worker.wait_running("items")
    own_worker.stop()
    own_worker.start()
    own_worker.wait_running("items")
    assert own_worker.process is not None
    processes = [own_worker.process.pid, *own_worker.fork_servers(), *own_worker.task_processes()]
    loaded = [Path(f"/proc/{process}/maps").read_text() for process in processes]
    assert len(loaded) == 3
    assert not [libraries for libraries in loaded if "_cbson" in libraries]


def test_a_worker_that_is_killed_before_it_hears_of_a_task_leaves_nothing_behind(own_worker, config):
    post(own_worker, config)
    own_worker.wait_running("items")
    (fork_server,), (task,) = own_worker.fork_servers(), own_worker.task_processes()
    os.kill(own_worker.process.pid, signal.SIGSTOP)
    os.kill(task, signal.SIGKILL)
    wait_until("the fork server has told of it", lambda: not Path(f"/proc/{task}").exists())
    own_worker.kill()
    wait_until("the fork server's end", lambda: not Path(f"/proc/{fork_server}").exists())
    assert "Traceback" not in own_worker.log.read_text()


def test_tasks_end_with_a_killed_worker_and_the_next_one_takes_over(own_worker, config, items, names):
    post(own_worker, config)
    own_worker.wait_running("items")
    (process,) = own_worker.task_processes()
    own_worker.kill()
    wait_until("the task ends", lambda: not Path(f"/proc/{process}").exists())
    items("while down")
    own_worker.start()
    wait_until("the row's event", lambda: names() == ["while down"])


def test_signals_meant_for_the_worker_do_not_end_its_tasks(worker, config):
    """Ctrl-C and service managers reach every process of a group; the worker alone decides."""
    logged = len(worker.log_entries())
    post(worker, config)
    worker.wait_running("items")
    processes = worker.task_processes()
    for process in processes:
        os.kill(process, signal.SIGINT)
        os.kill(process, signal.SIGTERM)
    worker.request("DELETE", "/connectors/items")
    states = [line["state"] for line in worker.log_entries()[logged:] if line["event"] == "task state"]
    assert states == ["UNASSIGNED", "RUNNING"]


def test_a_task_that_does_not_end_in_time_is_killed(tmp_path, kafka_bootstrap, config):
    options = {"task.shutdown.graceful.timeout.ms": "500"}
    with WorkerProcess(tmp_path, kafka_bootstrap, **options) as worker:
        post(worker, config)
        worker.wait_running("items")
        (process,) = worker.task_processes()
        os.kill(process, signal.SIGSTOP)
        assert worker.stop() == 0
        assert not Path(f"/proc/{process}").exists()


def test_a_second_signal_ends_the_worker_at_once(tmp_path, kafka_bootstrap, config):
    options = {"task.shutdown.graceful.timeout.ms": "3600000"}
    with WorkerProcess(tmp_path, kafka_bootstrap, **options) as worker:
        post(worker, config)
        worker.wait_running("items")
        (process,) = worker.task_processes()
        os.kill(process, signal.SIGSTOP)
        worker.process.send_signal(signal.SIGINT)
        wait_until("the worker to stop", lambda: worker.log_entries()[-1]["event"] == "worker is stopping")
        worker.process.send_signal(signal.SIGINT)
        assert worker.process.wait(60) == 1
        os.kill(process, signal.SIGCONT)
        wait_until("the task to end", lambda: not Path(f"/proc/{process}").exists())


def test_a_task_that_fails_says_why_and_stays_failed(worker, config):
    post(worker, {**config, "database.password": "wrong-and-secret"})
    failed = worker.wait_for_state("items", "FAILED")
    reason, _, trace = failed["trace"].partition("\n\n")
    assert "Access denied" in reason
    assert "Traceback (most recent call last)" in trace
    assert worker.task_processes() == []
    assert worker.request("DELETE", "/connectors/items").status_code == 204


def test_a_secret_is_in_the_state_file_only(own_worker, config, mysql_url):
    post(own_worker, {**config, "database.password": "wrong-and-secret", "database.pasword": "misspelt-and-secret"})
    own_worker.wait_for_state("items", "FAILED")
    own_worker.stop()
    for secret in (b"wrong-and-secret", b"misspelt-and-secret"):
        found = {path.name for path in own_worker.folder.iterdir() if secret in path.read_bytes()}
        assert found <= {"worker.db", "worker.db-wal"}
    assert stat.S_IMODE(own_worker.state_file.stat().st_mode) == 0o600


def test_passwords_are_shown_where_the_worker_says_so(tmp_path, kafka_bootstrap, config):
    with WorkerProcess(tmp_path, kafka_bootstrap, **{"rest.hide.passwords": "false"}) as worker:
        assert post(worker, config).json()["config"]["database.password"] == config["database.password"]


def test_older_and_misspelt_names_are_told_of(worker, config):
    logged = len(worker.log_entries())
    prefix = config.pop("topic.prefix")
    post(worker, {**config, "database.server.name": prefix, "Snapshot.Mode": "no_data", "table.include.lst": "x"})
    warnings = [line["event"] for line in worker.log_entries()[logged:] if line["level"] == "warning"]
    assert warnings == [
        "database.server.name is deprecated: use topic.prefix",
        "Snapshot.Mode is taken as snapshot.mode: names of options are written exactly so",
        "table.include.lst is not a known option and has no effect; did you mean table.include.list?",
    ]
    worker.wait_running("items")


def test_what_is_wrong_with_a_configuration_is_told_at_once(worker, config):
    del config["topic.prefix"]
    answer = post(
        worker,
        {
            **config,
            "database.port": "many",
            "database.password": "[hidden]",
            "transforms": "unwrap",
            "exactly.once.support": "required",
        },
    )
    assert answer.status_code == 400
    assert answer.json()["error_code"] == 400
    first, *problems, last = answer.json()["message"].splitlines()
    assert first == "Connector configuration is invalid and contains the following 5 error(s):"
    assert "`/connector-plugins/{connectorType}/config/validate`" in last
    for problem, part in zip(
        sorted(problems),
        [
            "database.port: Not a number",
            "exactly.once.support: a standalone worker",
            'Missing required configuration "topic.prefix"',
            'Missing required configuration "transforms.unwrap.type"',
            "database.password must be given",
        ],
        strict=True,
    ):
        assert part in problem
    assert worker.request("GET", "/connectors").json() == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"name": "x", "config": {}}', "contains no connector type"),
        ('{"name": "x", "config": {"connector.class": "Nope"}}', "which name matches Nope, available connectors are: "),
        ('{"name": "x", "config": {"name": "y", "connector.class": "mysql"}}', "(y) doesn't match connector name"),
        ('{"name": "x", "config": {"connector.class": ["mysql"]}}', "connector.class: the value must be a string"),
        ('{"name": "x", "config": {"connector.class": null}}', "Leave connector.class out"),
        ('{"name": "x"}', '"config" must be a JSON object'),
        ('{"name": "x", "confg": {}}', 'Unrecognized field "confg"'),
        ('{"name": "x\\ud800", "config": {}}', "not JSON"),
        ('{"name": "x", "config": {"a": NaN}}', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "must be a JSON object"),
        ("{", "not JSON"),
        ("", "not JSON"),
    ],
)
def test_bodies_that_make_no_connector_get_400(worker, body, message):
    answer = httpx.post(f"{worker.url}/connectors", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error_code"] == 400
    assert message in answer.json()["message"]


def test_requests_that_are_refused_as_kafka_connect_refuses_them(worker):
    for method, path, headers, body, status in (
        ("GET", "/nowhere", {}, None, 404),
        ("PUT", "/connectors", {}, b"{}", 405),
        ("GET", "/connectors", {"Accept": "text/html"}, None, 406),
        ("POST", "/connectors", {"Content-Type": "application/x-www-form-urlencoded"}, b"{}", 415),
        ("POST", "/connectors", {}, b"{}", 415),
    ):
        answer = httpx.request(method, worker.url + path, headers=headers, content=body)
        phrase = {404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable", 415: "Unsupported Media Type"}
        assert answer.status_code == status
        assert answer.json() == {"error_code": status, "message": f"HTTP {status} {phrase[status]}"}


def test_a_body_without_end_is_refused(worker):
    parts = (b" " * 65536 for _ in range(1000))
    answer = httpx.post(f"{worker.url}/connectors", content=parts, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["error_code"] == 413


def test_a_name_may_hold_anything_that_can_be_printed(worker, config):
    name = "kurse/aus Köln?"
    created = post(worker, config, name)
    assert created.json()["name"] == name
    path = created.headers["location"].removeprefix(worker.url)
    assert worker.request("GET", path).json()["name"] == name
    assert worker.request("GET", f"{path}/config").json()["name"] == name
    assert worker.request("DELETE", path).status_code == 204


def run_worker(properties: Path, text: str) -> subprocess.CompletedProcess[str]:
    properties.write_text(text)
    command = [sys.executable, "-m", "headwater", "worker", properties]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_one_worker_at_a_time_uses_a_state_file(worker, tmp_path):
    second = run_worker(
        tmp_path / "second.properties",
        f"listeners=http://127.0.0.1:0\noffset.storage.file.filename={worker.state_file}\n",
    )
    assert second.returncode == 1
    assert f"{worker.state_file} is in use by another worker (process {worker.process.pid})" in second.stderr


def test_an_address_that_is_taken_is_named(worker, tmp_path):
    second = run_worker(
        tmp_path / "second.properties",
        f"listeners={worker.url}\noffset.storage.file.filename={tmp_path}/second.db\n",
    )
    assert second.returncode == 1
    assert f"Can't listen on {worker.url}: Address already in use" in second.stderr


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("listeners=https://:8083", "is not an http:// address"),
        ("value.converter=NoConverter", "Invalid value NoConverter for configuration value.converter"),
        ("key.converter.schemas.enable=perhaps", "Expected value to be either true or false"),
        ("producer.interceptor.classes=x", "producer.interceptor.classes"),
        ("a=\\u00", "line 1: \\u must be followed by four hexadecimal digits"),
    ],
)
def test_a_worker_does_not_start_with_a_configuration_that_is_wrong(tmp_path, line, message):
    ended = run_worker(tmp_path / "worker.properties", line)
    assert ended.returncode == 1
    assert message in ended.stderr
