"""Requests by those who mean harm, or make mistakes: a clear 4xx for each, and nothing is another afterwards."""

import contextlib
import json
import re
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from headwater.rest.connections import MAX_CONNECTIONS
from tests.worker_process import WorkerProcess, wait_until

JSON = "Content-Type: application/json"
HOST = "Host: localhost"
CONFIG = '{"connector.class": "mysql"}'


@pytest.fixture(scope="module")
def target(tmp_path_factory, kafka_bootstrap, mysql_url):
    """A worker with a connector whose task runs."""
    config = {
        "connector.class": "mysql",
        "topic.prefix": "hostile",
        "database.hostname": mysql_url.host,
        "database.port": str(mysql_url.port),
        "database.user": mysql_url.username,
        "database.password": mysql_url.password,
        "database.server.id": "918273645",
        "database.include.list": "none",
        "snapshot.mode": "no_data",
        "include.schema.changes": "false",
    }
    with WorkerProcess(tmp_path_factory.mktemp("hostile"), kafka_bootstrap) as worker:
        worker.create("items", config)
        yield worker


def state(worker):
    """Everything that a request could change."""
    paths = ["/connectors?expand=info&expand=status", "/connectors/items/topics", "/admin/loggers"]
    return worker.task_processes(), [worker.request("GET", path).json() for path in paths]


def send(worker, *lines, body=b"", close=False):
    """What is answered to these bytes: (status, body); (0, b"") where the connection is closed without an answer."""
    port = httpx.URL(worker.url).port
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall("\r\n".join((*lines, "", "")).encode("latin-1") + body)
        if close:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    head, _, answer = received.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1.1 (\d+)", head)
    return (int(status[1]), answer) if status else (0, answer)


CLOSE = "Connection: close"


@pytest.mark.parametrize(
    ("lines", "body", "status"),
    [
        (["GARBAGE"], b"", 400),
        (["GET /connectors HTTP/1.1"], b"", 400),
        (["GET /connectors HTTP/1.1", HOST, HOST], b"", 400),
        (["GET /connectors HTTP/1.1", HOST, "X: " + "x" * 20_000, CLOSE], b"", 431),
        (["GET /connectors HTTP/1.1", HOST, *(f"X-{n}: " + "x" * 100 for n in range(500)), CLOSE], b"", 431),
        (["GET /" + "x" * 20_000 + " HTTP/1.1", HOST, CLOSE], b"", 414),
        (["GET /connectors?expand=" + "x" * 20_000 + " HTTP/1.1", HOST, CLOSE], b"", 414),
        (["GET /connectors HTTP/1.1", "Host: rebound.example", CLOSE], b"", 403),
        (["DELETE /connectors/items HTTP/1.1", "Host: rebound.example:80", CLOSE], b"", 403),
        (["DELETE /connectors/items HTTP/1.1", HOST, "Origin: http://evil.example", CLOSE], b"", 403),
        (["POST /connectors/items/restart HTTP/1.1", HOST, "Origin: null", "Content-Length: 0", CLOSE], b"", 403),
        (
            ["POST /connectors/items/restart?includeTasks=true HTTP/1.1", HOST, "Content-Type: text/plain", CLOSE],
            b"",
            415,
        ),
        (["PUT /connectors/items/config HTTP/1.1", HOST, "Content-Length: 28", CLOSE], CONFIG.encode(), 415),
        (["PUT /connectors/items/config HTTP/1.1", HOST, JSON, "Content-Length: 99999999999", CLOSE], b"", 413),
        (["PUT /connectors/items/config HTTP/1.1", HOST, JSON, "Content-Length: -1", CLOSE], b"", 400),
        (
            ["PUT /connectors/items/config HTTP/1.1", HOST, JSON, "Content-Length: 3", "Transfer-Encoding: chunked"],
            b"0\r\n\r\n",
            400,
        ),
        (["PUT /connectors/items/config HTTP/1.1", HOST, JSON, "Transfer-Encoding: chunked"], b"zz\r\n{}", 400),
        (["PUT /connectors/items/config HTTP/1.1", HOST, JSON, "Content-Length: 4", CLOSE], b"\xff\xfe{}", 400),
        (["PATCH /connectors/items/offsets HTTP/1.1", HOST, JSON, "Content-Length: 2", CLOSE], b"{}", 400),
        (["PUT /admin/loggers/root HTTP/1.1", HOST, JSON, "Content-Length: 16", CLOSE], b'{"level": "XYZ"}', 404),
        (["BREW /connectors/items HTTP/1.1", HOST, CLOSE], b"", 405),
        (["PUT /connectors/items HTTP/1.1", HOST, JSON, "Content-Length: 2", CLOSE], b"{}", 405),
    ],
    ids=lambda value: value[0][:40] if isinstance(value, list) else "",
)
def test_a_request_that_is_refused_changes_nothing(target, lines, body, status):
    before = state(target)
    answered, content = send(target, *lines, body=body, close=True)
    assert answered == status
    if status != 400:  # what is no HTTP at all has no one to answer in JSON
        assert json.loads(content)["error_code"] == status
    assert state(target) == before


def test_connections_that_send_nothing_keep_nobody_out(target):
    before = state(target)
    port = httpx.URL(target.url).port
    with contextlib.ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS + 50):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30)).sendall(b"GET / HTTP/1.1")
        assert state(target) == before


def test_headers_without_end_are_not_read_to_their_end(target):
    before = state(target)
    with contextlib.suppress(ConnectionError):
        assert send(target, "GET /connectors HTTP/1.1", HOST, "X: " + "x" * 10_000_000)[0] == 400
    assert state(target) == before


@pytest.mark.parametrize("length", [10, 100_000])
def test_a_body_that_breaks_off_changes_nothing(target, length):
    before = state(target)
    request = ["PUT /connectors/items/config HTTP/1.1", HOST, JSON, f"Content-Length: {length}"]
    assert send(target, *request, body=b'{"a": "', close=True)[0] in (0, 400)
    assert state(target) == before


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"name": ' + b"9" * 100_000 + b"}",
        b'{"connector.class": "mysql", "name": "\\u0000"}',
        b'{"connector.class": "' + b"x" * 100_000 + b'"}',
        b'{"connector.class": "mysql", "database.hostname": "' + b"x" * 10_000 + b'"}',
        b'{"connector.class": "mysql", "table.include.list": "' + b"(" * 10_000 + b'"}',
        b'{"connector.class": "mysql", "column.include.list": "(a+)+$", "database.port": "' + b"1" * 10_000 + b'"}',
        b'{"connector.class": "mysql", "name": "items", "topic.prefix": "${env:HOME}${file:/etc/passwd:root}"}',
        b'{"connector.class": "../../../etc/passwd"}',
        b'{"connector.class": "os.system"}',
    ],
    ids=lambda body: body[:60].decode(),
)
def test_a_configuration_that_is_no_good_changes_nothing(target, body):
    before = state(target)
    for method, path in (("PUT", "/connectors/items/config"), ("POST", "/connectors")):
        answer = httpx.request(method, target.url + path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
        assert answer.json()["error_code"] == 400
        assert "root:x:0" not in answer.text
    assert state(target) == before


def test_of_many_who_create_a_connector_at_the_same_time_one_does(worker, config):
    start = threading.Barrier(10)

    def create(_):
        start.wait()
        return worker.request("POST", "/connectors", {"name": "items", "config": config}).status_code

    with ThreadPoolExecutor(10) as pool:
        assert Counter(pool.map(create, range(10))) == {201: 1, 409: 9}
    worker.wait_running("items")
    assert len(worker.task_processes()) == 1


def test_changes_at_the_same_time_are_made_one_after_the_other(worker, config):
    worker.create("items", config)
    changes = [
        ("PUT", "/connectors/items/pause", None),
        ("PUT", "/connectors/items/resume", None),
        ("PUT", "/connectors/items/stop", None),
        ("POST", "/connectors/items/restart?includeTasks=true", None),
        ("PATCH", "/connectors/items/config", {"errors.max.retries": 3}),
        ("PUT", "/connectors/items/topics/reset", None),
        ("DELETE", "/connectors/items/offsets", None),
        ("PUT", "/admin/loggers/headwater.worker", {"level": "INFO"}),
        ("GET", "/connectors?expand=info&expand=status", None),
        ("POST", "/connectors/items/tasks/0/restart", None),
    ]

    def make(change):
        with httpx.Client(timeout=60) as client:
            method, path, body = change
            return client.request(method, worker.url + path, json=body or {}).status_code

    with ThreadPoolExecutor(len(changes)) as pool:
        statuses = list(pool.map(make, changes * 2))
    assert all(status < 500 for status in statuses)
    assert worker.request("PUT", "/connectors/items/resume").status_code == 202
    worker.wait_running("items")
    wait_until("one task's process", lambda: len(worker.task_processes()) == 1)
    assert worker.request("GET", "/connectors/items/config").json()["errors.max.retries"] == "3"
    assert worker.request("DELETE", "/connectors/items").status_code == 204
    assert worker.task_processes() == []
