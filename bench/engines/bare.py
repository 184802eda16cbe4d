"""The limits as engines: see `bench.engines.limits`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.engine import Engine
from bench.server import Server
from bench.workload import ServerT, Workload

REPOSITORY = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "bench.engines.limits"]
ENVIRONMENT = {"PYTHONPATH": str(REPOSITORY)}
MESSAGE_BYTES = 1000


class BareRead(Engine):
    """Reads the log as it comes in, nothing else."""

    name = "limit-read"
    has_latency = False
    delivers = False

    def prime(self, workload: Workload[ServerT], server: ServerT) -> None:  # noqa: ARG002
        """Note where the log ends."""
        self.base.mkdir(parents=True)
        self._position = server.position()

    def command(self, workload: Workload[Any], run: Path) -> tuple[Sequence[str], Mapping[str, str]]:
        counts = (str(workload.events), str(workload.rows))
        return [*PROGRAM, workload.server.name, str(run / "progress"), *self._position, *counts], ENVIRONMENT


class BareProduce(Engine):
    """Calls produce(), nothing else."""

    name = "limit-produce"
    has_latency = False

    def takes_part_in(self, workload: Workload[Any]) -> bool:
        return workload.sink == "kafka"

    def prime(self, workload: Workload[Any], server: Server) -> None:  # noqa: ARG002
        """There is no position."""
        self.base.mkdir(parents=True)

    def command(self, workload: Workload[Any], run: Path) -> tuple[Sequence[str], Mapping[str, str]]:
        arguments = (str(run / "progress"), workload.topic, str(workload.events), str(MESSAGE_BYTES))
        return [*PROGRAM, "produce", *arguments], ENVIRONMENT
