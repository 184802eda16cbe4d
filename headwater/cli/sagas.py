"""Finds sagas in a service's database, whichever its URL names, and says what is wrong where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sqlalchemy import URL

    from headwater.saga.instance import Instance

SERVER_SECONDS = 5
"""How long a server is looked for before it counts as away."""


def find_sagas(url: str, name: str | None, **wanted: Any) -> Sequence[Instance]:
    """The sagas in the table or collection ``name``, as `headwater.saga.store.SagaStore.find` gives them.

    Raises `click.ClickException`.
    """
    try:
        if url.startswith(("mongodb://", "mongodb+srv://")):
            return _in_collection(url, name or "sagas", wanted)
        return _in_table(url, name or "saga", wanted)
    except ImportError as error:
        raise click.ClickException(str(error)) from error


def _in_collection(url: str, name: str, wanted: dict[str, Any]) -> Sequence[Instance]:
    from headwater.saga.pymongo import SagaStore  # first: it says which extra is missing

    # isort: split
    from pymongo import MongoClient
    from pymongo.errors import ConfigurationError, InvalidURI, PyMongoError

    try:
        with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=SERVER_SECONDS * 1000) as client:
            database = client.get_default_database()
            found = SagaStore(database[name]).find(None, **wanted)
            if not found and name not in database.list_collection_names(filter={"name": name}):
                raise click.ClickException(f"there is no collection {name} in the database {database.name}")
            return found
    except (InvalidURI, ConfigurationError) as error:
        raise click.ClickException(
            f"the database's URL: {error}; it must name a database: mongodb://host/database"
        ) from None
    except PyMongoError as error:
        reason, _, _ = str(error).partition(", Timeout: ")  # behind that comes all the client knows of the servers
        raise click.ClickException(f"the sagas' database: {reason}") from error


def _in_table(text: str, name: str, wanted: dict[str, Any]) -> Sequence[Instance]:
    from headwater.saga.sqlalchemy import SagaStore, saga_table  # first: it says which extra is missing

    # isort: split
    from sqlalchemy import MetaData
    from sqlalchemy.exc import DBAPIError

    from headwater.sql_database import DatabaseUrlError, is_missing, open_engine, parse_url, split_name

    try:
        url = parse_url(text)
        engine = open_engine(url)
    except DatabaseUrlError as error:
        raise click.ClickException(str(error)) from error
    _refuse_missing_file(url)
    schema, table = split_name(name)
    store = SagaStore(saga_table(MetaData(), table, schema=schema))
    try:
        with engine.connect() as connection:
            return store.find(connection, **wanted)
    except DBAPIError as error:
        reason = str(error.orig).strip()
        if is_missing(error):
            raise click.ClickException(
                f"{name} is no table of sagas: {reason}; a service makes one with headwater.saga.sqlalchemy.saga_table"
            ) from error
        raise click.ClickException(f"the sagas' database: {reason}") from error
    finally:
        engine.dispose()


def _refuse_missing_file(url: URL) -> None:
    """SQLite would make an empty one."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith((":memory:", "file:")):
        return
    if not Path(url.database).exists():
        raise click.ClickException(f"there is no file {url.database}")
