"""What capture by triggers costs a writer of SQLite, and how many events a second go end to end.

    make bench-sqlite

A writer fills the outbox of the course service, each event inserted and deleted at once, with triggers and without, in
transactions of 1 and of 100 events; then `headwater run` reads what was recorded, into a file of topics. Medians.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from headwater.sources.sqlite.installation import install
from headwater.topic_file import TopicFile

RUNS = 5
EVENTS = 20_000
PAYLOAD = json.dumps({"courseId": str(uuid.uuid4()), "name": "Events", "description": "x" * 200, "posted": True})
OUTBOX = """
    CREATE TABLE outbox (
        id CHAR(36) NOT NULL PRIMARY KEY, aggregate_type VARCHAR(255) NOT NULL, aggregate_id VARCHAR(255) NOT NULL,
        type VARCHAR(255) NOT NULL, payload JSON NOT NULL, timestamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
    )
"""
ORDERS = "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, state TEXT, total DECIMAL(10,2), note TEXT)"


def database(folder: str, name: str, *, triggers: bool) -> sqlite3.Connection:
    """A new database with both tables."""
    connection = sqlite3.connect(Path(folder) / name, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")  # a disk's fsync would hide what triggers cost
    connection.execute(OUTBOX)
    connection.execute(ORDERS)
    if triggers:
        install(connection)
    return connection


def publish(connection: sqlite3.Connection) -> None:
    """An outbox event."""
    event = str(uuid.uuid4())
    connection.execute(
        "INSERT INTO outbox (id, aggregate_type, aggregate_id, type, payload) VALUES (?, 'Course', '1', 'Posted', ?)",
        (event, PAYLOAD),
    )
    connection.execute("DELETE FROM outbox WHERE id = ?", (event,))


def order(connection: sqlite3.Connection) -> None:
    """An order, and a change of it."""
    cursor = connection.execute("INSERT INTO orders (customer, state, total, note) VALUES (5, 'new', 9.5, 'a note')")
    connection.execute("UPDATE orders SET state = 'paid' WHERE id = ?", (cursor.lastrowid,))


def write(connection: sqlite3.Connection, change: object, events: int, size: int) -> float:
    """Microseconds an event, in transactions of ``size``."""
    start = time.perf_counter()
    for _ in range(events // size):
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(size):
            change(connection)  # type: ignore[operator]
        connection.execute("COMMIT")
    return (time.perf_counter() - start) / events * 1e6


def cost(change: object, size: int) -> tuple[float, float]:
    """Microseconds an event without triggers, and with them."""
    plain, recorded = [], []
    for _ in range(RUNS):
        for triggers, found in ((False, plain), (True, recorded)):
            with tempfile.TemporaryDirectory() as folder:
                connection = database(folder, "bench.db", triggers=triggers)
                found.append(write(connection, change, EVENTS if size > 1 else EVENTS // 4, size))
                connection.close()
    return statistics.median(plain), statistics.median(recorded)


def end_to_end() -> float:
    """Messages a second from the first that is stored to the last, of changes that wait: create, delete, tombstone."""
    with tempfile.TemporaryDirectory() as folder:
        connection = database(folder, "bench.db", triggers=True)
        config = Path(folder) / "connector.json"
        config.write_text(
            json.dumps(
                {
                    "worker": {
                        "bootstrap.servers": f"local://{folder}/topics.db",
                        "offset.storage.file.filename": f"{folder}/state.db",
                        "key.converter": "json",
                        "key.converter.schemas.enable": "false",
                        "value.converter": "json",
                        "value.converter.schemas.enable": "false",
                    },
                    "config": {
                        "connector.class": "sqlite",
                        "topic.prefix": "bench",
                        "database.file": f"{folder}/bench.db",
                        "table.include.list": "bench.outbox",
                    },
                }
            )
        )
        command = [sys.executable, "-m", "headwater", "run", str(config)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            topics = TopicFile(Path(folder) / "topics.db")
            while not topics.database.execute("SELECT 1 FROM deliveries").fetchone():
                time.sleep(0.01)
            process.terminate()
        write(connection, publish, 5 * EVENTS, 100)
        expected, first, stored = 15 * EVENTS, 0.0, 0
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            while stored < expected:
                stored = sum(partition.next for partition in topics.partitions())
                if stored and not first:
                    first, begun = time.perf_counter(), stored
                time.sleep(0.005)
            seconds = time.perf_counter() - first
            process.terminate()
        topics.close()
        connection.close()
        return (expected - begun) / seconds


def main() -> None:
    """Print the rows of docs/performance.md."""
    print("| write | transactions | without triggers | with them |\n|:--|--:|--:|--:|")
    for name, change in (("outbox event: insert and delete", publish), ("order: insert and update", order)):
        for size in (1, 100):
            plain, recorded = cost(change, size)
            print(f"| {name} | {size} | {plain:.0f} µs | {recorded:.0f} µs |")
    rates = [end_to_end() for _ in range(RUNS)]
    print(f"\nEnd to end, outbox into a file of topics: {statistics.median(rates):,.0f} messages a second.")


if __name__ == "__main__":
    main()
