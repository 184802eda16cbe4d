"""A SQL database that a command is pointed at by its URL: which driver it takes, and what its errors mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError


class DatabaseUrlError(Exception):
    """A URL that leads to no database: says what to do."""


@dataclass(frozen=True, slots=True)
class Driver:
    """``name`` is SQLAlchemy's, ``extra`` what brings it."""

    name: str
    extra: str


DRIVERS = {
    "mysql": Driver("pymysql", "mysql"),
    "mariadb": Driver("pymysql", "mysql"),
    "postgresql": Driver("psycopg", "postgresql"),
    "sqlite": Driver("pysqlite", "sqlalchemy"),
}
"""What is taken where a URL names none, by the database that it names."""

_MISSING = {"42P01", "42703", "3F000", "42S02", "42S22", 1146, 1054}
"""SQLSTATEs of what is not there: in PostgreSQL a table, column, schema; in MySQL a table, column, with its numbers."""


def parse_url(text: str) -> URL:
    """A URL of SQLAlchemy's, with its driver. Raises `DatabaseUrlError`."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise DatabaseUrlError(
            "the database's URL must be like postgresql://user:password@host:port/database"
        ) from None
    backend = url.get_backend_name()
    if backend not in DRIVERS:
        known = ", ".join((*DRIVERS, "mongodb"))
        raise DatabaseUrlError(f"{backend} is none of the databases known here: the URL starts with one of {known}")
    try:
        # A URL that a service in asyncio has, too, is good here, where there is no event loop.
        names_ours = "+" in url.drivername and not url.get_dialect().is_async
    except NoSuchModuleError as error:
        raise DatabaseUrlError(str(error)) from None
    return url if names_ours else url.set(drivername=f"{backend}+{DRIVERS[backend].name}")


def open_engine(url: URL, **options: Any) -> Engine:
    """SQLAlchemy's engine, which connects when it is first used. Raises `DatabaseUrlError`."""
    try:
        return create_engine(url, **options)
    except ModuleNotFoundError as error:
        backend = url.get_backend_name()
        driver = DRIVERS[backend]
        mend = f"pip install 'headwater[{driver.extra}]'"
        if error.name != driver.name:
            mend += f", and leave the driver out of the URL: {backend}://…"
        raise DatabaseUrlError(f"{url.drivername} needs the Python package {error.name!r}: {mend}") from None


def split_name(name: str) -> tuple[str | None, str]:
    """Schema and table of ``schema.table``; None where only the table is named."""
    schema, _, table = name.rpartition(".")
    return schema or None, table


def is_missing(error: DBAPIError) -> bool:
    """Whether a table, column or schema is not there; SQLite has only words for it, PyMySQL only numbers."""
    reason = error.orig
    states = (getattr(reason, "sqlstate", None), getattr(reason, "pgcode", None), *(reason.args[:1] if reason else ()))
    text = str(reason)
    return any(state in _MISSING for state in states) or "no such table" in text or "no such column" in text
