"""The processes of a worker, found and ended from outside, as an operator or the kernel would."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def children(pid: int) -> list[int]:
    """The child processes of ``pid``; none where it has ended."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text()
        except OSError:
            continue  # it ended meanwhile
        state, parent = status.rpartition(")")[2].split()[:2]
        if int(parent) == pid and state != "Z":
            found.append(int(folder.name))
    return found


def fork_server(worker: int) -> int | None:
    """The process that a worker's tasks are forked from."""
    return next(iter(children(worker)), None)


def task(worker: int) -> int | None:
    """The process of a worker's only task."""
    server = fork_server(worker)
    return next(iter(children(server)), None) if server is not None else None


def alive(pid: int) -> bool:
    """Whether the process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "XZ"
    except OSError:
        return False


def kill(pid: int | None, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal; a process that has ended meanwhile is no error."""
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
