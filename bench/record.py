"""Record the log bytes that bench/plan.py runs on: row events of an outbox table, from a real MySQL.

    MYSQL_URL=… python bench/record.py

Writes bench/data/outbox-<rows a transaction>.json: TABLE_MAP and WRITE_ROWS bodies, in base64.
"""

from __future__ import annotations

import base64
import json
import os
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import pymysql

from headwater.source import Resume
from headwater.sources.mysql.binlog import HEADER_SIZE
from headwater.sources.mysql.connector import CONNECTOR
from headwater.sources.mysql.event_types import TABLE_MAP, WRITE_ROWS

DATA = Path(__file__).parent / "data"
TABLE = """
    CREATE TABLE outbox (
        id CHAR(36) PRIMARY KEY, aggregate_type VARCHAR(255) NOT NULL, aggregate_id VARCHAR(255) NOT NULL,
        type VARCHAR(255) NOT NULL, payload JSON NOT NULL, timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
    )
"""


def payload(number: int) -> str:
    """An order of about 300 bytes."""
    items = [{"sku": f"SKU-{number % 97}", "qty": number % 7 + 1, "price": number % 1000 / 10} for _ in range(2)]
    customer = {"id": number % 5000, "name": f"Customer {number % 5000}", "email": f"c{number % 5000}@example.com"}
    order = {"orderId": number, "customer": customer, "items": items, "total": number % 5000 / 10, "currency": "EUR"}
    return json.dumps(order)


def main() -> None:
    """Insert, read the log back, write the files."""
    url = urlsplit(os.environ["MYSQL_URL"])
    server = {"host": url.hostname, "port": url.port, "user": url.username, "password": url.password}
    connection = pymysql.connect(**server, autocommit=True)
    with connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS bench")
        cursor.execute("CREATE DATABASE bench")
        cursor.execute("USE bench")
        cursor.execute(TABLE)
        source = CONNECTOR.open(
            CONNECTOR.options.parse(
                {
                    "database.hostname": str(url.hostname),
                    "database.port": str(url.port),
                    "database.user": str(url.username),
                    "database.password": str(url.password),
                    "database.server.id": "99001",
                    "topic.prefix": "bench",
                    "table.include.list": "bench.outbox",
                    "snapshot.mode": "no_data",
                }
            )
        )
        source.start(Resume())
        while source._stream is None:  # noqa: SLF001 - until the snapshot is over
            source.poll(0)
        for rows in (1, 20):
            values = [(str(uuid.uuid4()), "order", str(n), "OrderCreated", payload(n)) for n in range(rows)]
            sql = "INSERT INTO outbox (id, aggregate_type, aggregate_id, type, payload) VALUES "
            cursor.execute(sql + ", ".join(["(%s, %s, %s, %s, %s)"] * rows), [v for row in values for v in row])
            recorded = record(source._stream)  # noqa: SLF001
            (DATA / f"outbox-{rows}.json").write_text(json.dumps(recorded, indent=1) + "\n")
        source.close()
        cursor.execute("DROP DATABASE bench")


def record(stream) -> dict[str, str]:  # noqa: ANN001
    """The next TABLE_MAP and WRITE_ROWS bodies of the bench table."""
    found: dict[str, str] = {}
    while len(found) < 2:
        for buffer, start, end in stream.read(1):
            body = buffer[start + HEADER_SIZE : end]
            if buffer[start + 4] == TABLE_MAP and b"bench" in body:
                found = {"table_map": base64.b64encode(body).decode()}
            elif buffer[start + 4] == WRITE_ROWS and found:
                found["write_rows"] = base64.b64encode(body).decode()
    return found


if __name__ == "__main__":
    main()
