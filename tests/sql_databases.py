"""A new database for a test, on each of the SQL servers."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url, text

KINDS = ("mysql", "mariadb", "postgresql", "sqlite")
_DRIVERS = {"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql", "postgresql": "postgresql+psycopg"}
_VARIABLES = {"mysql": "MYSQL_URL", "mariadb": "MARIADB_URL", "postgresql": "POSTGRES_URL"}


@contextmanager
def new_database(kind: str, folder: Path) -> Iterator[URL]:
    """An empty database, dropped afterwards; its URL names the driver. SQLite's is a file in ``folder``."""
    if kind == "sqlite":
        yield URL.create("sqlite", database=str(folder / "test.db"))
        return
    address = os.environ.get(_VARIABLES[kind])
    if not address:
        pytest.fail(f"{_VARIABLES[kind]} is not set: `make test` starts the real servers the tests need and sets it")
    url = make_url(address).set(drivername=_DRIVERS[kind])
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    name = f"test_{uuid.uuid4().hex[:12]}"
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
            yield url.set(database=name)
            connection.execute(text(f"DROP DATABASE {name}{' WITH (FORCE)' if kind == 'postgresql' else ''}"))
    finally:
        server.dispose()


def plain(url: URL) -> str:
    """The URL as someone gives it to a command: with its password, without a driver."""
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False)
