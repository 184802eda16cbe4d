"""Relays are killed and stopped, the database or Kafka crashes, under load: nothing lost, each aggregate in order."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Extent
from tests.faults.relays import Accounts, MongoAccounts, Relays, SqlAccounts, live_through
from tests.faults.verdict import Verdict
from tests.kafka_broker import KafkaBroker
from tests.outboxes import AnyOutbox, MongoOutbox, SqlOutbox, new_sql_outbox
from tests.postgres_server import PostgresServer

Report = Callable[[int, Verdict], None]


@pytest.fixture
def topic() -> str:
    return f"faults_{uuid.uuid4().hex[:12]}"


@pytest.fixture(params=["mysql", "mariadb", "postgresql", "mongodb"])
def owed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[AnyOutbox, Accounts]]:
    """An outbox, and the accounts that publish through it."""
    if request.param == "mongodb":
        database = request.getfixturevalue("mongodb_database")
        outbox = MongoOutbox(request.getfixturevalue("mongodb_url"), database)
        yield outbox, MongoAccounts(outbox, database)
    else:
        with new_sql_outbox(request.param, tmp_path) as outbox:
            yield outbox, SqlAccounts(outbox)


def test_relays_are_killed_and_stopped(
    owed: tuple[AnyOutbox, Accounts],
    topic: str,
    kafka_bootstrap: str,
    dice: random.Random,
    seed: int,
    extent: Extent,
    report: Report,
) -> None:
    """One that is stopped for longer than its lease wakes up with claims that others have worked on meanwhile."""
    outbox, accounts = owed
    with Relays(outbox, topic, kafka_bootstrap, extent.relays) as relays:
        faults = [relays.kill_one, relays.stop_one_for_longer_than_its_lease] * (extent.relay_kills // 2)
        dice.shuffle(faults)
        verdict = live_through(relays, accounts, [lambda fault=fault: fault(dice) for fault in faults], seed)
    report(len(faults), verdict)
    verdict.assert_complete()


def test_the_database_crashes(
    postgres: PostgresServer, topic: str, kafka_bootstrap: str, seed: int, extent: Extent, report: Report
) -> None:
    outbox = SqlOutbox(postgres.url)
    with Relays(outbox, topic, kafka_bootstrap, extent.relays) as relays:
        verdict = live_through(relays, SqlAccounts(outbox), [postgres.crash] * extent.restarts, seed)
    outbox.engine.dispose()
    report(extent.restarts, verdict)
    verdict.assert_complete()


def test_kafka_crashes(
    broker: KafkaBroker, topic: str, tmp_path: Path, seed: int, extent: Extent, report: Report
) -> None:
    """What was sent and not acknowledged is sent again, by whichever relay has the lease then."""
    with (
        new_sql_outbox("mysql", tmp_path) as outbox,
        Relays(outbox, topic, broker.address, extent.relays) as relays,
    ):
        verdict = live_through(relays, SqlAccounts(outbox), [broker.crash] * extent.restarts, seed)
    report(extent.restarts, verdict)
    verdict.assert_complete()
