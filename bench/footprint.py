"""What a worker with one task takes: memory of each process, and the time from its start to the first event.

    eval "$(tools/services env)" && PYTHONPATH=. python bench/footprint.py

The connector reads an outbox table with a JSON column. Each run starts the worker anew on a stored offset, with rows
waiting in the log; the time counts from before the process is started until the first message is read from Kafka.
Memory is read once 20,000 more rows were delivered, as PSS: a page that several processes share counts in equal parts.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymysql
from confluent_kafka import Consumer, TopicPartition

from bench.record import TABLE, payload
from headwater.worker.kernel import process_usage
from tests.worker_process import WorkerProcess, wait_until

RUNS = 5
ROWS = 20_000
ROWS_A_TRANSACTION = 20


def insert(connection: pymysql.Connection[Any], rows: int) -> None:
    """Write outbox rows, some a transaction."""
    with connection.cursor() as cursor:
        for first in range(0, rows, ROWS_A_TRANSACTION):
            numbers = range(first, min(first + ROWS_A_TRANSACTION, rows))
            cursor.executemany(
                "INSERT INTO outbox (id, aggregate_type, aggregate_id, type, payload) VALUES (%s, 'order', %s, %s, %s)",
                [(str(uuid.uuid4()), str(number), "OrderPlaced", payload(number)) for number in numbers],
            )
            connection.commit()


def connector(url: Any, database: str) -> dict[str, str]:
    """A connector for the outbox table."""
    return {
        "connector.class": "mysql",
        "topic.prefix": database,
        "database.hostname": url.hostname,
        "database.port": str(url.port),
        "database.user": url.username,
        "database.password": url.password or "",
        "database.server.id": str(uuid.uuid4().int % 2**31 + 1),
        "table.include.list": f"{database}.outbox",
        "snapshot.mode": "no_data",
        "include.schema.changes": "false",
    }


def processes(worker: WorkerProcess) -> dict[str, int]:
    """The worker's processes by what they are."""
    assert worker.process is not None
    pid = worker.process.pid
    found = {"worker": pid}
    (found["fork server"],) = worker.fork_servers()
    (found["task"],) = worker.task_processes()
    return found


def print_memory(worker: WorkerProcess) -> None:
    """PSS and RSS of each process, and the sum."""
    total = 0.0
    print(f"{'process':20} {'PSS MB':>8} {'RSS MB':>8}")
    for name, pid in processes(worker).items():
        usage = process_usage(pid)
        assert usage is not None, name
        total += usage.proportional_bytes
        print(f"{name:20} {usage.proportional_bytes / 1e6:8.1f} {usage.resident_bytes / 1e6:8.1f}")
    print(f"{'sum':20} {total / 1e6:8.1f}")


def is_idle(worker: WorkerProcess) -> bool:
    """Whether the task has told that all it sent is acknowledged, and that it has read the log to its end."""
    told = worker.request("GET", "/metrics").text.splitlines()
    awaited = ("headwater_task_unacknowledged_records{", "headwater_task_lag_seconds{")
    return all(any(line.startswith(name) and line.endswith(" 0.0") for line in told) for name in awaited)


def main() -> None:
    """Measure and print."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode, and so has the worker here
    url = urlsplit(os.environ["MYSQL_URL"])
    bootstrap = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    database = f"footprint_{uuid.uuid4().hex[:10]}"
    login = {"host": url.hostname, "port": url.port, "user": url.username, "password": url.password or ""}
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": database, "fetch.wait.max.ms": 5, "allow.auto.create.topics": True}
    )
    with tempfile.TemporaryDirectory() as folder, pymysql.connect(**login) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {database}")
            cursor.execute(f"USE {database}")
            cursor.execute(TABLE)
        worker = WorkerProcess(Path(folder), bootstrap)
        with worker:
            worker.create("outbox", connector(url, database))
            insert(connection, 1)
            topic = f"{database}.{database}.outbox"
            consumer.assign([TopicPartition(topic, 0, 0)])
            wait_until("the first event", lambda: consumer.poll(0.1))
        seconds = []
        for _ in range(RUNS):
            insert(connection, 1)
            start = time.perf_counter()
            worker.launch()
            while (message := consumer.poll(0.001)) is None or message.error():
                pass
            seconds.append(time.perf_counter() - start)
            worker.wait_for_answer()
            worker.stop()
        with worker:
            insert(connection, ROWS)
            seen = 0

            def all_arrived() -> bool:
                nonlocal seen
                seen += len(consumer.consume(1000, 0.1))
                return seen >= ROWS

            wait_until("all events", all_arrived)
            wait_until("the last report", lambda: is_idle(worker))
            print_memory(worker)
        print(f"first event after {statistics.median(seconds):.2f} s ({', '.join(f'{s:.2f}' for s in seconds)})")
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {database}")
    consumer.close()


if __name__ == "__main__":
    main()
