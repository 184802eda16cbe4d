"""What is captured: tables, rows and transactions, written into the log once and then read by every engine."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from bench.server import MySqlServer

DATABASE = "bench"
PRIMER = "primer"
"""A table with one column, for engines that fix their position only at a first event."""

OUTBOX = """(
    id CHAR(36) PRIMARY KEY, aggregate_type VARCHAR(255) NOT NULL, aggregate_id VARCHAR(255) NOT NULL,
    type VARCHAR(255) NOT NULL, payload JSON NOT NULL, timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)"""
ORDERS = """(
    id BIGINT PRIMARY KEY AUTO_INCREMENT, customer_id INT NOT NULL, number VARCHAR(32) NOT NULL,
    status VARCHAR(20) NOT NULL, total DECIMAL(12, 2) NOT NULL, currency CHAR(3) NOT NULL, paid BOOLEAN NOT NULL,
    note VARCHAR(500), created_at DATETIME(6) NOT NULL, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)"""
OUTBOX_COLUMNS = "id, aggregate_type, aggregate_id, type, payload"
ORDERS_COLUMNS = "customer_id, number, status, total, currency, paid, note, created_at"

_RANDOM = random.Random(7)  # the same rows in every run


def _uuid() -> str:
    return str(uuid.UUID(int=_RANDOM.getrandbits(128), version=4))


def course_row(size: int) -> Callable[[int], str]:
    """Makes outbox rows of about ``size`` bytes: a course was posted; its description fills what is left."""

    def row(number: int) -> str:
        course = _uuid()
        payload: dict[str, object] = {"name": f"Course {number}", "posted": True, "courseId": course}
        if size > 250:
            payload |= {"teacherId": _uuid(), "thumbnail": "course.jpeg", "description": ""}
            payload |= {"registeredAt": 1676458941000 + number, "lastUpdatedAt": 1676598812000 + number}
            text = json.dumps(payload)
            filler = "All about microservices, taught by those who build them. "
            left = size - len(text) - 110  # the other columns
            payload["description"] = (filler * (left // len(filler) + 1))[: max(left, 0)]
        return f"('{_uuid()}', 'Course', '{course}', 'CoursePostedEvent', '{json.dumps(payload)}')"

    return row


def order_row(number: int) -> str:
    """A row of an ordinary table, about 350 bytes, no JSON column."""
    note = "Please leave the parcel with the neighbours, ring twice. " * 4
    return (
        f"({number % 5000}, 'ORD-{number:010}', 'PENDING', {number % 100000 / 100:.2f}, 'EUR', {number % 2}, "
        f"'{note}', '2026-05-{number % 28 + 1:02} 12:34:56.{number % 1000000:06}')"
    )


_outbox_row = course_row(430)


@dataclass(frozen=True, slots=True)
class Workload:
    """``events`` rows, ``rows`` a transaction, over ``tables`` tables in turn; each becomes one event."""

    name: str
    title: str
    events: int
    rows: int
    definition: str = OUTBOX
    columns: str = OUTBOX_COLUMNS
    row: Callable[[int], str] = _outbox_row
    tables: int = 1
    schemas: bool = False
    """Whether JsonConverter writes each message's schema with it."""
    sink: str = "counting"
    pairs: int = 5

    @property
    def table_names(self) -> list[str]:
        """Without the database."""
        return ["outbox"] if self.tables == 1 else [f"outbox_{number}" for number in range(self.tables)]

    @property
    def table_list(self) -> str:
        """As ``table.include.list`` has it."""
        return ",".join(f"{DATABASE}.{name}" for name in self.table_names)

    def create_tables(self, server: MySqlServer) -> None:
        """Empty tables, at the start of a log file of their own."""
        server.execute(f"DROP DATABASE IF EXISTS {DATABASE}", f"CREATE DATABASE {DATABASE}", "FLUSH BINARY LOGS")
        server.execute(*(f"CREATE TABLE {DATABASE}.{name} {self.definition}" for name in self.table_names))
        server.execute(f"CREATE TABLE {DATABASE}.{PRIMER} (id INT PRIMARY KEY AUTO_INCREMENT)")

    def load(self, server: MySqlServer) -> None:
        """Write the rows."""
        statements = self.inserts()
        for transactions in iter(lambda: list(islice(statements, max(1, 100 // self.rows))), []):
            server.execute_together(transactions)

    def inserts(self) -> Iterator[str]:
        """One statement, which is one transaction, after the other; ends after ``events`` rows."""
        names = self.table_names
        for start in range(0, self.events, self.rows):
            rows = ", ".join(self.row(number) for number in range(start, min(start + self.rows, self.events)))
            table = names[start // self.rows % len(names)]
            yield f"INSERT INTO {DATABASE}.{table} ({self.columns}) VALUES {rows}"


WORKLOADS = (
    Workload("json-100", "outbox with a JSON column, 100 rows a transaction", 500_000, 100),
    Workload("json-1", "outbox with a JSON column, 1 row a transaction", 100_000, 1),
    Workload(
        "plain-100",
        "table without a JSON column, 100 rows a transaction",
        300_000,
        100,
        definition=ORDERS,
        columns=ORDERS_COLUMNS,
        row=order_row,
    ),
    Workload(
        "plain-1",
        "table without a JSON column, 1 row a transaction",
        60_000,
        1,
        definition=ORDERS,
        columns=ORDERS_COLUMNS,
        row=order_row,
    ),
    Workload("kafka-json-100", "as the first, into Kafka", 150_000, 100, sink="kafka"),
    Workload("kafka-json-1", "as the second, into Kafka", 50_000, 1, sink="kafka"),
    Workload("size-200", "outbox, rows of 200 B", 60_000, 100, row=course_row(200), pairs=3),
    Workload("size-1k", "outbox, rows of 1 KB", 60_000, 100, row=course_row(1024), pairs=3),
    Workload("size-20k", "outbox, rows of 20 KB", 10_000, 100, row=course_row(20 * 1024), pairs=3),
    Workload("tables-1000", "1,000 outbox tables in turn, 10 rows a transaction", 50_000, 10, tables=1000, pairs=3),
    Workload("schemas", "as the first, JsonConverter with schemas", 60_000, 100, schemas=True, pairs=3),
)
