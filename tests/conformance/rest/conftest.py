"""Kafka Connect and Headwater, started once for all tests of the REST API."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator

import pymysql
import pytest
import sqlalchemy

from tests.conformance.rest.connect_process import ConnectProcess
from tests.conformance.rest.exchange import Peer
from tests.conformance.rest.pair import Pair
from tests.worker_process import WorkerProcess


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory, kafka_bootstrap: str, tell: Callable[[str], None]) -> Iterator[Pair]:
    """Both workers, as long as the tests run."""
    folders = [tmp_path_factory.mktemp(name) for name in ("connect", "headwater")]
    ids = random.randrange(1000, 10_000)
    with (
        ConnectProcess(folders[0], kafka_bootstrap) as connect,
        # Connect shows passwords.
        WorkerProcess(folders[1], kafka_bootstrap, **{"rest.hide.passwords": "false"}) as headwater,
    ):
        connect.wait_for_answer()
        pair = Pair(
            Peer("Kafka Connect", connect.url, f"{ids}1"),
            Peer("Headwater", headwater.url, f"{ids}2"),
        )
        yield pair
        count = pair.same_answers + pair.different_answers
        tell(
            f"REST API: {count} requests to Kafka Connect and to Headwater,"
            f" {pair.same_answers} answered alike, {pair.different_answers} otherwise on purpose"
        )


@pytest.fixture
def pair(both: Pair) -> Iterator[Pair]:
    """Both workers, without connectors."""
    yield both
    both.clear()


@pytest.fixture(scope="session")
def database(mysql_url: sqlalchemy.URL) -> Iterator[str]:
    """The name of a database with one table."""
    name = f"rest_{uuid.uuid4().hex[:12]}"
    server = pymysql.connect(
        host=mysql_url.host,
        port=mysql_url.port or 3306,
        user=mysql_url.username,
        password=mysql_url.password or "",
        autocommit=True,
    )
    with server, server.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        cursor.execute(f"CREATE TABLE {name}.items (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20))")
        cursor.execute(f"INSERT INTO {name}.items (name) VALUES ('one'), ('two')")
        yield name
        cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture
def config(mysql_url: sqlalchemy.URL, database: str, tmp_path: object) -> dict[str, str]:
    """A connector's configuration that captures the table, in a log of its own for each test."""
    return {
        "connector.class": "io.debezium.connector.mysql.MySqlConnector",
        "topic.prefix": f"t{uuid.uuid4().hex[:10]}",
        "database.hostname": mysql_url.host or "",
        "database.port": str(mysql_url.port or 3306),
        "database.user": mysql_url.username or "",
        "database.password": mysql_url.password or "",
        "database.server.id": "SERVER_ID_01",
        "table.include.list": f"{database}.items",
        "snapshot.mode": "no_data",
        "include.schema.changes": "false",
        "schema.history.internal": "io.debezium.storage.file.history.FileSchemaHistory",
        "schema.history.internal.file.filename": f"{tmp_path}/history",
    }
