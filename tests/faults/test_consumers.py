"""Consumers are killed, halted, and more and less of them; connections to the database are cut: each message is once.

Of all messages a fifth is sent twice, as a connector or relay does that was killed before it knew of the delivery.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from sqlalchemy import URL, Engine, create_engine, select, text

from tests.faults.conftest import Extent
from tests.faults.consumer import HANDLED, METADATA
from tests.worker_process import wait_until

PARTITIONS = 4
AGGREGATES = 40
PACE_SECONDS = 0.002
ARRIVALS = 40
"""How many messages are handled between two faults."""
DEADLINE = 120.0


class Load(threading.Thread):
    """Sends each aggregate's steps in their order, until told to stop."""

    def __init__(self, kafka: str, topic: str, dice: random.Random) -> None:
        super().__init__()
        self.steps: dict[str, int] = defaultdict(int)
        self.sent = 0
        self._topic = topic
        self._dice = dice
        self._producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(PACE_SECONDS):
            aggregate = f"a{self._dice.randrange(AGGREGATES)}"
            step = self.steps[aggregate]
            self.steps[aggregate] += 1
            times = 2 if self._dice.random() < 0.2 else 1
            for _ in range(times):
                headers = [("id", f"{aggregate}/{step}".encode())]
                self._producer.produce(self._topic, str(step), aggregate, headers=headers)
                self.sent += 1
        self._producer.flush()

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


@pytest.fixture
def topic(kafka_bootstrap: str) -> Iterator[str]:
    name = f"faults_{uuid.uuid4().hex[:12]}"
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result(30)
    yield name
    admin.delete_topics([name])[name].result(30)


@pytest.fixture
def consumers(mysql_database: URL, kafka_bootstrap: str, topic: str, tmp_path: Path) -> Iterator[Consumers]:
    consumers = Consumers(tmp_path, mysql_database.set(drivername="mysql+pymysql"), kafka_bootstrap, topic)
    METADATA.create_all(consumers.engine)
    yield consumers
    for process in list(consumers.processes):
        process.send_signal(signal.SIGCONT)
        consumers.end(process, signal.SIGKILL)
    consumers.engine.dispose()


def kill(consumers: Consumers, dice: random.Random) -> None:
    consumers.end(dice.choice(consumers.processes), signal.SIGKILL)
    consumers.start()


def rebalance(consumers: Consumers, dice: random.Random) -> None:
    consumers.start()
    consumers.wait_joined()
    assert consumers.end(dice.choice(consumers.processes[:-1]), signal.SIGTERM) == 0, consumers.log_text()


def cut(consumers: Consumers, _: random.Random) -> None:
    consumers.cut_connections()


FAULTS = {"killed": kill, "rebalanced": rebalance, "cut": cut}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_message_is_handled_once_and_in_order(
    fault: str,
    consumers: Consumers,
    kafka_bootstrap: str,
    topic: str,
    dice: random.Random,
    extent: Extent,
) -> None:
    load = Load(kafka_bootstrap, topic, random.Random(dice.random()))
    for _ in range(3):
        consumers.start()
    load.start()
    try:
        for _ in range(extent.kills):
            target = consumers.count() + ARRIVALS
            wait_until(f"{target} messages", lambda: consumers.count() >= target, DEADLINE)  # noqa: B023
            FAULTS[fault](consumers, dice)
            consumers.check()
    finally:
        load.stop()
    total = sum(load.steps.values())
    wait_until(f"all {total} messages", lambda: consumers.count() >= total, DEADLINE)
    for process in list(consumers.processes):
        assert consumers.end(process, signal.SIGTERM) == 0, consumers.log_text()
    print(
        f"{fault}: {extent.kills} faults, {load.sent} messages sent, {total} of them once, {consumers.count()} handled"
    )
    assert consumers.handled() == {aggregate: list(range(steps)) for aggregate, steps in load.steps.items()}


def test_a_consumer_that_was_halted_does_nothing_twice(
    consumers: Consumers, kafka_bootstrap: str, topic: str, dice: random.Random, extent: Extent
) -> None:
    """Longer than its session: the group gives its partitions to another, and it wakes up in the middle of one."""
    load = Load(kafka_bootstrap, topic, random.Random(dice.random()))
    for _ in range(2):
        consumers.start()
    load.start()
    try:
        for _ in range(max(1, extent.kills // 4)):
            target = consumers.count() + ARRIVALS
            wait_until(f"{target} messages", lambda: consumers.count() >= target, DEADLINE)  # noqa: B023
            halted = dice.choice(consumers.processes)
            halted.send_signal(signal.SIGSTOP)
            other = next(process for process in consumers.processes if process is not halted)
            wait_until("the other has all partitions", lambda: PARTITIONS in members(kafka_bootstrap, topic), DEADLINE)
            halted.send_signal(signal.SIGCONT)
            assert other.poll() is None
    finally:
        load.stop()
    total = sum(load.steps.values())
    wait_until(f"all {total} messages", lambda: consumers.count() >= total, DEADLINE)
    assert consumers.handled() == {aggregate: list(range(steps)) for aggregate, steps in load.steps.items()}


def members(kafka: str, group: str) -> list[int]:
    """How many partitions each member of the group has."""
    admin = AdminClient({"bootstrap.servers": kafka})
    description = admin.describe_consumer_groups([group])[group].result(30)
    return [len(member.assignment.topic_partitions) for member in description.members]
