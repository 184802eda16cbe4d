"""Sagas in a collection, for PyMongo, sync and async. They change in the session's multi-document transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headwater.saga.errors import SagaConflictError, SagaExistsError
from headwater.saga.instance import Entry, Instance, Phase, Status

try:
    from pymongo import ASCENDING, DESCENDING
    from pymongo.errors import DuplicateKeyError
except ImportError as error:
    message = "headwater.saga.pymongo needs PyMongo: pip install 'headwater[mongodb]'"
    raise ImportError(message) from error

if TYPE_CHECKING:
    from pymongo.asynchronous.client_session import AsyncClientSession
    from pymongo.asynchronous.collection import AsyncCollection
    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection

Document = dict[str, Any]

INDEXES: Sequence[Sequence[tuple[str, int]]] = (
    [("_id.saga", ASCENDING), ("deadline", ASCENDING)],
    [("_id.id", ASCENDING)],
    [("updated_at", DESCENDING)],
)
"""What a collection of sagas is looked through by: `create_indexes` makes them."""


class SagaStore:
    """A `headwater.saga.store.SagaStore` in ``collection``.

    MongoDB lets one transaction at a time change a saga; the other one fails at once, with an error that has the label
    ``TransientTransactionError``, and `with_transaction` and an inbox try it again.
    """

    def __init__(self, collection: Collection[Document]) -> None:
        self._collection = collection

    def create_indexes(self) -> None:
        """Make `INDEXES`, where they aren't there yet."""
        for keys in INDEXES:
            self._collection.create_index(keys)

    def insert(self, session: ClientSession, instance: Instance) -> None:
        """As `headwater.saga.store.SagaStore.insert`."""
        try:
            self._collection.insert_one(_document(instance), session=session)
        except DuplicateKeyError as error:
            raise SagaExistsError(instance.saga, instance.id) from error

    def load(self, session: ClientSession, saga: str, saga_id: str) -> Instance | None:
        """As `headwater.saga.store.SagaStore.load`."""
        found = self._collection.find_one({"_id": _id(saga, saga_id)}, session=session)
        return None if found is None else _instance(found)

    def save(self, session: ClientSession, instance: Instance) -> None:
        """As `headwater.saga.store.SagaStore.save`."""
        last = _last(instance)
        instance.version += 1
        if self._collection.replace_one(last, _document(instance), session=session).matched_count != 1:
            raise SagaConflictError(instance.saga, instance.id)

    def overdue(self, session: ClientSession, saga: str, now: datetime, limit: int, skip: int = 0) -> Sequence[str]:
        """As `headwater.saga.store.SagaStore.overdue`."""
        found = self._collection.find(_overdue(saga, now), {"_id": 1}, session=session)
        return [each["_id"]["id"] for each in found.sort("deadline", ASCENDING).skip(skip).limit(limit)]

    def find(
        self,
        session: ClientSession | None,
        *,
        saga: str | None = None,
        saga_id: str | None = None,
        status: Status | None = None,
        limit: int = 100,
    ) -> Sequence[Instance]:
        """As `headwater.saga.store.SagaStore.find`."""
        found = self._collection.find(_wanted(saga, saga_id, status), session=session)
        return [_instance(each) for each in found.sort("updated_at", DESCENDING).limit(limit)]


class AsyncSagaStore:
    """A `headwater.saga.store.AsyncSagaStore`; as `SagaStore`, for asyncio."""

    def __init__(self, collection: AsyncCollection[Document]) -> None:
        self._collection = collection

    async def create_indexes(self) -> None:
        """As `SagaStore.create_indexes`."""
        for keys in INDEXES:
            await self._collection.create_index(keys)

    async def insert(self, session: AsyncClientSession, instance: Instance) -> None:
        """As `headwater.saga.store.SagaStore.insert`."""
        try:
            await self._collection.insert_one(_document(instance), session=session)
        except DuplicateKeyError as error:
            raise SagaExistsError(instance.saga, instance.id) from error

    async def load(self, session: AsyncClientSession, saga: str, saga_id: str) -> Instance | None:
        """As `headwater.saga.store.SagaStore.load`."""
        found = await self._collection.find_one({"_id": _id(saga, saga_id)}, session=session)
        return None if found is None else _instance(found)

    async def save(self, session: AsyncClientSession, instance: Instance) -> None:
        """As `headwater.saga.store.SagaStore.save`."""
        last = _last(instance)
        instance.version += 1
        done = await self._collection.replace_one(last, _document(instance), session=session)
        if done.matched_count != 1:
            raise SagaConflictError(instance.saga, instance.id)

    async def overdue(
        self, session: AsyncClientSession, saga: str, now: datetime, limit: int, skip: int = 0
    ) -> Sequence[str]:
        """As `headwater.saga.store.SagaStore.overdue`."""
        found = self._collection.find(_overdue(saga, now), {"_id": 1}, session=session)
        return [each["_id"]["id"] async for each in found.sort("deadline", ASCENDING).skip(skip).limit(limit)]

    async def find(
        self,
        session: AsyncClientSession | None,
        *,
        saga: str | None = None,
        saga_id: str | None = None,
        status: Status | None = None,
        limit: int = 100,
    ) -> Sequence[Instance]:
        """As `headwater.saga.store.SagaStore.find`."""
        found = self._collection.find(_wanted(saga, saga_id, status), session=session)
        return [_instance(each) async for each in found.sort("updated_at", DESCENDING).limit(limit)]


def _id(saga: str, saga_id: str) -> Document:
    return {"saga": saga, "id": saga_id}


def _last(instance: Instance) -> Document:
    return {"_id": _id(instance.saga, instance.id), "version": instance.version}


def _overdue(saga: str, now: datetime) -> Document:
    return {"_id.saga": saga, "deadline": {"$lte": now}}


def _wanted(saga: str | None, saga_id: str | None, status: Status | None) -> Document:
    wanted = {"_id.saga": saga, "_id.id": saga_id, "status": status and status.value}
    return {name: value for name, value in wanted.items() if value is not None}


def _document(instance: Instance) -> Document:
    return {
        "_id": _id(instance.saga, instance.id),
        "status": instance.status.value,
        "step": instance.step,
        "phase": instance.phase.value,
        "attempts": instance.attempts,
        "retries": instance.retries,
        "deadline": instance.deadline,
        "reason": instance.reason,
        "data": instance.data,
        "history": [entry.as_json() for entry in instance.history],
        "started_at": instance.started_at,
        "updated_at": instance.updated_at,
        "version": instance.version,
    }


def _instance(found: Mapping[str, Any]) -> Instance:
    deadline = found["deadline"]
    return Instance(
        saga=found["_id"]["saga"],
        id=found["_id"]["id"],
        status=Status(found["status"]),
        step=found["step"],
        phase=Phase(found["phase"]),
        attempts=found["attempts"],
        retries=found["retries"],
        deadline=None if deadline is None else _utc(deadline),
        reason=found["reason"],
        data=found["data"],
        history=[Entry.from_json(entry) for entry in found["history"]],
        started_at=_utc(found["started_at"]),
        updated_at=_utc(found["updated_at"]),
        version=found["version"],
    )


def _utc(time: datetime) -> datetime:
    """Clients that aren't asked for time zones give times in UTC without one."""
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
