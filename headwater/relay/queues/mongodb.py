"""An outbox collection in MongoDB, by PyMongo."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bson import ObjectId, json_util
from pymongo import MongoClient, UpdateMany, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import ConfigurationError, InvalidURI, PyMongoError

from headwater.outbox.mongodb import BY_AGGREGATE, BY_STATUS
from headwater.outbox.table import Status
from headwater.outbox.trace_context import NAMES
from headwater.relay.queue import (
    MOST_LEFT_OUT,
    Aggregate,
    Claim,
    Failure,
    Listed,
    QueuedEvent,
    QueueError,
    RetriableQueueError,
)

LONGEST_REASON = 2_000
"""Characters of a reason that are kept."""
LISTEN_SECONDS = 0.5
"""How long a wait for the change stream takes at most; then it is seen whether the relay is still there."""
SERVER_SECONDS = 5.0
"""How long a server is looked for before it counts as away."""

_NOW = {"$toLong": "$$NOW"}
"""The server's clock, in milliseconds: leases of several machines are compared by it."""
_FREE: dict[str, Any] = {"lease_owner": None, "lease_until": None}

Document = dict[str, Any]


class MongoQueue:
    """`headwater.relay.queue.Queue`.

    ``position`` counts an aggregate's events without a gap. So of the events in a window those can be claimed that
    follow each other from the aggregate's oldest one that is not finished. Where that is none, the next window is read
    without the aggregates that filled the ones before.
    """

    def __init__(self, client: MongoClient[Document], collection: Collection[Document], *, keep: bool) -> None:
        self._client = client
        self._collection = collection
        self._keep = keep
        self._listener: _Listener | None = None

    @classmethod
    def from_url(cls, url: str, name: str, *, keep: bool) -> MongoQueue:
        """The collection ``name`` in the database that the connection string names. Raises `QueueError`."""
        try:
            client: MongoClient[Document] = MongoClient(
                url, tz_aware=True, serverSelectionTimeoutMS=SERVER_SECONDS * 1000
            )
            return cls(client, client.get_default_database()[name], keep=keep)
        except (InvalidURI, ConfigurationError) as error:
            raise QueueError(f"the database's URL: {error}; it must name a database: mongodb://host/database") from None

    def check(self) -> None:
        """As `Queue.check`: the indexes have to be there."""
        with _errors():
            there = [dict(index["key"]) for index in self._collection.list_indexes()]
        if BY_STATUS not in there or BY_AGGREGATE not in there:
            raise QueueError(
                f"the collection {self._collection.full_name} is no outbox that a relay can work on: make it and its "
                "indexes with `headwater outbox ddl --dialect mongodb --for relay`"
            )

    def listen(self, ring: Callable[[], None]) -> bool:
        """As `Queue.listen`: by a change stream."""
        if self._listener is None:
            self._listener = _Listener(self._collection, ring)
        return True

    def claim(self, limit: int, lease: float, *, hold: bool) -> Claim | None:
        """As `Queue.claim`."""
        after: Document = {}
        passed = Counter[Aggregate]()
        with _errors():
            while True:
                window = self._window(after, limit)
                claim = self._claim(window, lease, hold=hold) if window else None
                if claim is not None or len(window) < limit:
                    return claim
                passed.update(map(_aggregate, window))
                blocked = [aggregate for aggregate, _ in passed.most_common(MOST_LEFT_OUT)]
                after = {"_id": {"$gt": window[-1]["_id"]}, "$nor": list(map(_of_aggregate, blocked))}

    def _window(self, after: Document, limit: int) -> list[Document]:
        fields = dict.fromkeys(("aggregatetype", "aggregateid", "position"), 1)
        return list(self._collection.find({"status": Status.STARTED, **after}, fields).sort("_id", 1).limit(limit))

    def _claim(self, window: Sequence[Document], lease: float, *, hold: bool) -> Claim | None:
        runs = _runs(window)
        found = self._collection.aggregate(_heads_pipeline(self._collection.name, list(runs), hold=hold))
        heads = [document["_id"] for document in found]
        if not heads:
            return None
        token = str(uuid.uuid4())
        is_free = {"$expr": {"$lte": [{"$ifNull": ["$lease_until", 0]}, _NOW]}}
        self._collection.update_many(
            {"_id": {"$in": heads}, "status": Status.STARTED, **is_free},
            [{"$set": {"lease_owner": token, "lease_until": _from_now(lease)}}],
        )
        mine = [d["_id"] for d in self._collection.find({"_id": {"$in": heads}, "lease_owner": token}, {"_id": 1})]
        if not mine:
            return None
        places = [place for head in mine for place in runs[head]]
        documents = self._collection.find({"_id": {"$in": places}, "status": Status.STARTED}).sort("position", 1)
        return Claim(token, mine, [_event(document) for document in documents])

    def renew(self, claim: Claim, lease: float) -> bool:
        """As `Queue.renew`."""
        with _errors():
            renewed = self._collection.update_many(
                {"_id": {"$in": claim.heads}, "status": Status.STARTED, "lease_owner": claim.token},
                [{"$set": {"lease_until": _from_now(lease)}}],
            )
        return renewed.matched_count == len(claim.heads)

    def settle(self, claim: Claim, delivered: Sequence[QueuedEvent], failures: Sequence[Failure]) -> None:
        """As `Queue.settle`: failures first, so that nobody claims what they hold once those before are delivered."""
        writes: list[Any] = [_refusal(failure) for failure in failures]
        places = [event.place for event in delivered]
        if places and self._keep:
            done = _FREE | {"status": Status.COMPLETED, "reason": None}
            writes.append(UpdateMany({"_id": {"$in": places}, "status": Status.STARTED}, {"$set": done}))
        if len(delivered) < len(claim.events):
            mine = {"_id": {"$in": claim.heads}, "status": Status.STARTED, "lease_owner": claim.token}
            writes.append(UpdateMany(mine, {"$set": _FREE}))
        with _errors():
            if writes:
                self._collection.bulk_write(writes)
            if places and not self._keep:
                self._collection.delete_many({"_id": {"$in": places}})

    def list(self, statuses: Sequence[Status], limit: int) -> Sequence[Listed]:
        """As `Queue.list`."""
        with _errors():
            found = (
                self._collection.find({"status": {"$in": list(statuses)}}, {"payload": 0}).sort("_id", 1).limit(limit)
            )
            return [
                Listed(
                    *(str(document["_id"]), _aggregate(document), document["type"]),
                    *(Status(document["status"]), document["attempts"], document.get("reason")),
                )
                for document in found
            ]

    def retry(self, ids: Sequence[str] | None) -> int:
        """As `Queue.retry`."""
        wanted: Document = {"status": Status.FAILED}
        if ids is not None:
            wanted["_id"] = {"$in": [ObjectId(each) for each in ids if ObjectId.is_valid(each)]}
        again = _FREE | {"status": Status.STARTED, "attempts": 0}
        with _errors():
            return self._collection.update_many(wanted, {"$set": again}).modified_count

    def prune(self, status: Status, older: float, limit: int) -> int:
        """As `Queue.prune`."""
        is_old = {"$expr": {"$lt": ["$timestamp", {"$subtract": ["$$NOW", round(older * 1000)]}]}}
        with _errors():
            found = self._collection.find({"status": status, **is_old}, {"_id": 1}).sort("_id", 1).limit(limit)
            places = [document["_id"] for document in found]
            if not places:
                return 0
            return self._collection.delete_many({"_id": {"$in": places}, "status": status}).deleted_count

    def close(self) -> None:
        """As `Queue.close`."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._client.close()


class _Listener:
    """Rings when a change stream tells of new events; a thread of its own."""

    def __init__(self, collection: Collection[Document], ring: Callable[[], None]) -> None:
        self._collection = collection
        self._ring = ring
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox-listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        inserts: list[Document] = [{"$match": {"operationType": "insert"}}, {"$project": {"_id": 1}}]
        while not self._closed.is_set():
            try:
                with self._collection.watch(inserts, max_await_time_ms=round(LISTEN_SECONDS * 1000)) as stream:
                    self._ring()  # for what was written while nobody listened
                    while not self._closed.is_set():
                        if stream.try_next() is not None:
                            self._ring()
            except PyMongoError:
                self._closed.wait(LISTEN_SECONDS)  # the relay's own requests tell of what is wrong


def _runs(window: Sequence[Document]) -> dict[ObjectId, list[ObjectId]]:
    """By the first event of each aggregate: those that follow each other from it on."""
    aggregates: dict[Aggregate, list[tuple[int, ObjectId]]] = {}
    for document in window:
        aggregates.setdefault(_aggregate(document), []).append((document["position"], document["_id"]))
    runs = {}
    for events in aggregates.values():
        events.sort()
        first = events[0][0]
        runs[events[0][1]] = [place for number, (position, place) in enumerate(events) if position == first + number]
    return runs


def _heads_pipeline(collection: str, places: Sequence[ObjectId], *, hold: bool) -> list[Document]:
    """Of the events at the places, those before which none of their aggregate is unfinished."""
    blocking = [Status.STARTED, Status.FAILED] if hold else [Status.STARTED]
    same = [{"$eq": [f"${name}", f"$${name}"]} for name in ("aggregatetype", "aggregateid")]
    is_before = {"$expr": {"$and": [*same, {"$lt": ["$position", "$$position"]}]}}
    return [
        {"$match": {"_id": {"$in": places}, "status": Status.STARTED}},
        {
            "$lookup": {
                "from": collection,
                "let": {name: f"${name}" for name in ("aggregatetype", "aggregateid", "position")},
                "pipeline": [
                    {"$match": {"status": {"$in": blocking}, **is_before}},
                    {"$limit": 1},
                    {"$project": {"_id": 1}},
                ],
                "as": "before",
            }
        },
        {"$match": {"before": []}},
        {"$project": {"_id": 1}},
    ]


def _refusal(failure: Failure) -> UpdateOne:
    fields: Document = {
        "attempts": failure.event.attempts + 1,
        "reason": {"$literal": failure.reason[:LONGEST_REASON]},
        "lease_owner": None,
    }
    if failure.retry_in is None:
        fields |= {"status": Status.FAILED, "lease_until": None}
    else:
        fields["lease_until"] = _from_now(failure.retry_in)
    return UpdateOne({"_id": failure.event.place, "status": Status.STARTED}, [{"$set": fields}])


def _event(document: Document) -> QueuedEvent:
    headers = dict(document.get("headers") or {})
    headers |= {name: document[name] for name in NAMES if name in document}
    payload = json_util.dumps(document["payload"], ensure_ascii=False, json_options=json_util.RELAXED_JSON_OPTIONS)
    return QueuedEvent(
        *(document["_id"], str(document["_id"]), _aggregate(document), document["type"]),
        *(payload, headers, document["attempts"]),
    )


def _aggregate(document: Document) -> Aggregate:
    return Aggregate(document["aggregatetype"], document["aggregateid"])


def _of_aggregate(aggregate: Aggregate) -> Document:
    return {"aggregatetype": aggregate.type, "aggregateid": aggregate.id}


def _from_now(seconds: float) -> Document:
    return {"$add": [_NOW, round(seconds * 1000)]}


@contextmanager
def _errors() -> Iterator[None]:
    """PyMongo's errors as those of a queue."""
    try:
        yield
    except PyMongoError as error:
        raise RetriableQueueError(f"the outbox's database: {error}") from error
