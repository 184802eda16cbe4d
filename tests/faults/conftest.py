"""A load, a worker that delivers it, and the table of what the faults did."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy

from tests.faults.deliveries import Deliveries
from tests.faults.load import Load
from tests.faults.scene import GRACEFUL_SECONDS, Scene, connector_config
from tests.faults.verdict import Verdict
from tests.worker_process import WorkerProcess

COLUMNS = ("test", "faults", "sent", "received", "repeated", "reread", "lost", "misplaced", "foreign", "seconds")
_rows = pytest.StashKey[list[tuple[object, ...]]]()


@dataclass(frozen=True)
class Extent:
    """How much a run does.

    ``kills``, ``drains``, ``cuts``, ``orders``  of a kind, under each of the settings of binlog_row_metadata
    ``rows``                                     in the table when the connector starts
    ``sqlite_kills``                             of a connector that reads SQLite, under each sink
    """

    kills: int
    drains: int
    cuts: int
    orders: int
    rows: int
    sqlite_kills: int


EXTENTS = {
    "short": Extent(kills=4, drains=2, cuts=2, orders=5, rows=3_000, sqlite_kills=5),
    "full": Extent(kills=50, drains=20, cuts=40, orders=40, rows=20_000, sqlite_kills=100),
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


@pytest.fixture
def scene(
    mysql_database: sqlalchemy.URL, kafka_bootstrap: str, tmp_path: Path, extent: Extent, seed: int
) -> Iterator[Scene]:
    """A load that writes, a worker without a connector, and a reader of what arrives."""
    prefix = f"faults_{mysql_database.database}"
    properties = {
        "task.shutdown.graceful.timeout.ms": str(GRACEFUL_SECONDS * 1000),
        "offset.flush.interval.ms": "100",  # most faults come soon after an offset was stored, often in a transaction
    }
    load = Load(mysql_database, seed, extent.rows)
    with (
        Deliveries(kafka_bootstrap, prefix, str(mysql_database.database)) as deliveries,
        WorkerProcess(tmp_path, kafka_bootstrap, **properties) as worker,
    ):
        server_id = random.SystemRandom().randrange(2**16, 2**30)
        scene = Scene(worker, load, deliveries, connector_config(mysql_database, prefix, server_id))
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
