"""``headwater projection`` and ``headwater inbox prune``, as an operator runs them beside a service's own module."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import URL, MetaData, create_engine, text
from sqlalchemy.orm import Session

from headwater.inbox.sqlalchemy import Inbox, inbox_table
from tests.integration.inbox.conftest import Send, wait_for
from tests.integration.inbox.libraries import ASYNC_DRIVERS
from tests.sql_databases import KINDS, new_database

VIEWS = """
import os

from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine

from headwater.inbox.events import ChangeEvents
from headwater.projection import Projection
from headwater.projection.sqlalchemy import TableView, positions_table

engine = create_engine(os.environ["DATABASE"])
courses = Table("courses", MetaData(), Column("id", Integer, primary_key=True), Column("name", String(50)))
positions = positions_table(courses)
courses.metadata.create_all(engine)
projection = Projection(
    broker=os.environ["BROKER"],
    topics=[os.environ["TOPIC"]],
    group="courses",
    events=ChangeEvents(dict),
    view=TableView(engine, courses, positions),
)
"""
CONSUMERS = """
import os

from sqlalchemy import MetaData, create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from headwater.inbox import Subscription
from headwater.inbox.sqlalchemy import AsyncInbox, Inbox, inbox_table

table = inbox_table(MetaData())
given = {"broker": "kafka://unused", "topics": ["t"], "group": "g"}


def handle(session, message):
    pass


async def handle_async(session, message):
    pass


if "ASYNC" in os.environ:
    inbox = AsyncInbox(table, async_sessionmaker(create_async_engine(os.environ["DATABASE"])))
    subscription = Subscription(**given, inbox=inbox, handler=handle_async)
else:
    inbox = Inbox(table, sessionmaker(create_engine(os.environ["DATABASE"])))
    subscription = Subscription(**given, inbox=inbox, handler=handle)
"""
Headwater = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def headwater(tmp_path: Path) -> Headwater:
    """Starts a command where the service's modules are: ``headwater("inbox", "run", "…", DATABASE="…")``."""
    (tmp_path / "views.py").write_text(VIEWS)
    (tmp_path / "consumers.py").write_text(CONSUMERS)

    def headwater(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "headwater", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return headwater


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Its exit code, and what it printed, once it has ended."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def text_of(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def change(op: str, number: int, name: str | None) -> tuple[str, str]:
    """A change event's key and value."""
    after = None if name is None else {"id": number, "name": name}
    return json.dumps({"id": number}), json.dumps({"op": op, "before": None, "after": after, "source": {}})


@pytest.mark.parametrize("broker_kind", ["local", "kafka"])
def test_a_projection_is_run_and_rebuilt(
    headwater: Headwater, broker, broker_kind: str, topic: str, send: Send, tmp_path: Path
) -> None:
    kind = {"local": "sqlite", "kafka": "mysql"}[broker_kind]
    with new_database(kind, tmp_path) as url:
        engine = create_engine(url)
        given = {"DATABASE": text_of(url), "BROKER": broker.consumers_address, "TOPIC": topic}

        def rows() -> list[tuple[int, str]]:
            with engine.connect() as connection:
                found = connection.execute(text("SELECT id, name FROM courses ORDER BY id"))
                return [(row.id, row.name) for row in found]

        for key, value in (change("c", 1, "a"), change("c", 2, "b"), change("d", 1, None)):
            send(value, key=key)
        rebuilt = ended(headwater("projection", "rebuild", "views:projection", **given))
        assert rebuilt[:2] == (0, "rebuilt from 3 messages\n"), rebuilt[2]
        assert rows() == [(2, "b")]
        running = headwater("projection", "run", "views:projection", **given)
        key, value = change("c", 3, "c")
        send(value, key=key)
        wait_for([(2, "b"), (3, "c")], rows)
        running.send_signal(signal.SIGTERM)
        assert ended(running)[0] == 0
        engine.dispose()


def test_what_ends_a_projection_is_told_without_a_traceback(headwater: Headwater, tmp_path: Path) -> None:
    given = {
        "DATABASE": f"sqlite:///{tmp_path}/views.db",
        "BROKER": f"local://{tmp_path}/topics.db",
        "TOPIC": "courses",
    }
    code, _, error = ended(headwater("projection", "rebuild", "views:projection", **given))
    assert (code, "Traceback" in error) == (1, False)
    assert error.endswith("Error: there is nothing to rebuild from: no topic courses\n")
    code, _, error = ended(headwater("projection", "run", "views:engine", **given))
    assert (code, error) == (1, "Error: views:engine is no Projection\n")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_old_ids_are_pruned(headwater: Headwater, kind: str, *, asynchronous: bool, tmp_path: Path) -> None:
    with new_database(kind, tmp_path) as url:
        table = inbox_table(metadata := MetaData())
        engine = create_engine(url)
        metadata.create_all(engine)
        with Session(engine) as session, session.begin():
            Inbox(table).record(session, "g", "old")
            Inbox(table).record(session, "g", "new")
            session.execute(
                table.update().where(table.c.message_id == "old").values(handled_at=datetime(2001, 1, 1, tzinfo=UTC))
            )
        given = {"DATABASE": text_of(url)}
        if asynchronous:
            driver = {**ASYNC_DRIVERS, "sqlite": "sqlite+aiosqlite"}[kind]
            given = {"DATABASE": text_of(url.set(drivername=driver)), "ASYNC": "1"}
        pruned = ended(headwater("inbox", "prune", "consumers:subscription", "--older-than", "30d", **given))
        assert pruned[:2] == (0, "1 ids forgotten\n"), pruned[2]
        with engine.connect() as connection:
            assert list(connection.scalars(table.select().with_only_columns(table.c.message_id))) == ["new"]
        engine.dispose()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite:///{folder}/empty.db", "no such table: inbox"),
        ("mysql+pymysql://root@127.0.0.1:1/nowhere", "Can't connect"),
        ("postgresql+psycopg://postgres@127.0.0.1:1/nowhere", "onnection refused"),
    ],
)
def test_why_nothing_is_pruned_is_told_without_a_traceback(
    headwater: Headwater, url: str, reason: str, tmp_path: Path
) -> None:
    given = {"DATABASE": url.format(folder=tmp_path)}
    code, _, error = ended(headwater("inbox", "prune", "consumers:subscription", "--older-than", "500ms", **given))
    assert (code, reason in error, "Traceback" in error) == (1, True, False), error
    assert error.startswith("Error: ids can't be forgotten: ")


def test_an_age_is_a_duration(headwater: Headwater, tmp_path: Path) -> None:
    given = {"DATABASE": f"sqlite:///{tmp_path}/inbox.db"}
    code, _, error = ended(headwater("inbox", "prune", "consumers:subscription", "--older-than", "30", **given))
    assert (code, "'30' is no duration: give a number with ms, s, m, h or d" in error) == (2, True)
