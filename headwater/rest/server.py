"""Serves the REST API on the worker's listeners."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp

from headwater.worker.worker_config import Listener


class ListenError(Exception):
    """A listener's address can't be taken: says which, why, and what to do."""


class RestServer(uvicorn.Server):
    """Serves until `stop`; the process's signals are not its business."""

    def __init__(self, app: ASGIApp, sockets: Sequence[socket.socket]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                http="h11",
                loop="asyncio",
                server_header=False,
                timeout_graceful_shutdown=2,
            )
        )
        self._sockets = list(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the worker."""
        yield

    async def run_until_stopped(self) -> None:
        """Serve on the sockets, and close them at the end."""
        await self.serve(self._sockets)

    def stop(self) -> None:
        """Take no more requests, finish those under way, and return from `run_until_stopped`."""
        self.should_exit = True


def listen(listeners: Sequence[Listener]) -> list[socket.socket]:
    """Take the addresses. Raises `ListenError`."""
    sockets: list[socket.socket] = []
    for listener in listeners:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listening = socket.socket(family, kind, protocol)
            sockets.append(listening)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen()
        except OSError as error:
            for opened in sockets:
                opened.close()
            raise ListenError(
                f"Can't listen on {listener.url}: {error.strerror}; name another address with listeners"
            ) from error
    return sockets


def addresses(sockets: Sequence[socket.socket]) -> list[str]:
    """The URLs that the sockets are reached under."""
    return [Listener(*listening.getsockname()[:2]).url for listening in sockets]
