"""A PostgreSQL server of a test's own, which can crash: what was committed is in the operating system's hands."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL

from tests.own_service import OwnService


class PostgresServer(OwnService):
    """A server with an empty database for a ``with`` block; its data is in ``folder``."""

    def __init__(self, folder: Path) -> None:
        super().__init__("postgres", folder, variable="POSTGRES_URL")
        self.url = URL.create("postgresql+psycopg", "postgres", "admin", "127.0.0.1", self.port, "course")
