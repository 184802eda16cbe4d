"""What the fault tests of consumers are made of: a load of messages, and processes of one group that handle them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from sqlalchemy import URL, Engine, create_engine, select, text

from tests.faults.consumer import HANDLED
from tests.worker_process import wait_until

PARTITIONS = 4
AGGREGATES = 40
PACE_SECONDS = 0.002
AHEAD, LOOK_EVERY = 500, 50
"""How many messages may wait, and how often that is looked at."""
DEADLINE = 120.0


class Load(threading.Thread):
    """Sends each aggregate's steps in their order, until told to stop; never far ahead of what was ``handled``."""

    def __init__(self, kafka: str, topic: str, dice: random.Random, handled: Callable[[], int]) -> None:
        super().__init__()
        self.steps: dict[str, int] = defaultdict(int)
        self.sent = 0
        self._topic = topic
        self._dice = dice
        self._handled = handled
        self._producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(PACE_SECONDS):
            if self.total % LOOK_EVERY == 0 and self.total - self._handled() > AHEAD:
                continue
            aggregate = f"a{self._dice.randrange(AGGREGATES)}"
            step = self.steps[aggregate]
            self.steps[aggregate] += 1
            times = 2 if self._dice.random() < 0.2 else 1
            for _ in range(times):
                headers = [("id", f"{aggregate}/{step}".encode())]
                self._producer.produce(self._topic, str(step), aggregate, headers=headers)
                self.sent += 1
        self._producer.flush()

    @property
    def total(self) -> int:
        """How many messages are to be handled."""
        return sum(self.steps.values())

    def stop(self) -> None:
        self._stopping.set()
        self.join()


class Consumers:
    """Processes of one group on one table."""

    def __init__(self, folder: Path, database: URL, kafka: str, topic: str) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self.engine: Engine = create_engine(database)
        self._log = folder / "consumers.log"
        self._kafka, self._topic = kafka, topic
        self._environment = {
            **os.environ,
            "FAULTS_DATABASE": database.render_as_string(hide_password=False),
            "FAULTS_KAFKA": kafka,
            "FAULTS_TOPIC": topic,
        }

    def start(self) -> None:
        command = [sys.executable, "-m", "headwater", "inbox", "run", "tests.faults.consumer:subscription"]
        with self._log.open("ab") as log:
            self.processes.append(subprocess.Popen(command, env=self._environment, stdout=log, stderr=log))

    def end(self, process: subprocess.Popen[bytes], number: signal.Signals) -> int:
        """Its exit status."""
        process.send_signal(number)
        self.processes.remove(process)
        return process.wait(60)

    def wait_joined(self) -> None:
        """Until the group has all of them as members."""
        wait_until("all members", lambda: len(members(self._kafka, self._topic)) == len(self.processes), DEADLINE)

    def check(self) -> None:
        """None ended by itself."""
        assert [process.poll() for process in self.processes] == [None] * len(self.processes), self.log_text()

    def cut_connections(self) -> None:
        """The server lets go of every connection to the database, in whatever it is doing."""
        with self.engine.connect() as connection:
            query = text(
                "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
            )
            for number in connection.scalars(query).all():
                try:
                    connection.execute(text(f"KILL {number}"))
                except Exception:  # it has ended meanwhile
                    connection.rollback()

    def handled(self) -> dict[str, list[int]]:
        """The steps of each aggregate, in the order in which they were handled."""
        steps: dict[str, list[int]] = defaultdict(list)
        with self.engine.connect() as connection:
            for aggregate, step in connection.execute(
                select(HANDLED.c.aggregate, HANDLED.c.step).order_by(HANDLED.c.n)
            ):
                steps[aggregate].append(step)
        return steps

    def count(self) -> int:
        with self.engine.connect() as connection:
            return connection.execute(text("SELECT COUNT(*) FROM handled")).scalar_one()

    def log_text(self) -> str:
        return self._log.read_text()[-5000:]


def members(kafka: str, group: str) -> list[int]:
    """How many partitions each member of the group has."""
    admin = AdminClient({"bootstrap.servers": kafka})
    description = admin.describe_consumer_groups([group])[group].result(30)
    return [len(member.assignment.topic_partitions) for member in description.members]
