"""Eight relays on one outbox, killed and stopped at any moment, under load: nothing lost, each aggregate in order."""

from __future__ import annotations

import random
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults import processes
from tests.faults.conftest import Extent
from tests.faults.relays import Accounts, MongoAccounts, SqlAccounts, Writers, has_all, judge
from tests.faults.verdict import Verdict
from tests.outboxes import AnyOutbox, MongoOutbox, RelayProcess, new_sql_outbox
from tests.topic import read_topic
from tests.worker_process import wait_until

RELAYS = 8
LEASE_SECONDS = 2
BATCH = 20
"""Events a claim takes: few, so that relays meet."""


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
    kafka_bootstrap: str,
    dice: random.Random,
    seed: int,
    extent: Extent,
    report: Callable[[int, Verdict], None],
) -> None:
    """One that is stopped for longer than its lease wakes up with claims that others have worked on meanwhile."""
    outbox, accounts = owed
    topic = f"faults_{uuid.uuid4().hex[:12]}"
    options = ("--lease", f"{LEASE_SECONDS}s", "--batch", str(BATCH), "--poll", "100ms")

    def start() -> RelayProcess:
        return RelayProcess(outbox.url, topic, kafka_bootstrap, *options)

    with ExitStack() as stack:
        relays = [start() for _ in range(RELAYS)]
        stack.callback(lambda: [relay.kill() for relay in relays])
        with Writers(accounts, seed):
            for _ in range(extent.kills):
                before = outbox.delivered()
                wait_until("further deliveries", lambda before=before: outbox.delivered() > before + 5 * BATCH)
                victim = dice.randrange(RELAYS)
                if dice.random() < 0.5:
                    relays[victim].kill()
                    relays[victim] = start()
                else:
                    stop_for_longer_than_a_lease(relays[victim].pid)
        versions = accounts.versions()
        wait_until("every event's completion", lambda: outbox.unfinished() == 0)
        messages = read_topic(kafka_bootstrap, topic, lambda messages: has_all(versions, messages))
    verdict = judge(versions, messages)
    report(extent.kills, verdict)
    verdict.assert_complete()


def stop_for_longer_than_a_lease(process: int) -> None:
    """Stop the process, and let it go on."""
    processes.kill(process, signal.SIGSTOP)
    end = time.monotonic() + LEASE_SECONDS + 1
    wait_until("the end of its leases", lambda: time.monotonic() > end)
    processes.kill(process, signal.SIGCONT)
