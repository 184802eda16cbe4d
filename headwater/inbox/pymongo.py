"""The inbox for PyMongo, sync and async: a collection, and recording in a multi-document transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from headwater.inbox.errors import AutocommitError
from headwater.inbox.message_id import stored_id

try:
    from pymongo.errors import ConnectionFailure, PyMongoError, WTimeoutError
    from pymongo.read_concern import ReadConcern
    from pymongo.write_concern import WriteConcern
except ImportError as error:
    message = "headwater.inbox.pymongo needs PyMongo: pip install 'headwater[mongodb]'"
    raise ImportError(message) from error

if TYPE_CHECKING:
    from pymongo.asynchronous.client_session import AsyncClientSession
    from pymongo.asynchronous.collection import AsyncCollection
    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection

Document = dict[str, Any]
_PASSING_LABELS = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")
_READ, _WRITE = ReadConcern("snapshot"), WriteConcern("majority")


class Inbox:
    """A `headwater.inbox.Inbox` in ``collection``; a handler's session is a `ClientSession` in a transaction."""

    def __init__(self, collection: Collection[Document]) -> None:
        self._collection = collection

    @contextmanager
    def transaction(self) -> Iterator[ClientSession]:
        """As `headwater.inbox.Inbox.transaction`; read concern snapshot, write concern majority."""
        with self._collection.database.client.start_session() as session, session.start_transaction(_READ, _WRITE):
            yield session

    def record(self, session: ClientSession, consumer: str, message_id: str) -> bool:
        """As `headwater.inbox.Inbox.record`; another transaction that has just recorded it makes a passing error."""
        if not session.in_transaction:
            raise AutocommitError
        query, update = _upsert(consumer, message_id)
        return self._collection.update_one(query, update, upsert=True, session=session).upserted_id is not None

    def is_passing(self, error: BaseException) -> bool:
        """As `headwater.inbox.Inbox.is_passing`."""
        return is_passing(error)

    def prune(self, older_than: timedelta) -> int:
        """As `headwater.inbox.Inbox.prune`. A TTL index on ``handled_at`` does the same by itself."""
        return self._collection.delete_many(_old(older_than)).deleted_count


class AsyncInbox:
    """A `headwater.inbox.AsyncInbox` in ``collection``; as `Inbox`, for PyMongo's asynchronous client."""

    def __init__(self, collection: AsyncCollection[Document]) -> None:
        self._collection = collection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncClientSession]:
        """As `Inbox.transaction`."""
        async with (
            self._collection.database.client.start_session() as session,
            await session.start_transaction(_READ, _WRITE),
        ):
            yield session

    async def record(self, session: AsyncClientSession, consumer: str, message_id: str) -> bool:
        """As `Inbox.record`."""
        if not session.in_transaction:
            raise AutocommitError
        query, update = _upsert(consumer, message_id)
        result = await self._collection.update_one(query, update, upsert=True, session=session)
        return result.upserted_id is not None

    def is_passing(self, error: BaseException) -> bool:
        """As `headwater.inbox.Inbox.is_passing`."""
        return is_passing(error)

    async def prune(self, older_than: timedelta) -> int:
        """As `Inbox.prune`."""
        return (await self._collection.delete_many(_old(older_than))).deleted_count


def _upsert(consumer: str, message_id: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """An insert that finds what is there already: a duplicate key would end the transaction."""
    key = {"consumer": stored_id(consumer), "message_id": stored_id(message_id)}
    return {"_id": key}, {"$setOnInsert": {"handled_at": datetime.now(UTC)}}


def _old(older_than: timedelta) -> Mapping[str, Any]:
    return {"handled_at": {"$lt": datetime.now(UTC) - older_than}}


def is_passing(error: BaseException) -> bool:
    """Whether the error says something of the servers at this moment: see `headwater.inbox.Inbox.is_passing`."""
    if isinstance(error, (ConnectionFailure, WTimeoutError)):
        return True
    return isinstance(error, PyMongoError) and any(map(error.has_error_label, _PASSING_LABELS))
