"""What an engine is: it reads the log from a fixed position and delivers to one of the two sinks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.progress import Progress, RunFailedError
from bench.workload import ServerT, Workload

STOP_SECONDS = 60
CHECKOUT = Path(__file__).resolve().parents[1]
POLL_SECONDS = 0.01


class Engine(ABC):
    """One contender. ``base`` is where its state stands before a workload is loaded; each run gets a copy."""

    name: str
    has_latency = True
    """Whether its latency is worth a measurement."""
    delivers = True
    """Whether it delivers to the workload's sink."""

    def __init__(self, work: Path) -> None:
        self.base = work / "base" / self.state_of
        self._runs = work / "runs"

    @property
    def state_of(self) -> str:
        """Engines with the same value here start from the same state."""
        return self.name

    def takes_part_in(self, workload: Workload[Any]) -> bool:  # noqa: ARG002
        """Whether a workload says something about it."""
        return True

    @abstractmethod
    def prime(self, workload: Workload[ServerT], server: ServerT) -> None:
        """Fix the start position: what is written from now on is what the runs read."""

    @abstractmethod
    def command(self, workload: Workload[Any], run: Path) -> tuple[Sequence[str], Mapping[str, str]]:
        """Command and additions to the environment of a run in the folder ``run``, a copy of ``base``."""

    def launch(self, workload: Workload[Any], arrivals: int = 0) -> EngineRun:
        """Start a run, with room for the arrival times of so many events."""
        run = self._runs / workload.name / self.name
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(self.base, run)
        progress = Progress.create(run / "progress", arrivals)
        return EngineRun(self, *self.command(workload, run), run, progress)


class EngineRun:
    """A running engine."""

    def __init__(
        self, engine: Engine, command: Sequence[str], environment: Mapping[str, str], folder: Path, progress: Progress
    ) -> None:
        self.engine, self.folder, self.progress = engine, folder, progress
        self.log_file = folder / "log"
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        self.pid = self._process.pid

    def check_alive(self) -> None:
        """Raises `RunFailedError` once the process has ended."""
        if self._process.poll() is not None:
            raise RunFailedError(f"{self.engine.name} ended with status {self._process.returncode}{self.log_end()}")

    def wait_until(self, what: str, condition: Callable[[], bool], seconds: float) -> None:
        """Raises `RunFailedError` where the engine ends before, or it takes too long."""
        deadline = time.monotonic() + seconds
        while not condition():
            self.check_alive()
            if time.monotonic() > deadline:
                raise RunFailedError(f"{self.engine.name}: {what}: not within {seconds:.0f} s{self.log_end()}")
            time.sleep(POLL_SECONDS)

    def log_end(self) -> str:
        """The end of what it wrote, for an error's text; without this checkout's place, since results are published."""
        end = self.log_file.read_text(errors="replace")[-2000:]
        return f"; its log ends:\n{end.replace(f'{CHECKOUT}/', '')}"

    def stop(self) -> None:
        """Let it store its offset and end."""
        self._process.terminate()
        self._process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """End it now: a run that was measured has nothing more to do."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_SECONDS)


def write_properties(file: Path, values: Mapping[str, str]) -> Path:
    """A Java properties file."""
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return file


def converters(workload: Workload[Any]) -> dict[str, str]:
    """The workload's converter for keys and values. Avro wants a registry at SCHEMA_REGISTRY_URL."""
    if workload.avro:
        name = "io.confluent.connect.avro.AvroConverter"
        option = (".schema.registry.url", os.environ["SCHEMA_REGISTRY_URL"])
    else:
        name = "org.apache.kafka.connect.json.JsonConverter"
        option = (".schemas.enable", str(workload.schemas).lower())
    return {f"{part}.converter{end}": value for part in ("key", "value") for end, value in (("", name), option)}
