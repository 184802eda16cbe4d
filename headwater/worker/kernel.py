"""What Linux tells of a process: its memory and its CPU time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """What a process takes.

    ``resident_bytes``      memory in use, shared pages in full (RSS)
    ``proportional_bytes``  each shared page in equal parts among those who share it (PSS), so that a sum is true
    ``cpu_seconds``         of its own and of the kernel in its name
    """

    resident_bytes: int
    proportional_bytes: int
    cpu_seconds: float


def process_usage(process: int) -> ProcessUsage | None:
    """What a process takes now; None where it has ended, or is another user's."""
    folder = Path("/proc", str(process))
    try:
        memory = _kibibytes((folder / "smaps_rollup").read_text())
        stat = (folder / "stat").read_text()
    except OSError:
        return None
    user, system = stat.rpartition(")")[2].split()[11:13]
    return ProcessUsage(memory["Rss"] * 1024, memory["Pss"] * 1024, (int(user) + int(system)) / _TICKS)


def child_processes(process: int) -> list[int]:
    """The processes that a process has started, and that have not ended."""
    try:
        threads = list(Path("/proc", str(process), "task").iterdir())
        return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return []


def _kibibytes(text: str) -> dict[str, int]:
    """The lines ``Rss:  1234 kB`` of a file such as ``/proc/PID/smaps_rollup``."""
    fields = (line.split() for line in text.splitlines() if line.endswith("kB"))
    return {name.rstrip(":"): int(number) for name, number, _ in fields}
