"""What tests on real servers see of what a service wrote: the binlog, and the outbox's rows, gone as they are."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import URL, Engine, MetaData, create_engine, text

from headwater.outbox.sqlalchemy import outbox_table


@pytest.fixture
def mysql_engine(mysql_database: URL) -> Iterator[Engine]:
    """A synchronous SQLAlchemy engine on the test's own database."""
    engine = create_engine(mysql_database.set(drivername="mysql+pymysql"))
    yield engine
    engine.dispose()


@pytest.fixture
def row_events(mysql_engine: Engine) -> Callable[[], list[tuple[str, str]]]:
    """Reads the row events the test's database has in the binlog since now: (table, kind) in the log's order."""
    with mysql_engine.connect() as connection:
        first_file, first_position = connection.execute(text("SHOW BINARY LOG STATUS")).one()[:2]

    def read() -> list[tuple[str, str]]:
        found = []
        tables: dict[str, tuple[str, str]] = {}
        with mysql_engine.connect() as connection:
            files = [row[0] for row in connection.execute(text("SHOW BINARY LOGS"))]
            for file in files[files.index(first_file) :]:
                position = first_position if file == first_file else 4
                query = text("SHOW BINLOG EVENTS IN :file FROM :position")
                for event in connection.execute(query, {"file": file, "position": position}).mappings():
                    if table_map := re.fullmatch(r"table_id: (\d+) \((.+)\.(.+)\)", event["Info"]):
                        tables[table_map[1]] = table_map[2], table_map[3]
                    elif event["Event_type"].endswith("_rows"):  # "table_id: 112 flags: STMT_END_F"
                        database, table = tables[event["Info"].split()[1]]
                        if database == mysql_engine.url.database:
                            found.append((table, event["Event_type"].removesuffix("_rows")))
        return found

    return read


@pytest.fixture
def published(mysql_engine: Engine) -> Callable[[], list[dict[str, Any]]]:
    """Makes the outbox table and reads every row that was inserted and committed since: a trigger copies them."""
    metadata = MetaData()
    outbox_table(metadata)
    metadata.create_all(mysql_engine)
    with mysql_engine.begin() as connection:
        connection.execute(text("CREATE TABLE published LIKE outbox"))
        connection.execute(text("ALTER TABLE published DROP PRIMARY KEY, ADD n INT AUTO_INCREMENT PRIMARY KEY"))
        connection.execute(
            text("""
                CREATE TRIGGER copy AFTER INSERT ON outbox FOR EACH ROW
                INSERT INTO published (id, aggregate_type, aggregate_id, type, payload, timestamp) VALUES
                    (NEW.id, NEW.aggregate_type, NEW.aggregate_id, NEW.type, NEW.payload, NEW.timestamp)
            """)
        )

    def read() -> list[dict[str, Any]]:
        query = text("SELECT id, aggregate_type, aggregate_id, type, payload FROM published ORDER BY n")
        with mysql_engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [{**row, "payload": json.loads(row["payload"])} for row in rows]

    return read
