"""MongoDB under the fault tests' load."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import orjson
from bson import Decimal128
from pymongo import DeleteOne, UpdateOne, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from tests.faults.database import BUSINESS, NOTE, OUTBOX, AbortedError, Change, Image

Document = dict[str, Any]
Operation = UpdateOne | DeleteOne

OUTAGE_SECONDS = 60.0
"""How long there may be no primary: longer than an election or a restart takes."""
KEY_NOT_FOUND = 211
MAJORITY = WriteConcern("majority")
"""What is acknowledged with it outlives any member's crash."""


class MongoDb:
    """`tests.faults.database.Database` of MongoDB; the collections keep every image, so that each tells its number.

    ``database`` is one of a client that finds the primary; ``url`` is the connector's connection string.
    """

    impatience: Mapping[str, str] = {"mongodb.connect.timeout.ms": "1000", "mongodb.heartbeat.frequency.ms": "500"}

    def __init__(self, database: Database[Document], url: str) -> None:
        self.name = database.name
        self._database = database.with_options(write_concern=MAJORITY)
        self._url = url

    @property
    def address(self) -> tuple[str, int]:
        assert self._database.client.primary is not None
        return self._database.client.primary

    def create_tables(self) -> None:
        for collection in (BUSINESS, OUTBOX):
            self._database.create_collection(collection, changeStreamPreAndPostImages={"enabled": True})

    @contextmanager
    def session(self) -> Iterator[MongoDbSession]:
        with self._database.client.start_session() as session:
            yield MongoDbSession(self._database, session)

    def connector(self) -> dict[str, str]:
        return {
            "connector.class": "mongodb",
            "mongodb.connection.string": self._url,
            "database.include.list": self.name,
            "capture.mode": "change_streams_update_full_with_pre_image",
            "capture.mode.full.update.type": "post_image",
        }

    def reached_at(self, host: str, port: int) -> dict[str, str]:
        """That server and no other member, whatever addresses the replica set tells of."""
        credentials = "".join(urlsplit(self._url).netloc.rpartition("@")[:2])
        return {"mongodb.connection.string": f"mongodb://{credentials}{host}:{port}/?directConnection=true"}

    def key(self, key: bytes) -> int | str:
        identity: int | str = orjson.loads(orjson.loads(key)["id"])
        return identity

    def change(self, event: Mapping[str, Any]) -> Change:
        operation, source = event["op"], event["source"]
        document = event["before" if operation == "d" else "after"]
        position = tuple(source.get(name) for name in ("ts_ms", "ord", "lsid", "txnNumber"))
        return Change(operation, None if document is None else orjson.loads(document), position)


class MongoDbSession:
    """`tests.faults.database.Session` of MongoDB.

    Whatever becomes of the servers, a commit can be tried again, and so can a statement outside of a transaction: it
    changes nothing where it was done before.
    """

    has_savepoints = False

    def __init__(self, database: Database[Document], session: ClientSession) -> None:
        self._business, self._outbox = database[BUSINESS], database[OUTBOX]
        self._session = session

    def begin(self) -> None:
        self._session.start_transaction(write_concern=MAJORITY)

    def commit(self) -> None:
        with self._aborts():
            _insist(
                self._session.commit_transaction,
                lambda error: error.has_error_label("UnknownTransactionCommitResult") or _has_no_keys(error),
            )

    def rollback(self) -> None:
        self._session.abort_transaction()

    def undone(self) -> AbstractContextManager[None]:
        raise NotImplementedError

    def insert(self, images: Mapping[int, Image]) -> None:
        self._write(self._business, [_insert(_document(row, image)) for row, image in images.items()])

    def update(self, images: Mapping[int, Image]) -> None:
        changes = [
            UpdateOne({"_id": row, "version": image.version - 1}, {"$set": image._asdict()})
            for row, image in images.items()
        ]
        self._write(self._business, changes)

    def delete(self, rows: Sequence[int]) -> None:
        self._write(self._business, [DeleteOne({"_id": row}) for row in rows])

    def move(self, row: int, new_row: int, image: Image) -> None:
        """A document's ``_id`` never changes."""
        self.delete([row])
        self.insert({new_row: image})

    def publish(self, event: str, aggregate: int) -> None:
        document = {
            "_id": event,
            "aggregateType": "Account",
            "aggregateId": aggregate,
            "type": "Changed",
            "payload": {"aggregate": aggregate, "note": NOTE},
            "createdAt": datetime.now(UTC),
        }
        self._write(self._outbox, [_insert(document)])
        self._write(self._outbox, [DeleteOne({"_id": event})])

    def _write(self, collection: Collection[Document], operations: Sequence[Operation]) -> None:
        if self._session.in_transaction:
            with self._aborts():
                collection.bulk_write(operations, session=self._session)
        else:
            _insist(lambda: collection.bulk_write(operations, session=self._session), lambda _: True)

    @contextmanager
    def _aborts(self) -> Iterator[None]:
        """A conflict, a change of primaries and a lost connection end a transaction, unless its commit is known of."""
        try:
            yield
        except PyMongoError as error:
            if not (error.has_error_label("TransientTransactionError") or _has_no_keys(error)):
                raise
            if self._session.in_transaction:
                self.rollback()
            raise AbortedError from error


def _insist(do: Callable[[], object], passes: Callable[[PyMongoError], bool]) -> None:
    """Do what it takes a primary for, again and again if need be, for as long as there may be none."""
    end = time.monotonic() + OUTAGE_SECONDS
    while True:
        try:
            do()
        except PyMongoError as error:
            if time.monotonic() > end or not passes(error):
                raise
        else:
            return


def _has_no_keys(error: PyMongoError) -> bool:
    """Whether a member that has just started can't check yet what time it is for others; the drivers don't know it."""
    return isinstance(error, OperationFailure) and error.code == KEY_NOT_FOUND


def _insert(document: Document) -> UpdateOne:
    return UpdateOne({"_id": document["_id"]}, {"$setOnInsert": document}, upsert=True)


def _document(row: int, image: Image) -> Document:
    return {"_id": row, **image._asdict(), "balance": Decimal128(Decimal(row) / 100), "note": NOTE}
