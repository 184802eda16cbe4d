"""Tables of MySQL, rows and transactions."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from bench.server import NAME
from bench.servers.mysql import MySqlServer
from bench.workload import Workload

PRIMER = f"{NAME}.primer"
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


@dataclass(frozen=True)
class MySqlWorkload(Workload[MySqlServer]):
    """``events`` rows, ``rows`` a transaction, over ``tables`` tables in turn."""

    server = MySqlServer

    definition: str = OUTBOX
    columns: str = OUTBOX_COLUMNS
    row: Callable[[int], str] = _outbox_row
    tables: int = 1

    @property
    def table_names(self) -> list[str]:
        """Without the database."""
        return ["outbox"] if self.tables == 1 else [f"outbox_{number}" for number in range(self.tables)]

    @property
    def topic(self) -> str:
        return f"{NAME}.{NAME}.{self.table_names[0]}"

    def connector(self, server: MySqlServer) -> dict[str, str]:
        tables = ",".join(f"{NAME}.{name}" for name in self.table_names)
        return {**server.connector(), "table.include.list": tables}

    def create(self, server: MySqlServer) -> None:
        """At the start of a log file of their own."""
        server.execute(f"DROP DATABASE IF EXISTS {NAME}", f"CREATE DATABASE {NAME}", "FLUSH BINARY LOGS")
        server.execute(*(f"CREATE TABLE {NAME}.{name} {self.definition}" for name in self.table_names))
        server.execute(f"CREATE TABLE {PRIMER} (id INT PRIMARY KEY AUTO_INCREMENT)")

    def load(self, server: MySqlServer) -> None:
        statements = self.inserts()
        for transactions in iter(lambda: list(islice(statements, max(1, 100 // self.rows))), []):
            server.execute_together(transactions)

    def inserts(self) -> Iterator[str]:
        """One statement, which is one transaction, after the other; ends after ``events`` rows."""
        names = self.table_names
        for start in range(0, self.events, self.rows):
            rows = ", ".join(self.row(number) for number in range(start, min(start + self.rows, self.events)))
            table = names[start // self.rows % len(names)]
            yield f"INSERT INTO {NAME}.{table} ({self.columns}) VALUES {rows}"


WORKLOADS = (
    MySqlWorkload("json-100", "outbox with a JSON column, 100 rows a transaction", 500_000, 100),
    MySqlWorkload("json-1", "outbox with a JSON column, 1 row a transaction", 100_000, 1),
    MySqlWorkload(
        "plain-100",
        "table without a JSON column, 100 rows a transaction",
        300_000,
        100,
        definition=ORDERS,
        columns=ORDERS_COLUMNS,
        row=order_row,
    ),
    MySqlWorkload(
        "plain-1",
        "table without a JSON column, 1 row a transaction",
        60_000,
        1,
        definition=ORDERS,
        columns=ORDERS_COLUMNS,
        row=order_row,
    ),
    MySqlWorkload("kafka-json-100", "as the first, into Kafka", 150_000, 100, sink="kafka"),
    MySqlWorkload("kafka-json-1", "as the second, into Kafka", 50_000, 1, sink="kafka"),
    MySqlWorkload("size-200", "outbox, rows of 200 B", 60_000, 100, row=course_row(200), pairs=3),
    MySqlWorkload("size-1k", "outbox, rows of 1 KB", 60_000, 100, row=course_row(1024), pairs=3),
    MySqlWorkload("size-20k", "outbox, rows of 20 KB", 10_000, 100, row=course_row(20 * 1024), pairs=3),
    MySqlWorkload(
        "tables-1000", "1,000 outbox tables in turn, 10 rows a transaction", 50_000, 10, tables=1000, pairs=3
    ),
    MySqlWorkload("schemas", "as the first, JsonConverter with schemas", 60_000, 100, schemas=True, pairs=3),
)
