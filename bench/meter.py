"""Measures an engine from outside, all engines alike: CPU time and memory of its whole process tree, through /proc.

At the first event, at the half and at the last one they are read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.engine import EngineRun
from bench.progress import RunFailedError

TICKS = os.sysconf("SC_CLK_TCK")
FIRST_EVENT_SECONDS = 60


def process_tree(root: int) -> list[int]:
    """A process and all that came of it and live."""
    found = [root]
    for process in found:
        try:
            tasks = list(Path(f"/proc/{process}/task").iterdir())
            found += [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def cpu_seconds(processes: list[int]) -> float:
    """User and system time of processes and of their children that have ended (proc(5), stat fields 14 to 17)."""
    ticks = 0
    for process in processes:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS


def machine_seconds() -> float:
    """What all processors have worked since boot (proc(5), stat: user, nice, system, irq, softirq)."""
    ticks = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]))
    return (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) / TICKS


def pss_megabytes(processes: list[int]) -> float:
    """Memory, each shared page counted as a share (proc(5), smaps_rollup)."""
    kilobytes = 0
    for process in processes:
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """Where an engine stands at a moment."""

    seconds: float
    events: int
    cpu: float
    server_cpu: float
    broker_cpu: float
    machine_cpu: float

    @classmethod
    def take(cls, seconds: float, events: int, root: int, server: int, broker: int) -> Self:
        """Now."""
        cpu = cpu_seconds(process_tree(root))
        return cls(seconds, events, cpu, cpu_seconds([server]), cpu_seconds([broker]), machine_seconds())

    def since(self, earlier: Sample) -> Sample:
        """What was done in between."""
        return Sample(
            max(1e-9, self.seconds - earlier.seconds),
            max(1, self.events - earlier.events),
            self.cpu - earlier.cpu,
            self.server_cpu - earlier.server_cpu,
            self.broker_cpu - earlier.broker_cpu,
            self.machine_cpu - earlier.machine_cpu,
        )

    def per_event(self, seconds: float) -> float:
        """Microseconds."""
        return round(seconds / self.events * 1e6, 2)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run. Seconds count from the start of the process; *streaming* is from the first event to the last."""

    events: int
    bytes_per_event: float
    first_event_seconds: float
    events_per_second: float
    events_per_second_warm: float
    """Of the second half."""
    cpu_us_per_event: float
    """Streaming."""
    cpu_us_per_event_warm: float
    cpu_seconds_total: float
    """From the start of the process."""
    server_cpu_us_per_event: float
    """The server's, streaming."""
    broker_cpu_us_per_event: float
    """The same for the Kafka broker."""
    other_cores: float
    """Processors that were busy with none of these, the benchmark's own few hundredths included: the noise."""
    memory_mb: float

    @classmethod
    def between(cls, first: Sample, half: Sample, last: Sample, size: float, memory: float) -> Self:
        """From the three moments."""
        whole, warm = last.since(first), last.since(half)
        other = whole.machine_cpu - whole.cpu - whole.server_cpu - whole.broker_cpu
        return cls(
            events=last.events,
            bytes_per_event=round(size, 1),
            first_event_seconds=round(first.seconds, 3),
            events_per_second=round(whole.events / whole.seconds),
            events_per_second_warm=round(warm.events / warm.seconds),
            cpu_us_per_event=whole.per_event(whole.cpu),
            cpu_us_per_event_warm=warm.per_event(warm.cpu),
            cpu_seconds_total=round(last.cpu, 2),
            server_cpu_us_per_event=whole.per_event(whole.server_cpu),
            broker_cpu_us_per_event=whole.per_event(whole.broker_cpu),
            other_cores=round(other / whole.seconds, 2),
            memory_mb=round(memory, 1),
        )


class Meter:
    """Watches one run of an engine. ``server`` and ``broker`` are the servers' process ids, 0 for none."""

    def __init__(self, run: EngineRun, server: int, broker: int, events: Callable[[], int]) -> None:
        self._run, self._server, self._broker = run, server, broker
        self._events = events
        self._started = time.monotonic()

    def run(self, expected: int, size: Callable[[], float], timeout: float) -> Measurement:
        """Until ``expected`` events are delivered. Raises `RunFailedError`."""
        first = self._wait_for(1, FIRST_EVENT_SECONDS)
        half = self._wait_for(expected // 2, timeout)
        memory = pss_megabytes(process_tree(self._run.pid))
        last = self._wait_for(expected, timeout)
        memory = max(memory, pss_megabytes(process_tree(self._run.pid)))
        if self._events() != expected:
            raise RunFailedError(f"delivered {self._events():,} events in place of {expected:,}")
        return Measurement.between(first, half, last, size(), memory)

    def _wait_for(self, events: int, timeout: float) -> Sample:
        self._run.wait_until(f"{events:,} events", lambda: self._events() >= events, timeout)
        seconds = time.monotonic() - self._started
        return Sample.take(seconds, self._events(), self._run.pid, self._server, self._broker)
