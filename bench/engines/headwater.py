"""Headwater: the worker as users start it, or the same with a counting sink."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.engine import Engine, converters, write_properties
from bench.server import NAME
from bench.workload import ServerT, Workload
from headwater.stores.sqlite import SqliteStore

REPOSITORY = Path(__file__).parents[2]
COUNTING = "from bench.engines.counting import run; run()"
STATE_FILE = "headwater.db"
PRIME_SECONDS = 60


class Headwater(Engine):
    """The modules compiled by mypyc, where they are."""

    name = "headwater"

    @property
    def state_of(self) -> str:
        return "headwater"

    def prime(self, workload: Workload[ServerT], server: ServerT) -> None:
        """Run until the task says RUNNING: then its start position is stored."""
        self.base.mkdir(parents=True)
        store = SqliteStore(self.base / STATE_FILE)
        store.put_connector(NAME, {"name": NAME, **workload.connector(server)})
        store.close()
        run = self.launch(workload)
        try:
            run.wait_until("a task that is RUNNING", lambda: _is_running(run.log_file), PRIME_SECONDS)
            run.stop()
        finally:
            run.kill()
        for file in run.folder.glob(f"{STATE_FILE}*"):
            file.rename(self.base / file.name)

    def command(self, workload: Workload[Any], run: Path) -> tuple[Sequence[str], Mapping[str, str]]:
        properties = {
            "listeners": "http://127.0.0.1:0",
            "bootstrap.servers": os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092"),
            "offset.storage.file.filename": str(run / STATE_FILE),
            **converters(workload),
        }
        file = write_properties(run / "worker.properties", properties)
        program = ["-c", COUNTING] if workload.sink == "counting" else ["-m", "headwater"]
        environment = {"PYTHONPATH": str(REPOSITORY), "HEADWATER_BENCH_PROGRESS": str(run / "progress")}
        return [sys.executable, *program, "worker", str(file)], environment


class HeadwaterInterpreted(Headwater):
    """The same without the compiled modules."""

    name = "headwater-interpreted"
    has_latency = False

    def command(self, workload: Workload[Any], run: Path) -> tuple[Sequence[str], Mapping[str, str]]:
        command, environment = super().command(workload, run)
        return command, {**environment, "HEADWATER_INTERPRETED": "1"}


def _is_running(log: Path) -> bool:
    """Whether the worker that writes ``log`` says so of its task."""
    entries = [json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("}\n")]
    urls = [entry["rest"][0] for entry in entries if entry["event"] == "worker started"]
    if not urls:
        return False
    with urllib.request.urlopen(f"{urls[0]}/connectors/{NAME}/status") as answer:
        return any(task["state"] == "RUNNING" for task in json.load(answer)["tasks"])
