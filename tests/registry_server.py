"""A schema registry that says what a test wants it to say."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer


@dataclass
class Registry:
    """A server that gives its answers one after the other, the last for ever; ``asked`` is what it was asked."""

    answers: list[tuple[int, bytes]]
    asked: list[tuple[str, str | None, bytes]] = field(default_factory=list)
    scheme: str = "http"
    port: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"


@contextmanager
def serving(answers: list[tuple[int, bytes]], tls: ssl.SSLContext | None = None) -> Iterator[Registry]:
    """A registry on a port of its own, over TLS if it is given a context for that."""
    registry = Registry(answers, scheme="http" if tls is None else "https")

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

    class Server(HTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that refuses the certificate, or has none, hangs up."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    registry.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
