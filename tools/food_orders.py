"""All of it running on one machine: four services, and what delivers their events."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from confluent_kafka.admin import AdminClient, NewTopic

from examples.food_orders import delivery, messages
from examples.food_orders.settings import Settings
from headwater.outbox.table import Delivery
from tools.ports import free_port

SERVICES = ("order", "payment", "restaurant", "customer")
TOPICS = (
    messages.PAYMENT_REQUEST,
    messages.PAYMENT_RESPONSE,
    messages.RESTAURANT_APPROVAL_REQUEST,
    messages.RESTAURANT_APPROVAL_RESPONSE,
    messages.CUSTOMER_CREATE,
)
PARTITIONS = 3
WORKER, CONNECTOR = "worker", "food-orders"
LEASE = "3s"
"""How soon another relay goes on with what one that was killed had begun."""
START_SECONDS = 60.0


class ProcessEndedError(Exception):
    """A process has ended, or does not answer."""


def _everywhere(by: Delivery) -> dict[str, Delivery]:
    return dict.fromkeys(SERVICES, by)


@dataclass
class FoodOrders:
    """The processes, by name: the services', ``relay-SERVICE`` for each relay, ``worker`` for log capture.

    ``settings``  those of every service, but for ``delivery``
    ``delivery``  one for all services, or each service's own
    ``folder``    for logs, and the worker's state
    """

    settings: Settings
    folder: Path
    delivery: Delivery | Mapping[str, Delivery] = Delivery.RELAY
    ports: dict[str, int] = field(init=False)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        listeners = (*SERVICES, WORKER)
        self.ports = dict(zip(listeners, itertools.count(free_port(len(listeners))), strict=False))
        by = _everywhere(self.delivery) if isinstance(self.delivery, Delivery) else self.delivery
        self._captured = [name for name in SERVICES if by[name] is Delivery.LOG]
        self._relays = [f"relay-{name}" for name in SERVICES if name not in self._captured]
        self._settings = {name: replace(self.settings, delivery=by[name]) for name in SERVICES}

    def __enter__(self) -> Self:
        self._create_topics()
        try:
            listening = (*SERVICES, WORKER) if self._captured else SERVICES
            for name in listening:
                self.start(name)
            for name in listening:
                self.wait_for(name)
            for name in self._relays:  # now that the outboxes are there
                self.start(name)
            if self._captured:
                self._create_connector()
        except BaseException:
            self.__exit__()
            raise
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

    @property
    def deliverers(self) -> list[str]:
        """The names of the processes that deliver events."""
        return [*self._relays, WORKER] if self._captured else self._relays

    def url(self, name: str) -> str:
        """Where a service, or the worker, listens."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def start(self, name: str) -> None:
        """Start a process, or start it again."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self._command(name),
                env=os.environ | self._environment(name),
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=Path(__file__).parent.parent,
            )

    def kill(self, name: str) -> None:
        """Kill a process, as a machine that fails does."""
        self.processes[name].kill()
        self.processes[name].wait()

    def check(self) -> None:
        """Raises `ProcessEndedError` where one has ended by itself."""
        for name, process in self.processes.items():
            status = process.poll()
            if status is not None:
                raise ProcessEndedError(f"{name} ended with status {status}:\n{self._log(name)}")

    def wait_for(self, name: str) -> None:
        """Until a service, or the worker, answers. Raises `ProcessEndedError`."""

        def answers() -> bool:
            self.check()
            try:
                with urllib.request.urlopen(f"{self.url(name)}/openapi.json", timeout=5):
                    return True
            except (urllib.error.URLError, OSError):
                return False

        self._wait(f"{name} did not answer", answers)

    def _create_topics(self) -> None:
        """So that consumers needn't look for them."""
        names = [self.settings.prefix + topic for topic in TOPICS]
        admin = AdminClient({"bootstrap.servers": urlsplit(self.settings.broker).netloc})
        for created in admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names]).values():
            created.result(START_SECONDS)

    def _create_connector(self) -> None:
        """Until it runs: what is published from then on is delivered."""
        config = delivery.connector(self.settings, self._captured)
        path = f"/connectors/{CONNECTOR}"
        self._ask_worker("PUT", f"{path}/config", config)

        def runs() -> bool:
            tasks = self._ask_worker("GET", f"{path}/status")["tasks"]
            if any(task["state"] == "FAILED" for task in tasks):
                raise ProcessEndedError(f"the connector has failed: {tasks[0]['trace']}")
            return [task["state"] for task in tasks] == ["RUNNING"]

        self._wait("the connector does not run", runs)

    def _ask_worker(self, method: str, path: str, body: object = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url(WORKER) + path, content, headers, method=method)
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
            return json.load(answer)

    def _wait(self, otherwise: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise ProcessEndedError(f"{otherwise} within {START_SECONDS:.0f} s; its log is in {self.folder}")
            time.sleep(0.1)

    def _log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()[-3000:]

    def _environment(self, name: str) -> dict[str, str]:
        return self._settings[name].environment() if name in SERVICES else {}

    def _command(self, name: str) -> list[str]:
        if name in SERVICES:
            return [sys.executable, "-m", "examples.food_orders", name, "--port", str(self.ports[name])]
        command = [sys.executable, "-m", "headwater"]
        if name == WORKER:
            return [*command, "worker", str(self._properties(name))]
        _, _, service = name.partition("-")
        return [
            *(*command, "relay", str(self._properties(name))),
            *("--url", _in_database(self.settings.mongodb_url, self.settings.prefix + service)),
            *("--topic", delivery.topic(self.settings), "--expand-json-payload"),
            *("--lease", LEASE),
        ]

    def _properties(self, name: str) -> Path:
        """The file of options that a relay, or the worker, is started with."""
        options = {**delivery.converters(self.settings), "bootstrap.servers": urlsplit(self.settings.broker).netloc}
        if name == WORKER:
            options["listeners"] = self.url(WORKER)
            options["offset.storage.file.filename"] = str(self.folder / "worker.db")
        file = self.folder / f"{name}.properties"
        file.write_text("".join(f"{option}={value}\n" for option, value in options.items()))
        return file


def _in_database(url: str, database: str) -> str:
    """The URL with that database; the user is still looked for where it was."""
    parts = urlsplit(url)
    query = parts.query
    if parts.username and "authSource" not in query:
        query = f"{query}&authSource={parts.path.strip('/') or 'admin'}".lstrip("&")
    return urlunsplit(parts._replace(path=f"/{database}", query=query))
