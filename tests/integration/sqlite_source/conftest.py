"""A SQLite file with triggers, written to by other connections than the source's, and captures of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headwater.source import Resume
from headwater.sources.sqlite.connector import CONNECTOR
from headwater.sources.sqlite.installation import install
from tests.capture import Capture

MakeCapture = Callable[..., Capture]


@pytest.fixture(params=["wal", "delete"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An empty database in each of the usual journal modes, but for the table ``mark``."""
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA journal_mode = {request.param}")
        database.execute("CREATE TABLE mark (id INTEGER PRIMARY KEY)")
    database.close()
    return path


@pytest.fixture
def writer(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection in autocommit mode, foreign keys enforced."""
    database = sqlite3.connect(file, timeout=30, isolation_level=None)
    database.execute("PRAGMA foreign_keys = ON")
    yield database
    database.close()


@pytest.fixture
def capture(file: Path, writer: sqlite3.Connection) -> Iterator[MakeCapture]:
    """Installs the triggers that are missing, then starts a capture: ``capture(resume, option=value)``."""
    opened: list[Capture] = []

    def mark(number: int) -> dict[str, int]:
        writer.execute("INSERT INTO mark VALUES (?)", (number,))
        return {"id": number}

    def start(resume: Resume | None = None, *, installs: bool = True, **options: str) -> Capture:
        if installs:
            install(writer)
        given = {name.replace("_", "."): value for name, value in options.items()}
        config = CONNECTOR.options.parse({"topic.prefix": "t", "database.file": str(file), **given})
        made = Capture(CONNECTOR.open(config), mark, resume or Resume())
        opened.append(made)
        return made.start()

    yield start
    for each in opened:
        each.source.close()


@pytest.fixture
def streaming(capture: MakeCapture) -> MakeCapture:
    """A capture without a snapshot."""

    def start(resume: Resume | None = None, **options: str) -> Capture:
        return capture(resume, **{"snapshot_mode": "no_data", **options})

    return start
