"""Clients that open connections and send nothing, little, or take no answer: nobody else is kept out by them."""

import asyncio
import contextlib
import itertools
import socket
import threading
import time

import httpx
import pytest

from headwater.rest import connections
from headwater.rest.server import RestServer
from tests.worker_process import wait_until

WAIT_SECONDS = 0.3
MAX_CONNECTIONS = 3
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


class Server:
    """A REST server with an application of the test's own, on a thread of its own."""

    def __init__(self, app):
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = self._listening.getsockname()
        self.url = "http://{}:{}".format(*self.address)
        self.rest = RestServer(app, [self._listening])
        self._thread = threading.Thread(target=lambda: asyncio.run(self.rest.run_until_stopped()))

    def __enter__(self):
        self._thread.start()
        wait_until("the server", lambda: self.rest.started)
        return self

    def __exit__(self, *_):
        self.rest.stop()
        self._thread.join()

    @property
    def open_connections(self):
        return len(self.rest.server_state.connections)


class App:
    """Reads the request and answers with ``answer``, once it may."""

    def __init__(self, answer=b"yes"):
        self.answer = answer
        self.may_answer = threading.Event()
        self.may_answer.set()

    async def __call__(self, scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await asyncio.to_thread(self.may_answer.wait)
        length = str(len(self.answer)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": self.answer})


@pytest.fixture
def app():
    return App()


@pytest.fixture
def server(app, monkeypatch):
    monkeypatch.setattr(connections, "WAIT_SECONDS", WAIT_SECONDS)
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", MAX_CONNECTIONS)
    with Server(app) as server:
        yield server
        app.may_answer.set()


@pytest.fixture
def connect(server):
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(socket.create_connection(server.address, timeout=20))


def is_closed(connection):
    """Whether the server has closed it; nothing else comes."""
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize(
    ("begin", "trickle"),
    [
        (b"", b""),
        (b"", b"\r\n"),
        (HEAD, b"X: y\r\n"),
        (HEAD + b"Content-Length: 1000000\r\n\r\n", b"x"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (HEAD + b"\r\n" + HEAD, b"X: y\r\n"),
    ],
    ids=["silent", "empty lines", "headers", "body", "chunks", "second request"],
)
def test_a_request_that_does_not_end_is_given_up(server, connect, begin, trickle):
    connection = connect()
    connection.sendall(begin)
    answer = b""
    while begin.startswith(HEAD + b"\r\n") and not answer.endswith(b"yes"):
        answer += connection.recv(1000)

    def is_given_up():
        with contextlib.suppress(ConnectionError):
            connection.setblocking(True)
            connection.sendall(trickle)
        return is_closed(connection)

    wait_until("the end", is_given_up)


@pytest.mark.parametrize("app", [App(b"x" * 50_000_000)])
@pytest.mark.parametrize("last", [b"", b"Connection: close\r\n"], ids=["keep alive", "close"])
def test_an_answer_that_is_not_taken_is_given_up(server, connect, last):
    connect().sendall(HEAD + last + b"\r\n")
    wait_until("the request", lambda: server.open_connections == 1)
    wait_until("the end", lambda: server.open_connections == 0)


def test_a_client_may_go_on_asking(server):
    end = time.monotonic() + 3 * WAIT_SECONDS
    with httpx.Client() as client:
        while time.monotonic() < end:
            assert client.get(server.url).text == "yes"
            assert server.open_connections == 1


def test_an_answer_may_take_its_time(server, app):
    app.may_answer.clear()
    threading.Timer(3 * WAIT_SECONDS, app.may_answer.set).start()
    assert httpx.get(server.url).text == "yes"


def test_a_new_connection_takes_the_place_of_the_one_that_has_waited_longest(server, connect, monkeypatch):
    monkeypatch.setattr(connections, "WAIT_SECONDS", 1000)
    waiting = []
    for number in range(MAX_CONNECTIONS):
        waiting.append(connect())
        wait_until("the connection", lambda: server.open_connections == number + 1)  # noqa: B023
    assert httpx.get(server.url).text == "yes"
    wait_until("the first one's end", lambda: is_closed(waiting[0]))
    assert not any(map(is_closed, waiting[1:]))


def test_however_many_wait_there_is_room_for_the_next(server, connect, monkeypatch):
    monkeypatch.setattr(connections, "WAIT_SECONDS", 1000)
    for connection in itertools.islice(iter(connect, None), 20 * MAX_CONNECTIONS):
        connection.sendall(HEAD)
    assert httpx.get(server.url).text == "yes"
    assert server.open_connections <= MAX_CONNECTIONS


def test_requests_under_way_are_not_given_up_for_others(server, connect, app):
    app.may_answer.clear()
    asking = [connect() for _ in range(MAX_CONNECTIONS)]
    for connection in asking:
        connection.sendall(HEAD + b"\r\n")
    wait_until("the requests", lambda: len(server.rest.server_state.tasks) == MAX_CONNECTIONS)
    refused = httpx.get(server.url)
    assert refused.status_code == 503
    assert refused.json() == {"error_code": 503, "message": "Too many requests are under way"}
    app.may_answer.set()
    for connection in asking:
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK")
    assert httpx.get(server.url).status_code == 200
