"""`headwater saga`, as someone uses it who wants to know how a service's sagas stand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest
from click.testing import CliRunner
from sqlalchemy import MetaData, create_engine, text

import headwater.saga.pymongo as with_pymongo
import headwater.saga.sqlalchemy as with_sqlalchemy
from headwater.cli import main
from headwater.saga import Phase, Status
from headwater.saga.instance import Entry, Instance
from headwater.sql_database import parse_url
from tests.sql_databases import KINDS, new_database, plain
from tools.ports import free_port

NOW = datetime(2026, 5, 1, 12, 30, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def instance(saga: str, saga_id: str, age: timedelta, **changed: Any) -> Instance:
    at = NOW - age
    return Instance(saga=saga, id=saga_id, data={"order": saga_id}, started_at=at, updated_at=at, **changed)


RUNNING = instance("order", "1", MINUTE, step="payment", attempts=1, deadline=NOW + MINUTE)
FAILED = instance(
    "order",
    "2",
    timedelta(0),
    step="payment",
    phase=Phase.ROLLBACK,
    status=Status.FAILED,
    reason="the account is closed",
    history=[
        Entry(NOW, "payment", Phase.PROCESS, "succeeded"),
        Entry(NOW, "payment", Phase.ROLLBACK, "failed", "the account is closed"),
    ],
)
REFUND = instance("refund", "1", 2 * MINUTE, status=Status.COMPLETED)


def headwater(*arguments: object, status: int = 0) -> str:
    result = CliRunner().invoke(main, ["saga", *map(str, arguments)])
    assert result.exit_code == status, result.output
    return result.output


def of_collection(url: str, database: str) -> str:
    return url.replace("/?", f"/{database}?authSource=admin&")


@contextmanager
def database(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """A database's URL as someone gives it to a command."""
    if kind == "mongodb":
        yield of_collection(request.getfixturevalue("mongodb_url"), request.getfixturevalue("mongodb_database").name)
        return
    with new_database(kind, folder) as url:
        if kind == "sqlite":
            Path(url.database or "").touch()
        yield plain(url)


@pytest.fixture(params=[*KINDS, "mongodb"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without sagas."""
    with database(request.param, request, tmp_path) as url:
        yield url


@pytest.fixture
def sagas(empty: str) -> str:
    """The URL of a database with sagas."""
    store(empty, RUNNING, FAILED, REFUND)
    return empty


def store(url: str, *instances: Instance, schema: str | None = None) -> None:
    if url.startswith("mongodb"):
        with pymongo.MongoClient[dict[str, Any]](url) as client, client.start_session() as session:
            for each in instances:
                with_pymongo.SagaStore(client.get_default_database()["sagas"]).insert(session, each)
        return
    metadata = MetaData()
    table = with_sqlalchemy.saga_table(metadata, schema=schema)
    engine = create_engine(parse_url(url))
    with engine.begin() as connection:
        if schema:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        metadata.create_all(connection)
        for each in instances:
            with_sqlalchemy.SagaStore(table).insert(connection, each)
    engine.dispose()


def test_sagas_are_listed_those_that_changed_last_first(sagas: str) -> None:
    assert headwater("list", "--url", sagas).splitlines() == [
        "2026-05-01 12:30:15  FAILED        order 2  rollback payment",
        "    the account is closed",
        "2026-05-01 12:29:15  RUNNING       order 1  process payment",
        "2026-05-01 12:28:15  COMPLETED     refund 1  ",
    ]
    assert headwater("list", "--url", sagas, "--limit", 1).splitlines()[0].endswith("order 2  rollback payment")
    assert headwater("list", "--url", sagas, "--saga", "refund").splitlines()[0].endswith("refund 1  ")
    assert headwater("list", "--url", sagas, "--saga", "trip") == "no sagas\n"
    (running,) = headwater("list", "--url", sagas, "--status", "running", "--json").splitlines()
    assert json.loads(running) == {
        "saga": "order",
        "id": "1",
        "status": "RUNNING",
        "step": "payment",
        "phase": "process",
        "reason": None,
        "deadline": "2026-05-01T12:31:15+00:00",
        "data": {"order": "1"},
        "history": [],
    }


def test_a_saga_is_shown_with_its_history(sagas: str) -> None:
    assert headwater("show", "--url", sagas, "2").splitlines() == [
        "order 2: FAILED",
        "  reason       the account is closed",
        '  data         {"order": "2"}',
        "  2026-05-01 12:30:15  process  payment              succeeded",
        "  2026-05-01 12:30:15  rollback payment              failed  (the account is closed)",
    ]
    shown = [json.loads(line) for line in headwater("show", "--url", sagas, "1", "--json").splitlines()]
    assert [(each["saga"], each["id"]) for each in shown] == [("order", "1"), ("refund", "1")]
    assert headwater("show", "--url", sagas, "3", status=1) == "Error: there is no saga '3'\n"


def test_where_there_are_no_sagas_it_is_said_what_is_missing(empty: str) -> None:
    for command in (["list"], ["show", "1"], ["list", "--table", "orders"]):
        output = headwater(*command, "--url", empty, status=1)
        name = "orders" if "orders" in command else "saga"
        assert f"{name} is no table of sagas: " in output or f"there is no collection {name}" in output
        assert "SELECT" not in output
        assert "sqlalche.me" not in output


def test_a_table_may_have_a_schema(tmp_path: Path) -> None:
    with new_database("postgresql", tmp_path) as url:
        store(plain(url), RUNNING, schema="app")
        assert headwater("show", "--url", plain(url), "1", "--table", "app.saga").startswith("order 1: RUNNING\n")
        assert headwater("list", "--url", plain(url), status=1).startswith("Error: saga is no table of sagas")
        assert "app2.saga is no table of sagas" in headwater(
            "list", "--url", plain(url), "--table", "app2.saga", status=1
        )


@pytest.mark.parametrize("kind", ["mysql", "postgresql", "mongodb"])
def test_a_server_that_is_away_is_named(kind: str) -> None:
    port = free_port()
    output = headwater("list", "--url", f"{kind}://127.0.0.1:{port}/orders", status=1)
    assert output.startswith("Error: the sagas' database: ")
    assert str(port) in output or "127.0.0.1" in output
    assert "Topology" not in output
    assert "sqlalche.me" not in output


def test_looking_makes_no_file(tmp_path: Path) -> None:
    file = tmp_path / "orders.db"
    for command in (["list"], ["show", "1"]):
        assert headwater(*command, "--url", f"sqlite:///{file}", status=1) == f"Error: there is no file {file}\n"
    assert not file.exists()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nonsense", "must be like postgresql://user:password@host:port/database"),
        ("oracle://db/orders", "starts with one of mysql, mariadb, postgresql, sqlite, mongodb"),
        ("mongodb://127.0.0.1", "must name a database"),
        ("mysql+nonsense://db/orders", "nonsense"),
    ],
)
def test_a_url_that_can_not_be_meant(url: str, reason: str) -> None:
    assert reason in headwater("list", "--url", url, status=1)
