"""Ports for servers of one's own."""

from __future__ import annotations

import random
import socket
from pathlib import Path

FIRST = 10_000


def free_port(count: int = 1) -> int:
    """The first of so many ports in a row that nobody listens on.

    They lie below those that the kernel gives to clients, so that they are still free when a server that was killed
    starts again.
    """
    end = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(FIRST, end - count)
        if all(_is_free(port + number) for number in range(count)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
