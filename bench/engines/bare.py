"""The limits as engines: see `bench.engines.limits`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.engine import Engine
from bench.server import MySqlServer
from bench.workload import Workload

REPOSITORY = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "bench.engines.limits"]
ENVIRONMENT = {"PYTHONPATH": str(REPOSITORY)}
MESSAGE_BYTES = 1000


class BareReceive(Engine):
    """Reads the log and splits packets, nothing else."""

    name = "limit-recv"
    has_latency = False
    delivers = False

    def prime(self, workload: Workload, server: MySqlServer) -> None:  # noqa: ARG002
        """Note where the log ends."""
        self.base.mkdir(parents=True)
        self._position = server.position()

    def command(self, workload: Workload, run: Path) -> tuple[Sequence[str], Mapping[str, str]]:
        file, position = self._position
        arguments = [str(run / "progress"), file, str(position), str(workload.events), str(workload.rows)]
        return [*PROGRAM, "recv", *arguments], ENVIRONMENT


class BareProduce(Engine):
    """Calls produce(), nothing else."""

    name = "limit-produce"
    has_latency = False

    def takes_part_in(self, workload: Workload) -> bool:
        return workload.sink == "kafka"

    def prime(self, workload: Workload, server: MySqlServer) -> None:  # noqa: ARG002
        """There is no position."""
        self.base.mkdir(parents=True)

    def command(self, workload: Workload, run: Path) -> tuple[Sequence[str], Mapping[str, str]]:
        topic = f"bench.bench.{workload.table_names[0]}"
        return [
            *PROGRAM,
            "produce",
            str(run / "progress"),
            topic,
            str(workload.events),
            str(MESSAGE_BYTES),
        ], ENVIRONMENT
