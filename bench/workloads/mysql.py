"""Tables of MySQL, rows and transactions."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
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

_KAFKA = "org.apache.kafka.connect.transforms"
_ROUTER = {
    "transforms": "outbox",
    "transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter",
    "transforms.outbox.table.field.event.key": "aggregate_id",
    "transforms.outbox.route.by.field": "aggregate_type",
    "transforms.outbox.predicate": "is_outbox",  # for the primer has no such columns
    "predicates": "is_outbox",
    "predicates.is_outbox.type": f"{_KAFKA}.predicates.TopicNameMatches",
    "predicates.is_outbox.pattern": f"{NAME}.{NAME}.outbox",
}
_ROUTED_TO = "outbox.event.Course"
_EXPANDED = {"transforms.outbox.table.expand.json.payload": "true"}
_UNWRAP = {"transforms": "unwrap", "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState"}
_FIVE = {
    **_UNWRAP,
    "transforms": "unwrap,less,more,name,route",
    "transforms.unwrap.add.fields": "op,source.ts_ms",
    "transforms.less.type": f"{_KAFKA}.ReplaceField$Value",
    "transforms.less.exclude": "currency",
    "transforms.less.renames": "number:order_number",
    "transforms.more.type": f"{_KAFKA}.InsertField$Value",
    "transforms.more.topic.field": "origin",
    "transforms.name.type": f"{_KAFKA}.SetSchemaMetadata$Value",
    "transforms.name.schema.name": "Order",
    "transforms.route.type": f"{_KAFKA}.RegexRouter",
    "transforms.route.regex": f"{NAME}.{NAME}.(.*)",
    "transforms.route.replacement": "$1",
}


@dataclass(frozen=True)
class MySqlWorkload(Workload[MySqlServer]):
    """``events`` rows, ``rows`` a transaction, over ``tables`` tables in turn."""

    server = MySqlServer

    definition: str = OUTBOX
    columns: str = OUTBOX_COLUMNS
    row: Callable[[int], str] = _outbox_row
    tables: int = 1
    transforms: Mapping[str, str] = field(default_factory=dict)
    """The options of the connector's transforms and predicates."""
    routed_to: str = ""
    """The topic that they give events, where they do."""

    @property
    def table_names(self) -> list[str]:
        """Without the database."""
        return ["outbox"] if self.tables == 1 else [f"outbox_{number}" for number in range(self.tables)]

    @property
    def topic(self) -> str:
        return self.routed_to or f"{NAME}.{NAME}.{self.table_names[0]}"

    def connector(self, server: MySqlServer) -> dict[str, str]:
        tables = ",".join(f"{NAME}.{name}" for name in self.table_names)
        return {**server.connector(), "table.include.list": tables, **self.transforms}

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
    MySqlWorkload("router", "as the first, EventRouter", 300_000, 100, transforms=_ROUTER, routed_to=_ROUTED_TO),
    MySqlWorkload(
        "router-expanded",
        "as the first, EventRouter that expands JSON",
        60_000,
        100,
        transforms={**_ROUTER, **_EXPANDED},
        routed_to=_ROUTED_TO,
        pairs=3,
    ),
    MySqlWorkload(
        "unwrap",
        "table without a JSON column, ExtractNewRecordState",
        300_000,
        100,
        definition=ORDERS,
        columns=ORDERS_COLUMNS,
        row=order_row,
        transforms=_UNWRAP,
    ),
    MySqlWorkload(
        "five-transforms",
        "table without a JSON column, a chain of five transforms",
        300_000,
        100,
        transforms=_FIVE,
        routed_to="outbox",
        definition=ORDERS,
        columns=ORDERS_COLUMNS,
        row=order_row,
    ),
    MySqlWorkload("avro", "as the first, AvroConverter with a schema registry", 300_000, 100, avro=True),
    MySqlWorkload("schemas", "as the first, JsonConverter with schemas", 60_000, 100, schemas=True, pairs=3),
)
