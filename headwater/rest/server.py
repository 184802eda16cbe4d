"""Serves the REST API on the worker's listeners."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp

from headwater.rest.connections import Connection


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
                http=Connection,
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
