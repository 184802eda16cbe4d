"""What a relay asks of an outbox, by the queue on each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.monitoring import CommandListener
from sqlalchemy import Engine, event, make_url

from headwater.outbox import Event
from headwater.relay.queue import Claim, Failure, Queue, QueueError
from headwater.relay.queues import open_queue
from headwater.relay.queues.mongodb import MongoQueue
from tests.outboxes import AnyOutbox, MongoOutbox, new_sql_outbox

LIMIT = 10
FAR = 3600.0


class Commands(CommandListener):
    """Counts what a MongoDB server is asked."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, _event: object) -> None:
        self.count += 1

    def succeeded(self, _event: object) -> None: ...

    def failed(self, _event: object) -> None: ...


@contextmanager
def watched_queue(outbox: AnyOutbox) -> Iterator[tuple[Queue, Callable[[], int]]]:
    """A queue, and how many statements it has asked of the database."""
    if isinstance(outbox, MongoOutbox):
        commands = Commands()
        client = MongoClient(outbox.url, tz_aware=True, event_listeners=[commands])
        with closing(MongoQueue(client, client.get_default_database()["outbox"], keep=True)) as queue:
            yield queue, lambda: commands.count
        return
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with closing(open_queue(outbox.url, "outbox")) as queue:
            yield queue, lambda: len(statements)
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def lease(_queue: Queue, _claim: Claim) -> None:
    """As another relay, whose lease runs still."""


def wait_for_retry(queue: Queue, claim: Claim) -> None:
    queue.settle(claim, [], [Failure(claim.events[0], "refused", FAR)])


def give_up(queue: Queue, claim: Claim) -> None:
    queue.settle(claim, [], [Failure(claim.events[0], "refused", None)])


def placed(aggregate: str) -> Event:
    return Event("Order", aggregate, "OrderPlaced", {})


@pytest.mark.parametrize("block", [lease, wait_for_retry, give_up])
def test_what_waits_does_not_slow_the_others_however_much_it_is(
    outbox: AnyOutbox, block: Callable[[Queue, Claim], None]
) -> None:
    with watched_queue(outbox) as (queue, asked):

        def statements_for(aggregate: str) -> int:
            before = asked()
            claim = queue.claim(LIMIT, FAR, hold=True)
            assert claim is not None
            assert {each.aggregate.id for each in claim.events} == {aggregate}
            count = asked() - before
            queue.settle(claim, claim.events, [])
            return count

        outbox.publish(*[placed("waits")] * 2 * LIMIT)
        claim = queue.claim(LIMIT, FAR, hold=True)
        assert claim is not None
        block(queue, claim)
        outbox.publish(placed("1"))
        few = statements_for("1")
        outbox.publish(*[placed("waits")] * 10 * LIMIT, placed("2"))
        assert statements_for("2") == few
        assert queue.claim(LIMIT, FAR, hold=True) is None


def test_a_claim_finds_rows_by_the_indexes_in_sqlite(tmp_path: Path) -> None:
    """Its planner takes a partial index only where a statement repeats the index's condition."""
    with new_sql_outbox("sqlite", tmp_path) as outbox, closing(open_queue(outbox.url, "outbox")) as queue:
        outbox.publish(placed("1"))
        asked: list[tuple[str, Any]] = []

        def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
            if statement.startswith("SELECT"):
                asked.append((statement, parameters))

        event.listen(Engine, "before_cursor_execute", note)
        queue.claim(LIMIT, FAR, hold=True)
        event.remove(Engine, "before_cursor_execute", note)
        with outbox.engine.connect() as connection:
            plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {each}", given).all() for each, given in asked]
        window, heads, events = ([row[3] for row in plan] for plan in plans)
    assert "SEARCH outbox USING INDEX ix_outbox_status (status=? AND position>?)" in window
    for plan in (heads, events):
        assert any("SEARCH earlier USING INDEX ix_outbox_aggregate" in step for step in plan)


@pytest.mark.parametrize(
    "driver",
    ["mysql+asyncmy", "mariadb+asyncmy", "postgresql+asyncpg", "postgresql+psycopg_async", "sqlite+aiosqlite"],
)
def test_a_url_of_a_service_in_asyncio_is_taken(driver: str, tmp_path: Path) -> None:
    """With the driver that a relay has, whether that of the URL is installed or not."""
    with new_sql_outbox(driver.partition("+")[0], tmp_path) as outbox:
        outbox.publish(placed("1"))
        url = make_url(outbox.url).set(drivername=driver).render_as_string(hide_password=False)
        with closing(open_queue(url, "outbox")) as queue:
            queue.check()
            claim = queue.claim(LIMIT, FAR, hold=True)
        assert claim is not None


def test_a_driver_that_is_missing_is_told_of_with_the_one_that_would_do() -> None:
    with pytest.raises(QueueError, match=r"'psycopg2': pip install 'headwater\[postgresql\]', and leave the driver"):
        open_queue("postgresql+psycopg2://localhost/shop", "outbox")
