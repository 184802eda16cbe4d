"""A real worker for tests: `headwater worker` as a process of its own, spoken to over its REST API."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

DEADLINE = 60.0


def wait_until(what: str, condition: Callable[[], object], deadline: float = DEADLINE) -> None:
    """Until ``condition`` gives something true. Raises TimeoutError that says what was waited for."""
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {deadline} s")
        time.sleep(0.05)


class WorkerProcess:
    """One worker; started on entering, stopped with SIGTERM on leaving. Its state stays in ``folder``."""

    def __init__(self, folder: Path, bootstrap: str, **properties: str) -> None:
        self.folder = folder
        self.url = ""
        self.log = folder / "worker.log"
        self.state_file = folder / "worker.db"
        self._file = folder / "worker.properties"
        settings = {
            "bootstrap.servers": bootstrap,
            "listeners": "http://127.0.0.1:0",
            "offset.storage.file.filename": str(self.state_file),
            **properties,
        }
        self._file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process and wait until its REST API answers."""
        self.launch()
        self.wait_for_answer()

    def launch(self) -> None:
        """Start the process."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "headwater", "worker", str(self._file)], stdout=log, stderr=log
            )

    def wait_for_answer(self) -> None:
        """Until the REST API answers. Raises RuntimeError with the log where the process ends before that."""
        process = self.process
        assert process is not None

        def answers() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"the worker ended with status {process.returncode}:\n{self.log_text()}")
            started = [entry for entry in self.log_entries() if entry["event"] == "worker started"]
            if not started or started[-1]["process"] != process.pid:
                return False
            self.url = started[-1]["rest"][0]
            try:
                return httpx.get(self.url).status_code == httpx.codes.OK
            except httpx.TransportError:
                return False

        wait_until("the worker's REST API", answers)

    def kill(self) -> None:
        """End the process as a crash does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(DEADLINE)

    def stop(self) -> int:
        """Ask the process to end; its exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(DEADLINE)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
        if error is not None:
            error.add_note(f"the worker's log:\n{self.log_text()}")

    def log_text(self) -> str:
        """The end of what the worker wrote."""
        return self.log.read_text()[-8000:] if self.log.exists() else ""

    def log_entries(self) -> list[dict[str, Any]]:
        """Every whole line of the log so far."""
        lines = self.log.read_text().splitlines(keepends=True) if self.log.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def request(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        """A request to the REST API; ``body`` is sent as JSON."""
        content = None if body is None else json.dumps(body)
        return httpx.request(
            method,
            self.url + path,
            content=content,
            headers={"Content-Type": "application/json", **headers},
            timeout=DEADLINE,  # a pause is answered when what is under way is delivered
        )

    def create(self, name: str, config: Mapping[str, str]) -> None:
        """Create a connector and wait until its task runs."""
        answer = self.request("POST", "/connectors", {"name": name, "config": dict(config)})
        assert answer.status_code == httpx.codes.CREATED, answer.text
        self.wait_running(name)

    def wait_running(self, name: str) -> None:
        """Until the connector's task says RUNNING. Raises RuntimeError with its trace where it fails."""

        def running() -> bool:
            task = self.task(name)
            if task.get("state") == "FAILED":
                raise RuntimeError(task["trace"])
            return task.get("state") == "RUNNING"

        wait_until(f"the task of {name} to run", running)

    def task(self, name: str) -> dict[str, Any]:
        """The status of the connector's only task; empty while there is none."""
        tasks = self.request("GET", f"/connectors/{name}/status").json().get("tasks", [])
        return dict(tasks[0]) if tasks else {}

    def wait_for_state(self, name: str, state: str) -> dict[str, Any]:
        """The status of the connector's task once it is in ``state``."""
        wait_until(f"the task of {name} to be {state}", lambda: self.task(name).get("state") == state)
        return self.task(name)

    def fork_servers(self) -> list[int]:
        """The process id of the process that tasks are forked from."""
        assert self.process is not None
        return _children(self.process.pid)

    def task_processes(self) -> list[int]:
        """The process ids of the running tasks."""
        return [child for server in self.fork_servers() for child in _children(server)]


def _children(process: int) -> list[int]:
    return [
        int(child)
        for thread in Path(f"/proc/{process}/task").iterdir()
        for child in (thread / "children").read_text().split()
    ]
