"""In what the SQL databases differ: their drivers, clocks, and whether they tell of new rows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection

from headwater.outbox.table import CHANNEL

LISTEN_SECONDS = 0.5
"""How long a wait for a notification takes at most; then it is seen whether the relay is still there."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """``driver`` is SQLAlchemy's name of the one taken where the URL names none, ``extra`` what brings it.

    ``now`` is the database's clock, in milliseconds since 1970: leases of several machines are compared by it.
    """

    driver: str
    extra: str
    now: str
    engine_options: Mapping[str, Any] = field(default_factory=dict)


_MYSQL = Dialect(
    "pymysql",
    "mysql",
    "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)",
    {"isolation_level": "READ COMMITTED"},  # so that a claim locks no gaps, into which services insert
)
DIALECTS = {
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "postgresql": Dialect(
        "psycopg",
        "postgresql",
        "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        {"isolation_level": "READ COMMITTED"},
    ),
    "sqlite": Dialect("pysqlite", "sqlalchemy", "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"),
}


def make_engine(url: URL) -> Engine:
    """An engine with one connection, which is looked after by the one thread that uses it."""
    dialect = DIALECTS[url.get_backend_name()]
    # A URL that a service in asyncio has, too, is good here, where there is no event loop.
    if "+" not in url.drivername or url.get_dialect().is_async:
        url = url.set(drivername=f"{url.get_backend_name()}+{dialect.driver}")
    engine = create_engine(
        url,
        pool_size=1,
        max_overflow=0,
        pool_reset_on_return=None,  # every transaction here ends by itself
        **dialect.engine_options,
    )
    if engine.dialect.name == "sqlite":
        _begin_immediately(engine)
    return engine


def _begin_immediately(engine: Engine) -> None:
    """SQLite has no locks on rows: a transaction locks the database before it reads what it will write."""

    def connect(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None  # sqlite3 begins no transactions by itself then

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))


class PostgresListener:
    """Rings when PostgreSQL notifies of new rows; a thread with a connection of its own."""

    def __init__(self, url: URL, ring: Callable[[], None]) -> None:
        self._url = url.set(drivername="postgresql")
        self._ring = ring
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox-listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        import psycopg

        while not self._closed.is_set():
            try:
                with psycopg.connect(self._url.render_as_string(hide_password=False), autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._ring()  # for what was written while nobody listened
                    while not self._closed.is_set():
                        for _ in connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                            self._ring()
            except psycopg.Error:
                self._closed.wait(LISTEN_SECONDS)  # the relay's own connection tells of what is wrong
