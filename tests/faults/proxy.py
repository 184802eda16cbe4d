"""A network that fails: a TCP proxy whose connections can be cut and stalled."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self

HOST = "127.0.0.1"


class Proxy:
    """Passes connections to ``port`` on to ``target``; entered to start, left to stop.

    ``accepted``  how many connections were made so far
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.accepted = 0
        self._target = target
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._flowing = threading.Event()
        self._flowing.set()
        self._budget: int | None = None
        self._refusing = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._flowing.set()
        self.cut()

    def cut(self) -> None:
        """Close every connection; new ones are taken as before."""
        with self._lock:
            for connection in self._connections:
                _close(connection)
            self._connections.clear()
            self._budget = None

    def cut_after(self, size: int) -> None:
        """Close every connection once so many more bytes have come from the target."""
        with self._lock:
            self._budget = size

    def stall(self) -> None:
        """Let nothing through in either direction, old connections or new; they stay open."""
        self._flowing.clear()

    def refuse(self) -> None:
        """Close every connection, old or new, until `flow`."""
        self._refusing = True
        self.cut()

    def flow(self) -> None:
        """End a stall, or that every connection is closed."""
        self._refusing = False
        self._flowing.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            self.accepted += 1
            if self._refusing:
                _close(client)
                continue
            try:
                target = socket.create_connection(self._target)
            except OSError:
                _close(client)
                continue
            with self._lock:
                self._connections |= {client, target}
            for source, sink, counts in ((client, target, False), (target, client, True)):
                arguments = source, sink, counts
                threading.Thread(target=self._pass_on, args=arguments, name="proxied", daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self._flowing.wait()
                sink.sendall(data[: self._allowed(len(data))] if counts else data)
                if self._budget == 0:
                    self.cut()
        _close(source)
        _close(sink)

    def _allowed(self, size: int) -> int:
        """How many of so many bytes may pass before a cut."""
        with self._lock:
            if self._budget is None:
                return size
            allowed = min(size, self._budget)
            self._budget -= allowed
            return allowed


def _close(connection: socket.socket) -> None:
    """Close a connection; wakes the thread here that waits on it."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
