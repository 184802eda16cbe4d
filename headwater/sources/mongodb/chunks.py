"""Collections in chunks: ranges of ``_id`` in the order of its index, which holds for values of all types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bson.int64 import Int64
from bson.max_key import MaxKey
from bson.raw_bson import RawBSONDocument

from headwater.source import Rows
from headwater.sources.mongodb.connection import CursorSession, Server
from headwater.sources.mongodb.position import SnapshotPlace
from headwater.sources.mongodb.reply import Reply, read_documents, read_reply
from headwater.sources.mongodb.shapes import CollectionShapes

CHUNK_DOCUMENTS = 4096
_BY_ID = {"_id": 1}
_MAJORITY = {"level": "majority"}
"""What most members have, and so no change of primaries takes back: the change stream tells of nothing else either."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The documents of a collection from the one with the ``_id`` in ``lower`` up to the one before ``upper``.

    Both are BSON with an ``_id`` alone; None is no bound.
    """

    shapes: CollectionShapes
    lower: bytes | None
    upper: bytes | None


@dataclass(frozen=True, slots=True)
class Piece:
    """Documents of a chunk: a reply's bytes, and where each of them stands there; ``end`` says that no more follow."""

    chunk: Chunk
    data: bytes
    documents: list[tuple[int, int]]
    end: bool


class Chunks:
    """Finds and reads the chunks of ``collections``, from ``place`` on; ``conditions`` (by collection) leave some out.

    Whatever it gives may be read by any thread, each by one. All raise `headwater.source.SourceError`.
    """

    def __init__(
        self,
        server: Server,
        collections: Sequence[CollectionShapes],
        place: SnapshotPlace,
        conditions: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self._server = server
        self._collections = collections
        self._place = place
        self._conditions = conditions

    def __iter__(self) -> Iterator[Iterator[Piece]]:
        """Each chunk's pieces, in the chunks' order."""
        return map(self._read, self._find_all())

    def _find_all(self) -> Iterator[Chunk]:
        for shapes in self._collections:
            lower = self._place.start if shapes.id == self._place.collection else None
            while True:
                upper = self._bound_behind(shapes, lower)
                yield Chunk(shapes, lower, upper)
                if upper is None:
                    break
                lower = upper

    def _bound_behind(self, shapes: CollectionShapes, lower: bytes | None) -> bytes | None:
        """The ``_id`` so many documents behind ``lower``, by the index alone; None where there are no more."""
        wanted: dict[str, Any] = {"skip": CHUNK_DOCUMENTS, "limit": 1, "projection": _BY_ID}
        with self._server.errors(self._doing(shapes)), self._server.cursor_session() as session:
            reply = _find(session, shapes, wanted | _bounds(lower, None))
            return next((reply.data[start:end] for start, end in read_documents(reply)), None)

    def _read(self, chunk: Chunk) -> Iterator[Piece]:
        shapes = chunk.shapes
        condition = self._conditions.get(shapes.id, {})
        # A bound below leaves the largest value of all out, which may be an _id too.
        has_more = chunk.upper is None and chunk.lower is not None
        with self._server.errors(self._doing(shapes)), self._server.cursor_session() as session:
            for reply in _replies(session, shapes, {"filter": condition, **_bounds(chunk.lower, chunk.upper)}):
                yield Piece(chunk, reply.data, read_documents(reply), end=reply.cursor == 0 and not has_more)
            if has_more:
                for reply in _replies(session, shapes, {"filter": {"$and": [condition, {"_id": MaxKey()}]}}):
                    yield Piece(chunk, reply.data, read_documents(reply), end=reply.cursor == 0)

    def _doing(self, shapes: CollectionShapes) -> str:
        return f"reading the snapshot of collection {shapes.id} from MongoDB at {self._server.hosts}"


def take_sample(server: Server, shapes: CollectionShapes, condition: Mapping[str, Any], count: int) -> Rows:
    """At most ``count`` documents, those with the least ``_id``. Raises `headwater.source.SourceError`."""
    doing = f"reading some documents of collection {shapes.id} from MongoDB at {server.hosts}"
    wanted = {"filter": condition, "limit": count, "batchSize": count, "singleBatch": True}
    with server.errors(doing), server.cursor_session() as session:
        reply = _find(session, shapes, wanted)
        return Rows(shapes.read, (reply.data, read_documents(reply), "true"))


def _replies(session: CursorSession, shapes: CollectionShapes, wanted: Mapping[str, Any]) -> Iterator[Reply]:
    reply = _find(session, shapes, {**wanted, "batchSize": CHUNK_DOCUMENTS})
    yield reply
    while reply.cursor != 0:
        more = {"collection": shapes.name, "batchSize": CHUNK_DOCUMENTS}
        reply = read_reply(session.command(shapes.database, "getMore", Int64(reply.cursor), **more))
        yield reply


def _find(session: CursorSession, shapes: CollectionShapes, wanted: Mapping[str, Any]) -> Reply:
    always = {"hint": _BY_ID, "readConcern": _MAJORITY}
    return read_reply(session.command(shapes.database, "find", shapes.name, **always, **wanted))


def _bounds(lower: bytes | None, upper: bytes | None) -> dict[str, RawBSONDocument]:
    """Arguments of ``find``: the index itself is limited, because ``$gte`` would leave other types out."""
    bounds = {"min": lower, "max": upper}
    return {name: RawBSONDocument(bound) for name, bound in bounds.items() if bound is not None}
