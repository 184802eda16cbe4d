"""The outbox for MongoDB, by PyMongo, sync and async: events are documents of a collection.

They have the field names that Debezium's MongoEventRouter has as defaults: ``_id``, ``aggregatetype``, ``aggregateid``,
``type``, ``payload``. The payload is a document itself, with all types of BSON.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headwater.outbox.errors import AutocommitError, PayloadNotSerializableError
from headwater.outbox.event import Publishable
from headwater.outbox.payload import members_of_model
from headwater.outbox.row import DEFAULT_MAX_PAYLOAD_BYTES, Limits, check_size, checked_event, split_headers
from headwater.outbox.table import Delivery, Status

try:
    import bson
    from bson import ObjectId
    from bson.codec_options import CodecOptions
    from bson.errors import BSONError
    from bson.raw_bson import RawBSONDocument
    from pymongo import ReturnDocument
except ImportError as error:
    message = "headwater.outbox.mongodb needs PyMongo: pip install 'headwater[mongodb]'"
    raise ImportError(message) from error

if TYPE_CHECKING:
    from pymongo.asynchronous.client_session import AsyncClientSession
    from pymongo.asynchronous.collection import AsyncCollection
    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection

BY_STATUS = {"status": 1, "_id": 1}
BY_AGGREGATE = {"aggregatetype": 1, "aggregateid": 1, "status": 1, "position": 1}
"""The indexes that a relay works with."""
POSITIONS = "_positions"
"""What is added to the collection's name for that of the last position of each aggregate."""


@dataclasses.dataclass(frozen=True, slots=True)
class Fields:
    """The names of the fields, where a connector's options have others than MongoEventRouter's defaults."""

    aggregate_type: str = "aggregatetype"
    aggregate_id: str = "aggregateid"
    type: str = "type"
    payload: str = "payload"
    headers: str = "headers"
    timestamp: str = "timestamp"


class _Documents:
    """What both kinds of outbox have in common: from an event to its document."""

    def __init__(
        self, codec_options: CodecOptions[Any], delivery: Delivery | str, fields: Fields | None, max_payload_bytes: int
    ) -> None:
        self.for_relay = Delivery(delivery) is Delivery.RELAY
        if fields is not None and self.for_relay:
            raise ValueError("the relay knows the fields by their own names only: leave fields out")
        self._fields = fields or Fields()
        self._codec_options = codec_options
        self._limits = Limits(None, None, None, max_payload_bytes)

    def document(self, event: Publishable, headers: Mapping[str, str] | None) -> dict[str, Any]:
        """The event's document. Raises as `headwater.outbox.row.row_of` does."""
        checked = checked_event(event, self._limits)
        payload = self._encoded(checked.type, checked.payload)
        check_size(checked.type, len(payload), self._limits)
        own, trace = split_headers(checked.type, headers, self._limits)
        names = self._fields
        document: dict[str, Any] = {
            "_id": ObjectId(),
            names.aggregate_type: checked.aggregate_type,
            names.aggregate_id: checked.aggregate_id,
            names.type: checked.type,
            names.payload: RawBSONDocument(payload),
            names.timestamp: dt.datetime.now(dt.UTC),
            **trace,
        }
        if own:
            document[names.headers] = own
        return document

    def _encoded(self, event_type: str, payload: object) -> bytes:
        """The payload as a BSON document; PyMongo writes its bytes as they are."""
        members = _members(payload)
        if not isinstance(members, Mapping):
            reason = f"in MongoDB it is a document, not {type(payload).__name__}"
            raise PayloadNotSerializableError(event_type, reason)
        try:
            return bson.encode(members, codec_options=self._codec_options)
        except (BSONError, TypeError, ValueError, OverflowError) as error:
            raise PayloadNotSerializableError(event_type, str(error)) from error


def _members(value: object) -> Any:
    """Dataclasses and Pydantic models as dictionaries, wherever they stand."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _members(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {name: _members(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_members(member) for member in value]
    members = members_of_model(value)
    return value if members is None else members


def _of_aggregate(document: Mapping[str, Any]) -> dict[str, Any]:
    return {"_id": {name: document[name] for name in ("aggregatetype", "aggregateid")}}


_NEXT = {"$inc": {"position": 1}}
_NEW: dict[str, Any] = {"status": Status.STARTED, "attempts": 0}
_OUTSIDE = "the session is in no transaction"


class Outbox:
    """Publishes events through a collection.

    With ``delivery="log"`` a document is deleted in the transaction that inserts it: the change stream has both. With
    ``"relay"`` it stays for the relay, numbered within its aggregate; two transactions that publish for one aggregate
    at the same time conflict for that, as if they changed the same document, and one of them is to be tried again:
    `ClientSession.with_transaction` does.
    """

    def __init__(
        self,
        collection: Collection[dict[str, Any]],
        *,
        delivery: Delivery | str = Delivery.LOG,
        fields: Fields | None = None,
        max_payload_bytes: int = DEFAULT_MAX_PAYLOAD_BYTES,
    ) -> None:
        self._collection = collection
        self._positions = collection.database[collection.name + POSITIONS]
        self._documents = _Documents(collection.codec_options, delivery, fields, max_payload_bytes)

    def publish(
        self, session: ClientSession, event: Publishable, *, headers: Mapping[str, str] | None = None
    ) -> ObjectId:
        """Publish `event` in the transaction that `session` is in. Returns the event's id.

        Raises an OutboxError before anything is written: InvalidFieldError, PayloadNotSerializableError,
        PayloadTooLargeError or AutocommitError.
        """
        document = self._documents.document(event, headers)
        if not session.in_transaction:
            raise AutocommitError(_OUTSIDE)
        event_id: ObjectId = document["_id"]
        if not self._documents.for_relay:
            self._collection.insert_one(document, session=session)
            self._collection.delete_one({"_id": event_id}, session=session)
            return event_id
        counter: Any = self._positions.find_one_and_update(
            _of_aggregate(document), _NEXT, upsert=True, return_document=ReturnDocument.AFTER, session=session
        )
        self._collection.insert_one(document | _NEW | {"position": counter["position"]}, session=session)
        return event_id


class AsyncOutbox:
    """`Outbox` for PyMongo's asyncio API."""

    def __init__(
        self,
        collection: AsyncCollection[dict[str, Any]],
        *,
        delivery: Delivery | str = Delivery.LOG,
        fields: Fields | None = None,
        max_payload_bytes: int = DEFAULT_MAX_PAYLOAD_BYTES,
    ) -> None:
        self._collection = collection
        self._positions = collection.database[collection.name + POSITIONS]
        self._documents = _Documents(collection.codec_options, delivery, fields, max_payload_bytes)

    async def publish(
        self, session: AsyncClientSession, event: Publishable, *, headers: Mapping[str, str] | None = None
    ) -> ObjectId:
        """As `Outbox.publish`."""
        document = self._documents.document(event, headers)
        if not session.in_transaction:
            raise AutocommitError(_OUTSIDE)
        event_id: ObjectId = document["_id"]
        if not self._documents.for_relay:
            await self._collection.insert_one(document, session=session)
            await self._collection.delete_one({"_id": event_id}, session=session)
            return event_id
        counter: Any = await self._positions.find_one_and_update(
            _of_aggregate(document), _NEXT, upsert=True, return_document=ReturnDocument.AFTER, session=session
        )
        await self._collection.insert_one(document | _NEW | {"position": counter["position"]}, session=session)
        return event_id


def create_outbox(collection: Collection[dict[str, Any]], *, delivery: Delivery | str = Delivery.LOG) -> None:
    """Make the collection, and for the relay that of the positions and the indexes; what exists stays."""
    for_relay = Delivery(delivery) is Delivery.RELAY
    existing = collection.database.list_collection_names()
    for name in (collection.name, *([collection.name + POSITIONS] if for_relay else [])):
        if name not in existing:
            collection.database.create_collection(name)
    if for_relay:
        for index in (BY_STATUS, BY_AGGREGATE):
            collection.create_index(list(index.items()))


def mongosh_script(name: str, delivery: Delivery) -> str:
    """What `create_outbox` does, for mongosh."""
    quoted = json.dumps(name)
    lines = [f"db.createCollection({quoted});"]
    if delivery is Delivery.RELAY:
        lines.append(f"db.createCollection({json.dumps(name + POSITIONS)});")
        lines += [
            f"db.getCollection({quoted}).createIndex({json.dumps(index)});" for index in (BY_STATUS, BY_AGGREGATE)
        ]
    return "\n".join(lines)
