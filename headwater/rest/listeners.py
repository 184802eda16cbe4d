"""The addresses that the worker listens on: taken before anything is started, so that one in use is told of at once."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from headwater.worker.worker_config import Listener


class ListenError(Exception):
    """A listener's address can't be taken: says which, why, and what to do."""


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
