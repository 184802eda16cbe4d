"""MongoDB under the fault tests' load."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import orjson
import pymongo
from bson import Decimal128
from pymongo import DeleteOne, InsertOne, UpdateOne, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import PyMongoError

from tests.faults.database import BUSINESS, NOTE, OUTBOX, AbortedError, Change, Image

Document = dict[str, Any]
Operation = InsertOne[Document] | UpdateOne | DeleteOne

OUTAGE_SECONDS = 60.0
"""How long the driver tries again what a server did not answer: longer than an election or a restart takes."""
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

    Outside of a transaction the driver tries a statement again, under the number that the server knows it by. Inside,
    only the commit can be tried again.
    """

    has_savepoints = False

    def __init__(self, database: Database[Document], session: ClientSession) -> None:
        self._business, self._outbox = database[BUSINESS], database[OUTBOX]
        self._session = session

    def begin(self) -> None:
        self._session.start_transaction(write_concern=MAJORITY)

    def commit(self) -> None:
        end = time.monotonic() + OUTAGE_SECONDS
        with self._aborts():
            while True:
                try:
                    return self._session.commit_transaction()
                except PyMongoError as error:
                    if not error.has_error_label("UnknownTransactionCommitResult") or time.monotonic() > end:
                        raise

    def rollback(self) -> None:
        with pymongo.timeout(OUTAGE_SECONDS):
            self._session.abort_transaction()

    def undone(self) -> AbstractContextManager[None]:
        raise NotImplementedError

    def insert(self, images: Mapping[int, Image]) -> None:
        self._write(self._business, [InsertOne(_document(row, image)) for row, image in images.items()])

    def update(self, rows: Sequence[int], transaction: int) -> None:
        change = {"$inc": {"version": 1}, "$set": {"transaction": transaction}}
        self._write(self._business, [UpdateOne({"_id": row}, change) for row in rows])

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
        self._write(self._outbox, [InsertOne(document)])
        self._write(self._outbox, [DeleteOne({"_id": event})])

    def _write(self, collection: Collection[Document], operations: Sequence[Operation]) -> None:
        if self._session.in_transaction:
            with self._aborts():
                collection.bulk_write(operations, session=self._session)
        else:
            with pymongo.timeout(OUTAGE_SECONDS):
                collection.bulk_write(operations, session=self._session)

    @contextmanager
    def _aborts(self) -> Iterator[None]:
        """A conflict, a change of primaries and a lost connection end a transaction, unless its commit is known of."""
        try:
            yield
        except PyMongoError as error:
            if not error.has_error_label("TransientTransactionError"):
                raise
            if self._session.in_transaction:
                self.rollback()
            raise AbortedError from error


def _document(row: int, image: Image) -> Document:
    return {"_id": row, **image._asdict(), "balance": Decimal128(Decimal(row) / 100), "note": NOTE}
