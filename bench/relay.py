"""What a relay does: events a second by one to eight of them, latency, load on an idle database, cost of `publish`.

    eval "$(tools/services env)" && PYTHONPATH=. python bench/relay.py [--events 20000]

Throughput is that of a backlog of 1 KB events in 1,000 aggregates, from the moment a first event is COMPLETED until the
last one is, so that the start of the processes is no part of it. Latency is from before COMMIT until a consumer has the
message, one event at a time, by one to eight relays. The idle load is the statements that the database counts while
nothing is written.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from sqlalchemy import Connection, Engine, text

from headwater.outbox import Event
from headwater.outbox.sqlalchemy import Outbox
from tests.outboxes import RelayProcess, SqlOutbox, new_sql_outbox
from tests.worker_process import wait_until

DATABASES = ("mysql", "mariadb", "postgresql")
RELAYS = (1, 2, 4, 8)
AGGREGATES = 1_000
PAYLOAD = {"note": "x" * 1_000}
LATENCIES = 50
START_SECONDS = 5.0
IDLE_SECONDS = 10.0
TRANSACTIONS = 500
DEADLINE = 600.0


def event(number: int) -> Event:
    return Event("Order", str(number % AGGREGATES), "OrderPlaced", PAYLOAD)


def throughput(database: str, relays: int, events: int, bootstrap: str, folder: Path) -> float:
    """Events a second."""
    with new_sql_outbox(database, folder) as outbox, ExitStack() as stack:
        for first in range(0, events, 1_000):
            outbox.publish(*(event(number) for number in range(first, min(first + 1_000, events))))
        for _ in range(relays):
            stack.callback(RelayProcess(outbox.url, f"bench_{uuid.uuid4().hex}", bootstrap).kill)
        wait_until("the first delivery", lambda: outbox.delivered() > 0, DEADLINE)
        before, start = outbox.delivered(), time.perf_counter()
        wait_until("the last delivery", lambda: outbox.unfinished() == 0, DEADLINE)
        return (events - before) / (time.perf_counter() - start)


def latencies(database: str, relays: int, bootstrap: str, folder: Path) -> list[float]:
    """Milliseconds, one event at a time, in ascending order."""
    topic = f"bench_{uuid.uuid4().hex}"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "fetch.wait.max.ms": 5})
    consumer.assign([TopicPartition(topic, 0, 0)])
    with new_sql_outbox(database, folder) as outbox, ExitStack() as stack:
        stack.callback(consumer.close)
        for _ in range(relays):
            stack.callback(RelayProcess(outbox.url, topic, bootstrap).kill)
        _latency(outbox, consumer, 0)
        time.sleep(START_SECONDS)  # until all of them run
        return sorted(_latency(outbox, consumer, number) for number in range(LATENCIES))


def _latency(outbox: SqlOutbox, consumer: Consumer, number: int) -> float:
    start = time.perf_counter()
    outbox.publish(event(number))
    message = None
    while message is None or message.error() is not None:
        message = consumer.poll(DEADLINE)
    return (time.perf_counter() - start) * 1000


QUESTIONS = {
    "mysql": "SELECT variable_value FROM performance_schema.global_status WHERE variable_name = 'Questions'",
    "mariadb": "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'QUESTIONS'",
    "postgresql": "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()",
}
"""How many statements (in PostgreSQL transactions) the database has seen."""


def idle(database: str, bootstrap: str, folder: Path) -> float:
    """Statements a second that one relay asks of a database in which nothing happens; PostgreSQL: transactions."""
    with new_sql_outbox(database, folder) as outbox, ExitStack() as stack:
        relay = RelayProcess(outbox.url, f"bench_{uuid.uuid4().hex}", bootstrap)
        stack.callback(relay.kill)
        outbox.publish(event(0))
        wait_until("the first delivery", lambda: outbox.unfinished() == 0, DEADLINE)
        time.sleep(START_SECONDS)  # until it asks as seldom as it ever does
        before = _questions(outbox.engine, database)
        time.sleep(IDLE_SECONDS)
        return (_questions(outbox.engine, database) - before) / IDLE_SECONDS


def _questions(engine: Engine, database: str) -> int:
    with engine.connect() as connection:
        return int(connection.scalars(text(QUESTIONS[database])).one())


def cost_of_publish(database: str, folder: Path) -> tuple[float, float]:
    """Microseconds that `publish` adds to a transaction, with a row that is deleted at once and one that stays."""
    added = []
    with new_sql_outbox(database, folder) as outbox:
        with outbox.engine.begin() as connection:
            connection.execute(text("CREATE TABLE orders (id INT PRIMARY KEY, total INT)"))
        bare = _transaction_time(outbox.engine, lambda _connection, _number: None, 0)
        for kind, delivery in enumerate(("log", "relay"), start=1):
            table = outbox.table if delivery == "relay" else _without_status(outbox)
            publisher = Outbox(table)

            def publish(connection: Connection, number: int, publisher: Outbox = publisher) -> Any:
                return publisher.publish(connection, event(number))

            added.append(_transaction_time(outbox.engine, publish, kind) - bare)
    return added[0], added[1]


def _without_status(outbox: SqlOutbox) -> Any:
    from sqlalchemy import MetaData

    from headwater.outbox.sqlalchemy import outbox_table

    return outbox_table(MetaData(), outbox.table.name)


def _transaction_time(engine: Engine, further: Callable[[Connection, int], Any], kind: int) -> float:
    """The median transaction that inserts a row and does something further, in microseconds."""
    times = []
    for number in range(TRANSACTIONS):
        start = time.perf_counter()
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO orders VALUES (:id, 1)"), {"id": kind * TRANSACTIONS + number})
            further(connection, number)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--databases", default=",".join(DATABASES))
    arguments = parser.parse_args()
    bootstrap = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    print("| database | " + " | ".join(f"{count} relays" for count in RELAYS) + " | latency | idle | publish |")
    print("|---" * (len(RELAYS) + 4) + "|")
    for database in arguments.databases.split(","):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            rates = [throughput(database, count, arguments.events, bootstrap, folder) for count in RELAYS]
            times = [latencies(database, count, bootstrap, folder) for count in RELAYS]
            slowest = max(each[-1] for each in times)
            log, relay = cost_of_publish(database, folder)
            questions = idle(database, bootstrap, folder)
            cells = (
                *(f"{rate:,.0f}/s" for rate in rates),
                ", ".join(f"{statistics.median(each):.0f}" for each in times) + f" ms, slowest {slowest:.0f} ms",
                f"{questions:.1f}/s",
                f"log {log:.0f} µs, relay {relay:.0f} µs",
            )
            print(f"| {database} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
