"""A view in a MongoDB collection, through PyMongo."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headwater.inbox.events import Position
from headwater.inbox.pymongo import is_passing
from headwater.projection.view import Change, Truncation

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection

Document = dict[str, Any]
_SHADOW = "__rebuild_"


class CollectionView:
    """A `headwater.projection.View` in ``collection``, positions in the collection ``<name>_positions`` beside it.

    A document's ``_id`` is the key: its value where the key has one column, an object of them otherwise.
    """

    def __init__(self, collection: Collection[Document]) -> None:
        self._collection = collection
        self._positions = collection.database[f"{collection.name}_positions"]

    def apply(self, changes: Sequence[Change | Truncation]) -> int:
        """As `headwater.projection.View.apply`."""
        with self._collection.database.client.start_session() as session, session.start_transaction():
            return sum(self._apply(session, change) for change in changes)

    def is_passing(self, error: BaseException) -> bool:
        """As `headwater.projection.View.is_passing`."""
        return is_passing(error)

    def check(self) -> None:
        """As `headwater.projection.View.check`."""
        for collection in self._collection, self._positions:
            collection.delete_many({"_id": {"$in": []}})

    def shadow(self) -> CollectionView:
        """As `headwater.projection.View.shadow`; with the indexes of the collection."""
        database = self._collection.database
        self._drop_shadows()
        shadow = CollectionView(database[f"{self._collection.name}{_SHADOW}{uuid.uuid4().hex[:8]}"])
        for collection in shadow._collection, shadow._positions:
            database.create_collection(collection.name)
        for index in self._collection.list_indexes():
            definition = {name: value for name, value in index.items() if name not in ("v", "ns", "key")}
            if definition["name"] != "_id_":
                shadow._collection.create_index(list(index["key"].items()), **definition)
        return shadow

    def promote(self, shadow: CollectionView) -> None:
        """As `headwater.projection.View.promote`.

        The documents change places first: what is written between the two steps is known by positions that go, so
        that it is made once more.
        """
        for collection in self._collection, self._positions:
            if collection.name not in collection.database.list_collection_names():
                collection.database.create_collection(collection.name)
        shadow._collection.rename(self._collection.name, dropTarget=True)
        shadow._positions.rename(self._positions.name, dropTarget=True)

    def _drop_shadows(self) -> None:
        database = self._collection.database
        for name in database.list_collection_names():
            if name.startswith(self._collection.name + _SHADOW):
                database.drop_collection(name)

    def _apply(self, session: ClientSession, change: Change | Truncation) -> bool:
        """Whether it wasn't stale. Two transactions that write the same position conflict, and one is tried again."""
        if isinstance(change, Truncation):
            self._truncate(session, change.position)
            return True
        item = {"_id": change.item}
        stored = self._positions.find_one(item, session=session)
        if stored is not None and change.position.is_stale(_position(stored)):
            return False
        document = _document(change.position, gone=change.row is None)
        self._positions.replace_one(item, document, upsert=True, session=session)
        document_id = _id(change.key)
        if change.row is None:
            self._collection.delete_one({"_id": document_id}, session=session)
        else:
            row = {**change.row, "_id": document_id}
            self._collection.replace_one({"_id": document_id}, row, upsert=True, session=session)
        return True

    def _truncate(self, session: ClientSession, position: Position) -> None:
        self._collection.delete_many({}, session=session)
        self._positions.update_many({}, {"$set": _document(position, gone=True)}, session=session)


def _id(key: Mapping[str, Any]) -> Any:
    return next(iter(key.values())) if len(key) == 1 else dict(key)


def _document(position: Position, *, gone: bool) -> Document:
    return {
        "partition": position.partition,
        "offset": position.offset,
        "history": position.history,
        "place": list(position.place),
        "deleted_at": datetime.now(UTC) if gone else None,
    }


def _position(stored: Document) -> Position:
    return Position(stored["partition"], stored["offset"], stored["history"], tuple(stored["place"]))
