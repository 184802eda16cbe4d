"""The registry's client against servers that answer what a registry may: signing in, failover and refusals."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from headwater.converters.schema_registry.client import Connection, RegistryClient
from headwater.converters.schema_registry.registry import (
    IncompatibleSchemaError,
    NotRegisteredError,
    Registered,
    RegistryError,
)


@dataclass
class Registry:
    """A server that gives its answers one after the other, the last for ever."""

    answers: list[tuple[int, bytes]]
    asked: list[tuple[str, str | None, bytes]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def registries() -> Iterator[list[Registry]]:
    """Three servers; what each answers is for the test to say."""
    started = [Registry([(200, b'{"id": 7}')]) for _ in range(3)]
    servers = [_serve(registry) for registry in started]
    yield started
    for server in servers:
        server.shutdown()
        server.server_close()


def _serve(registry: Registry) -> HTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            registry.asked.append((self.path, self.headers.get("Authorization"), body))
            status, content = registry.answers[0]
            if len(registry.answers) > 1:
                registry.answers.pop(0)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if status == 307:
                self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer  # noqa: N815 - the names that http.server asks for

        def log_message(self, *_arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    registry.port = server.server_port
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


def client(*urls: str, retries: int = 0, authorization: str | None = None, normalize: bool = False) -> RegistryClient:
    return RegistryClient(Connection(urls, authorization, retries=retries, first_wait=0.001), normalize=normalize)


def test_a_schema_is_registered_under_its_subject(registries: list[Registry]) -> None:
    assert client(registries[0].url + "/path/", normalize=True).register("a/b c", '"int"') == 7
    ((path, authorization, body),) = registries[0].asked
    assert path == "/path/subjects/a%2Fb%20c/versions?normalize=true"
    assert authorization is None
    assert json.loads(body) == {"schema": '"int"'}


def test_the_latest_schema(registries: list[Registry]) -> None:
    registries[0].answers = [(200, b'{"subject": "s", "version": 1, "id": 3, "schema": "\\"int\\""}')]
    assert client(registries[0].url).latest("s") == Registered(3, '"int"')


def test_a_url_may_hold_name_and_password(registries: list[Registry]) -> None:
    url = f"http://anna:s%40crab@127.0.0.1:{registries[0].port}"
    client(url, authorization="Bearer other").register("s", '"int"')
    assert registries[0].asked[0][1] == "Basic YW5uYTpzQGNyYWI="


def test_a_server_that_is_down_is_left_for_the_next_one(registries: list[Registry]) -> None:
    registries[0].answers = [(503, b"")]
    asking = client(registries[0].url, "http://127.0.0.1:1", registries[1].url)
    assert [asking.register("s", '"int"') for _ in range(2)] == [7, 7]
    assert [len(registry.asked) for registry in registries] == [1, 2, 0]


def test_all_are_asked_again(registries: list[Registry]) -> None:
    registries[0].answers = [(503, b""), (429, b""), (200, b'{"id": 9}')]
    assert client(registries[0].url, retries=2).register("s", '"int"') == 9
    registries[1].answers = [(503, b"tired")]
    with pytest.raises(RegistryError, match="answers 503: tired"):
        client(registries[1].url, retries=2).register("s", '"int"')
    assert len(registries[1].asked) == 3


@pytest.mark.parametrize(
    ("status", "content", "error", "reason"),
    [
        (409, b'{"error_code": 409, "message": "not backward"}', IncompatibleSchemaError, "answers 409: not backward"),
        (404, b'{"error_code": 40401, "message": "no subject"}', NotRegisteredError, "no subject"),
        (404, b"<html>", RegistryError, "answers 404: <html>"),
        (401, b'{"error_code": 401, "message": "who?"}', RegistryError, "set basic.auth.credentials.source"),
        (307, b"", RegistryError, "answers 307"),
        (200, b"<html>", RegistryError, "no JSON, is it a schema registry"),
        (200, b'{"id": "7"}', RegistryError, "has no schema's id"),
        (200, b"[]", RegistryError, "has no schema's id"),
    ],
)
def test_refusals(
    registries: list[Registry], status: int, content: bytes, error: type[RegistryError], reason: str
) -> None:
    registries[0].answers = [(status, content)]
    with pytest.raises(error, match=reason) as raised:
        client(f"http://anna:secret@127.0.0.1:{registries[0].port}").register("s", '"int"')
    assert type(raised.value) is error
    assert "secret" not in str(raised.value)


def test_a_refusal_is_not_asked_for_again(registries: list[Registry]) -> None:
    registries[0].answers = [(409, b'{"error_code": 409, "message": "no"}')]
    with pytest.raises(IncompatibleSchemaError):
        client(registries[0].url, registries[1].url, retries=3).register("s", '"int"')
    assert [len(registry.asked) for registry in registries] == [1, 0, 0]
