"""A load, a worker that delivers it, and the table of what the faults did."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.database import Database
from tests.faults.databases.mongodb import MongoDb
from tests.faults.databases.mysql import MySql
from tests.faults.deliveries import Deliveries
from tests.faults.load import Load
from tests.faults.scene import GRACEFUL_SECONDS, Scene, connector_config
from tests.faults.verdict import Verdict
from tests.kafka_broker import KafkaBroker
from tests.mysql_settings import row_metadata
from tests.postgres_server import PostgresServer
from tests.worker_process import WorkerProcess

COLUMNS = ("test", "faults", "sent", "received", "repeated", "reread", "lost", "misplaced", "foreign", "seconds")
each_database = pytest.mark.parametrize("database", ["mysql-MINIMAL", "mongodb"], indirect=True)
"""For tests that binlog_row_metadata makes no difference to: MINIMAL asks more of us."""
_rows = pytest.StashKey[list[tuple[object, ...]]]()


@dataclass(frozen=True)
class Extent:
    """How much a run does.

    ``kills``, ``drains``, ``cuts``, ``orders``   of worker and connection, on each database
    ``restarts``                                  of Kafka, and of PostgreSQL
    ``step_downs``, ``crashes``                   of the database's own servers
    ``rows``                                      in the table when the connector starts
    ``sqlite_kills``                              of a connector that reads SQLite, under each sink
    ``relays``, ``relay_kills``                   on each outbox
    ``food_orders``, ``food_order_kills``         of a service, or what delivers between them
    """

    kills: int
    drains: int
    cuts: int
    orders: int
    restarts: int
    step_downs: int
    crashes: int
    rows: int
    sqlite_kills: int
    relays: int
    relay_kills: int
    food_orders: int
    food_order_kills: int


EXTENTS = {
    "short": Extent(
        kills=4,
        drains=2,
        cuts=2,
        orders=5,
        restarts=1,
        step_downs=2,
        crashes=2,
        rows=3_000,
        sqlite_kills=5,
        relays=3,
        relay_kills=2,
        food_orders=60,
        food_order_kills=8,
    ),
    "full": Extent(
        kills=50,
        drains=20,
        cuts=40,
        orders=40,
        restarts=20,
        step_downs=20,
        crashes=20,
        rows=20_000,
        sqlite_kills=100,
        relays=8,
        relay_kills=50,
        food_orders=2_000,
        food_order_kills=60,
    ),
}


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_rows] = []


@pytest.fixture(scope="session")
def extent(pytestconfig: pytest.Config) -> Extent:
    """What ``--faults`` asks for."""
    return EXTENTS[pytestconfig.getoption("--faults")]


@pytest.fixture
def seed(pytestconfig: pytest.Config) -> int:
    """What decides everything random but the processes' own timing; printed, and set by ``--faults-seed``."""
    chosen: int | None = pytestconfig.getoption("--faults-seed")
    if chosen is None:
        chosen = random.SystemRandom().randrange(2**32)
    print(f"--faults-seed={chosen}")
    return chosen


@pytest.fixture
def dice(seed: int) -> random.Random:
    """The test's own choices."""
    return random.Random(seed)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker that no other test is hurt by."""
    with KafkaBroker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server that no other test is hurt by; who uses it makes tables of names that nobody else does."""
    with PostgresServer(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(params=["mysql-FULL", "mysql-MINIMAL", "mongodb"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database of each kind in turn; of MySQL's under both settings of binlog_row_metadata."""
    kind, _, setting = request.param.partition("-")
    if kind == "mongodb":
        yield MongoDb(request.getfixturevalue("mongodb_database"), request.getfixturevalue("mongodb_url"))
    else:
        mysql = MySql(request.getfixturevalue("mysql_database"))
        with mysql.connect() as connection, connection.cursor() as cursor, row_metadata(cursor, setting):
            yield mysql


@pytest.fixture
def scene(database: Database, kafka_bootstrap: str, tmp_path: Path, extent: Extent, seed: int) -> Iterator[Scene]:
    """A load that writes, a worker without a connector, and a reader of what arrives."""
    prefix = f"faults_{database.name}"
    properties = {
        "task.shutdown.graceful.timeout.ms": str(GRACEFUL_SECONDS * 1000),
        "offset.flush.interval.ms": "100",  # most faults come soon after an offset was stored, often in a transaction
    }
    load = Load(database, seed, extent.rows)
    with (
        Deliveries(kafka_bootstrap, prefix, database) as deliveries,
        WorkerProcess(tmp_path, kafka_bootstrap, **properties) as worker,
    ):
        scene = Scene(worker, load, deliveries, connector_config(database, prefix))
        load.room = scene.has_room
        with load:
            yield scene


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[int, Verdict], None]:
    """Adds a line to the table that ends the run: how many faults there were, and what came of them."""
    start = time.monotonic()

    def add(faults: int, verdict: Verdict) -> None:
        counts = verdict.sent, verdict.received, verdict.repeated, verdict.reread
        wrong = len(verdict.lost), len(verdict.misplaced), len(verdict.foreign)
        seconds = f"{time.monotonic() - start:.1f}"
        request.config.stash[_rows].append((request.node.name, faults, *counts, *wrong, seconds))

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash[_rows]
    if not rows:
        return
    terminalreporter.section("faults")
    widths = [max(len(str(row[column])) for row in (COLUMNS, *rows)) for column in range(len(COLUMNS))]
    for name, *cells in (COLUMNS, *rows):
        numbers = "  ".join(str(cell).rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        terminalreporter.write_line(f"{str(name).ljust(widths[0])}  {numbers}")
