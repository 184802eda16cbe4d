"""Consumers are killed, halted, and more and less of them; the database or Kafka lets go of them: each message is once.

Of all messages a fifth is sent twice, as a connector or relay does that was killed before it knew of the delivery.
"""

from __future__ import annotations

import random
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from sqlalchemy import URL

from tests.faults.conftest import Extent
from tests.faults.consumer import METADATA
from tests.faults.consumers import DEADLINE, PARTITIONS, Consumers, Load, members
from tests.kafka_broker import KafkaBroker
from tests.worker_process import wait_until

ARRIVALS = 40
"""How many messages are handled between two faults."""
Fault = Callable[[Consumers, random.Random], None]


@pytest.fixture
def kafka_bootstrap(request: pytest.FixtureRequest, kafka_bootstrap: str) -> str:
    """That which all tests share, or a test's own (`broker`)."""
    return request.getfixturevalue("broker").address if hasattr(request, "param") else kafka_bootstrap


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


def live_through(count: int, fault: Fault, consumers: Consumers, kafka: str, topic: str, dice: random.Random) -> None:
    """So many faults, each once some more messages were handled; then all that was sent must be there, once."""
    load = Load(kafka, topic, random.Random(dice.random()), consumers.count)
    for _ in range(3):
        consumers.start()
    load.start()
    try:
        for _ in range(count):
            target = consumers.count() + ARRIVALS
            wait_until(f"{target} messages", lambda: consumers.count() >= target, DEADLINE)  # noqa: B023
            fault(consumers, dice)
            consumers.check()
    finally:
        load.stop()
    total = load.total
    wait_until(f"all {total} messages", lambda: consumers.count() >= total, DEADLINE)
    consumers.wait_joined()
    for process in list(consumers.processes):
        assert consumers.end(process, signal.SIGTERM) == 0, consumers.log_text()
    print(f"{count} faults: {load.sent} messages of {total} ids, {consumers.count()} handled")
    assert consumers.handled() == {aggregate: list(range(steps)) for aggregate, steps in load.steps.items()}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_message_is_handled_once_and_in_order(
    fault: str, consumers: Consumers, kafka_bootstrap: str, topic: str, dice: random.Random, extent: Extent
) -> None:
    live_through(extent.kills, FAULTS[fault], consumers, kafka_bootstrap, topic, dice)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker that no other test is hurt by."""
    with KafkaBroker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.mark.parametrize("kafka_bootstrap", ["its own"], indirect=True)
def test_kafka_crashes(
    broker: KafkaBroker, consumers: Consumers, kafka_bootstrap: str, topic: str, dice: random.Random, extent: Extent
) -> None:
    live_through(extent.restarts, lambda *_: broker.crash(), consumers, kafka_bootstrap, topic, dice)


def test_a_consumer_that_was_halted_does_nothing_twice(
    consumers: Consumers, kafka_bootstrap: str, topic: str, dice: random.Random, extent: Extent
) -> None:
    """Longer than its session: the group gives its partitions to another, and it wakes up in the middle of one."""
    load = Load(kafka_bootstrap, topic, random.Random(dice.random()), consumers.count)
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
    total = load.total
    wait_until(f"all {total} messages", lambda: consumers.count() >= total, DEADLINE)
    assert consumers.handled() == {aggregate: list(range(steps)) for aggregate, steps in load.steps.items()}
