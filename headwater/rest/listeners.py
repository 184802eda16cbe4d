"""The addresses that the worker listens on: taken before anything is started, so that one in use is told of at once."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from headwater.worker.worker_config import Listener, WorkerConfig


class ListenError(Exception):
    """A listener's address can't be taken: says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The sockets of ``listeners``, and of ``admin.listeners`` where administration has listeners of its own."""

    main: list[socket.socket]
    admin: list[socket.socket]


def listen(config: WorkerConfig) -> Listening:
    """Take the addresses. Raises `ListenError`."""
    with ExitStack() as taken:
        main = [taken.enter_context(_listen(each, "listeners")) for each in config.listeners]
        admin = [taken.enter_context(_listen(each, "admin.listeners")) for each in config.admin_listeners or ()]
        taken.pop_all()
    return Listening(main, admin)


def _listen(listener: Listener, option: str) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with ExitStack() as taken:
            listening = taken.enter_context(socket.socket(family, kind, protocol))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen()
            taken.pop_all()
    except OSError as error:
        raise ListenError(
            f"Can't listen on {listener.url}: {error.strerror}; name another address with {option}"
        ) from error
    return listening


def addresses(sockets: Sequence[socket.socket]) -> list[str]:
    """The URLs that the sockets are reached under."""
    return [Listener(*listening.getsockname()[:2]).url for listening in sockets]
