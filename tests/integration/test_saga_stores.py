"""What every store of sagas does, in each database, sync and async."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.errors import PyMongoError
from sqlalchemy import MetaData, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

import headwater.saga.pymongo as with_pymongo
import headwater.saga.sqlalchemy as with_sqlalchemy
from headwater.saga import Phase, SagaConflictError, SagaExistsError, Status
from headwater.saga.instance import Entry, Instance
from tests.sql_databases import KINDS, new_database

SQL = [kind for kind in KINDS if kind != "sqlite"]
"""SQLite's is what tests/unit/test_saga.py runs on."""
ASYNC_DRIVERS = {"mysql": "mysql+asyncmy", "mariadb": "mariadb+asyncmy", "postgresql": "postgresql+psycopg_async"}
NOW = datetime(2026, 5, 1, 12, 30, 15, 123_000, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Backend:
    """A store with what begins its transactions; the asynchronous ones are driven from outside their loop."""

    store: Any
    transaction: Callable[[], Any]

    def insert(self, *instances: Instance) -> None:
        with self.transaction() as session:
            for instance in instances:
                self.store.insert(session, instance)

    def load(self, saga_id: str) -> Instance | None:
        with self.transaction() as session:
            found: Instance | None = self.store.load(session, "order", saga_id)
            return found

    def find(self, **wanted: Any) -> list[str]:
        with self.transaction() as session:
            return [each.id for each in self.store.find(session, **wanted)]


class Driven:
    """An object whose coroutine functions are run to their end by whoever calls them."""

    def __init__(self, inner: Any, runner: asyncio.Runner) -> None:
        self._inner = inner
        self._runner = runner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *arguments, **named: self._runner.run(getattr(self._inner, name)(*arguments, **named))


@contextmanager
def sql(kind: str, folder: Path) -> Iterator[Backend]:
    metadata = MetaData()
    store = with_sqlalchemy.SagaStore(with_sqlalchemy.saga_table(metadata))
    with new_database(kind, folder) as url:
        engine = create_engine(url)
        metadata.create_all(engine)

        @contextmanager
        def transaction() -> Iterator[Session]:
            with Session(engine) as session, session.begin():
                yield session

        yield Backend(store, transaction)
        engine.dispose()


@contextmanager
def async_sql(kind: str, folder: Path) -> Iterator[Backend]:
    metadata = MetaData()
    store = with_sqlalchemy.AsyncSagaStore(with_sqlalchemy.saga_table(metadata))
    with new_database(kind, folder) as url, asyncio.Runner() as runner:
        engine = create_async_engine(url.set(drivername=ASYNC_DRIVERS[kind]))
        runner.run(_create_all(engine, metadata))

        @contextmanager
        def transaction() -> Iterator[AsyncSession]:
            session = AsyncSession(engine)
            driven = Driven(session, runner)
            try:
                yield session
                driven.commit()
            finally:
                driven.close()

        yield Backend(Driven(store, runner), transaction)
        Driven(engine, runner).dispose()


async def _create_all(engine: AsyncEngine, metadata: MetaData) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)


@contextmanager
def mongodb(url: str, name: str) -> Iterator[Backend]:
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        store = with_pymongo.SagaStore(client[name]["sagas"])
        store.create_indexes()

        @contextmanager
        def transaction() -> Iterator[Any]:
            with client.start_session() as session, session.start_transaction():
                yield session

        yield Backend(store, transaction)


@contextmanager
def async_mongodb(url: str, name: str) -> Iterator[Backend]:
    with asyncio.Runner() as runner:
        client: pymongo.AsyncMongoClient[dict[str, Any]] = pymongo.AsyncMongoClient(url)
        store = with_pymongo.AsyncSagaStore(client[name]["sagas"])
        runner.run(store.create_indexes())

        @contextmanager
        def transaction() -> Iterator[Any]:
            session = client.start_session()
            driven = Driven(session, runner)
            driven.start_transaction()
            try:
                yield session
                driven.commit_transaction()
            finally:
                driven.end_session()

        yield Backend(Driven(store, runner), transaction)
        runner.run(client.close())


@pytest.fixture(params=[*SQL, "mongodb", *(f"{kind}-async" for kind in (*SQL, "mongodb"))])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    kind, _, is_async = request.param.partition("-")
    if kind == "mongodb":
        name = request.getfixturevalue("mongodb_database").name
        opened = (async_mongodb if is_async else mongodb)(request.getfixturevalue("mongodb_url"), name)
    else:
        opened = (async_sql if is_async else sql)(kind, tmp_path)
    with opened as backend:
        yield backend


def order(saga_id: str, **changed: Any) -> Instance:
    given: dict[str, Any] = {
        "saga": "order",
        "data": {"name": "가나 🎓", "total": 2**40, "none": None},
        "started_at": NOW,
        "updated_at": NOW,
        "step": "payment",
        "attempts": 1,
        "deadline": NOW + MINUTE,
        "history": [Entry(NOW, "payment", Phase.PROCESS, "requested"), Entry(NOW, "payment", Phase.PROCESS, "x", "é")],
    }
    return Instance(id=saga_id, **given | changed)


def test_what_is_stored_is_read_as_it_was(backend: Backend) -> None:
    first = order("é/1")
    second = order(
        "É/1", status=Status.FAILED, phase=Phase.ROLLBACK, deadline=None, reason="가나", retries=2, history=[]
    )
    backend.insert(first, second)
    assert backend.load("é/1") == first
    assert backend.load("É/1") == second
    assert backend.load("3") is None


def test_a_saga_is_stored_once(backend: Backend) -> None:
    backend.insert(order("1"))
    with pytest.raises(SagaExistsError):
        backend.insert(order("1", step="other"))
    backend.insert(order("1", saga="delivery"))
    assert backend.load("1") == order("1")


def test_what_fails_leaves_nothing(backend: Backend) -> None:
    with pytest.raises(SagaExistsError):
        backend.insert(order("1"), order("2"), order("1"))
    assert backend.load("1") is None
    assert backend.load("2") is None


def test_a_version_that_is_not_the_last_one_is_not_stored(backend: Backend) -> None:
    backend.insert(order("1"))
    old = backend.load("1")
    assert old is not None
    with backend.transaction() as session:
        instance = backend.store.load(session, "order", "1")
        instance.step, instance.deadline = None, None
        backend.store.save(session, instance)
    with pytest.raises(SagaConflictError), backend.transaction() as session:
        backend.store.save(session, old)
    assert backend.load("1") == order("1", step=None, deadline=None, version=1)


def test_overdue_are_those_whose_deadline_has_passed_the_oldest_first(backend: Backend) -> None:
    deadlines = {"1": NOW, "2": NOW - 2 * MINUTE, "3": NOW + timedelta(milliseconds=1), "4": None, "5": NOW - MINUTE}
    backend.insert(*(order(saga_id, deadline=deadline) for saga_id, deadline in deadlines.items()))
    backend.insert(order("6", saga="delivery", deadline=NOW - MINUTE))
    with backend.transaction() as session:
        assert list(backend.store.overdue(session, "order", NOW, 10)) == ["2", "5", "1"]
    with backend.transaction() as session:
        assert list(backend.store.overdue(session, "order", NOW, 2)) == ["2", "5"]
    with backend.transaction() as session:
        assert list(backend.store.overdue(session, "order", NOW, 2, 2)) == ["1"]


def test_found_are_those_that_changed_last(backend: Backend) -> None:
    for number, status in enumerate((Status.RUNNING, Status.FAILED, Status.RUNNING)):
        backend.insert(order(str(number), status=status, updated_at=NOW + number * MINUTE))
    backend.insert(order("3", saga="delivery", updated_at=NOW + 3 * MINUTE))
    assert backend.find() == ["3", "2", "1", "0"]
    assert backend.find(saga="order", limit=2) == ["2", "1"]
    assert backend.find(status=Status.RUNNING, saga="order") == ["2", "0"]


def test_one_saga_is_found_by_its_id_while_another_transaction_holds_it(backend: Backend) -> None:
    first, other = order("1"), order("1", saga="delivery", updated_at=NOW - MINUTE)
    backend.insert(first, other, order("2"))
    with backend.transaction() as holding:
        backend.store.load(holding, "order", "1")
        with backend.transaction() as session:
            assert list(backend.store.find(session, saga_id="1")) == [first, other]
            assert list(backend.store.find(session, saga="order", saga_id="1")) == [first]
            assert list(backend.store.find(session, saga_id="3")) == []


@pytest.mark.parametrize("backend", [*SQL, "mongodb"], indirect=True)
def test_changes_at_the_same_time_are_all_made(backend: Backend) -> None:
    """A transaction waits for the other one, or fails and is tried again; none undoes what another has done."""
    backend.insert(order("1", attempts=0))

    def change() -> None:
        for _ in range(10):
            while not _changed(backend):
                pass

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    changed = backend.load("1")
    assert changed is not None
    assert (changed.attempts, changed.version) == (40, 40)


def _changed(backend: Backend) -> bool:
    """Whether a change was made; False where MongoDB has ended the transaction for another one."""
    try:
        with backend.transaction() as session:
            instance = backend.store.load(session, "order", "1")
            instance.attempts += 1
            backend.store.save(session, instance)
    except PyMongoError as error:
        if not error.has_error_label("TransientTransactionError"):
            raise
        return False
    return True
