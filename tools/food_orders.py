"""All of it running on one machine: four services, and what delivers their events."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

SERVICES = ("order", "payment", "restaurant", "customer")
START_SECONDS = 60.0


class ProcessEndedError(Exception):
    """A process has ended, or does not answer."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class FoodOrders:
    """The processes, by name: the services', and ``relay-SERVICE`` for each relay. Their logs are in ``folder``.

    ``prefix`` stands in front of the names of databases, topics and groups.
    """

    mongodb_url: str
    bootstrap_servers: str
    folder: Path
    prefix: str = ""
    ports: dict[str, int] = field(default_factory=lambda: {name: _free_port() for name in SERVICES})
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        for name in SERVICES:
            self.start(name)
        for name in SERVICES:
            self.wait_for(name)
        for name in SERVICES:
            self.start(f"relay-{name}")
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def url(self, service: str) -> str:
        """Where a service listens."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def start(self, name: str) -> None:
        """Start a process, or start it again."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self._command(name),
                env=os.environ | self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=Path(__file__).parent.parent,
            )

    def kill(self, name: str) -> None:
        """Kill a process, as a machine that fails does."""
        self.processes[name].kill()
        self.processes[name].wait()

    def wait_for(self, service: str) -> None:
        """Until a service answers. Raises `ProcessEndedError`."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            status = self.processes[service].poll()
            if status is not None:
                log = (self.folder / f"{service}.log").read_text()
                raise ProcessEndedError(f"{service} ended with status {status}:\n{log[-3000:]}")
            try:
                with urllib.request.urlopen(f"{self.url(service)}/openapi.json", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise ProcessEndedError(f"{service} did not answer within {START_SECONDS:.0f} s; its log is in {self.folder}")

    def _environment(self) -> dict[str, str]:
        return {
            "MONGODB_URL": self.mongodb_url,
            "BROKER": f"kafka://{self.bootstrap_servers}",
            "NAME_PREFIX": self.prefix,
            "DELIVERY": "relay",
        }

    def _command(self, name: str) -> list[str]:
        kind, _, service = name.rpartition("-")
        if kind != "relay":
            return [sys.executable, "-m", "examples.food_orders", name, "--port", str(self.ports[name])]
        return [
            *(sys.executable, "-m", "headwater", "relay"),
            *("--url", _in_database(self.mongodb_url, self.prefix + service)),
            *("--bootstrap-servers", self.bootstrap_servers),
            *("--topic", f"{self.prefix}${{routedByValue}}"),
        ]


def _in_database(url: str, database: str) -> str:
    """The URL with that database; the user is still looked for where it was."""
    parts = urlsplit(url)
    query = parts.query
    if parts.username and "authSource" not in query:
        query = f"{query}&authSource={parts.path.strip('/') or 'admin'}".lstrip("&")
    return urlunsplit(parts._replace(path=f"/{database}", query=query))
