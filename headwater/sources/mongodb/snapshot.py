"""The snapshot: every captured collection's documents, read while the change stream already has its place.

A document that changes meanwhile is read in some state and its change comes with the stream: what a consumer has last
is right, as it is with Debezium. Collections are read in chunks, by ranges of ``_id`` in the order of its index, which
holds for values of all types; a snapshot that was ended goes on at the chunk that it was in.

Source: ``MongoDbSnapshotChangeEventSource`` of Debezium 3.6, which reads collections whole and begins anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from bson.int64 import Int64
from bson.max_key import MaxKey
from bson.raw_bson import RawBSONDocument

from headwater.shape import EventShape
from headwater.source import Batch, Offset, Rows, SnapshotProgress
from headwater.sources.mongodb.connection import CursorSession, Server
from headwater.sources.mongodb.position import Position, SnapshotPlace
from headwater.sources.mongodb.read_ahead import ReadAhead
from headwater.sources.mongodb.reply import Reply, read_documents, read_reply
from headwater.sources.mongodb.shapes import CollectionShapes
from headwater.sources.mongodb.snapshot_options import SnapshotOptions

log = structlog.get_logger(__name__)

CHUNK_DOCUMENTS = 4096
_BY_ID = {"_id": 1}


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The documents of a collection from the one with the ``_id`` in ``lower`` up to the one before ``upper``.

    Both are BSON with an ``_id`` alone; None is no bound.
    """

    shapes: CollectionShapes
    lower: bytes | None
    upper: bytes | None


@dataclass(frozen=True, slots=True)
class _Piece:
    """A reply with documents of a chunk; the ``end`` of one says that it is the chunk's last, and of a collection."""

    chunk: _Chunk
    data: bytes
    documents: list[tuple[int, int]]
    end: bool


class Snapshot:
    """Reads collections one after the other; used by one thread. ``position`` is where the stream goes on behind it."""

    def __init__(
        self, server: Server, collections: Sequence[CollectionShapes], options: SnapshotOptions, position: Position
    ) -> None:
        self._server = server
        self._options = options
        self._position = position
        place = position.snapshot
        self._place = place if place is not None and place.of == options.choice else SnapshotPlace(options.choice)
        wanted = sorted((each for each in collections if options.includes(each.id)), key=_order)
        self._collections = [each for each in wanted if not self._is_done(each)]
        done = len(wanted) - len(self._collections)
        self.progress = SnapshotProgress(tables=len(wanted), tables_done=done, rows=0, started=time.time())
        if self._place.collection is not None:
            log.info("the snapshot goes on where it was ended", collection=self._place.collection, done=done)
        elif place is not None and place.collection is not None:
            log.info("the snapshot begins anew, because other collections or documents are wanted now")
        self._pieces = ReadAhead(map(self._read_chunk, self._chunks()), options.threads)
        self._batches = self._read()

    def _is_done(self, shapes: CollectionShapes) -> bool:
        reached = self._place.collection
        return reached is not None and _order(shapes) < tuple(reversed(reached.split(".", 1)))

    def next_batch(self) -> Batch | None:
        """The next documents, None when all are read. Raises `headwater.source.SourceError`."""
        batch = next(self._batches, None)
        if batch is None:
            self.progress = replace(self.progress, ended=time.time())
        return batch

    def _read(self) -> Iterator[Batch]:
        """The last document of all is held back until it is known to be that."""
        held: list[Rows] = []
        read = 0
        for piece in self._pieces:
            chunk, count = piece.chunk, len(piece.documents)
            if count:
                *body, last = piece.documents
                rows = [_rows(chunk.shapes.read, piece.data, body)] if body else []
                held, items = [_rows(chunk.shapes.read, piece.data, [last])], [*held, *rows]
                self.progress = replace(self.progress, rows=self.progress.rows + count)
                yield Batch(items, self._offset(chunk))
            read += count
            if piece.end and chunk.upper is None:
                self._finish(chunk.shapes, read)
                read = 0
        for last_rows in held:
            data, places, _ = last_rows.arguments
            yield Batch([last_rows._replace(arguments=(data, places, "last"))], None)

    def _offset(self, chunk: _Chunk) -> Offset:
        """Of the beginning of a chunk: all before it is delivered once the first of its batches is."""
        place = SnapshotPlace(self._options.choice, chunk.shapes.id, chunk.lower)
        return replace(self._position, snapshot=place).offset()

    def _finish(self, shapes: CollectionShapes, documents: int) -> None:
        done = self.progress.tables_done + 1
        self.progress = replace(self.progress, tables_done=done)
        log.info(
            "snapshot collection read",
            collection=shapes.id,
            number=f"{done}/{self.progress.tables}",
            documents=documents,
        )

    # on the threads that read

    def _chunks(self) -> Iterator[_Chunk]:
        """All chunks in their order; a bound is looked up in the index, no document read for it."""
        for shapes in self._collections:
            lower = self._place.start if shapes.id == self._place.collection else None
            while True:
                upper = self._bound_behind(shapes, lower)
                yield _Chunk(shapes, lower, upper)
                if upper is None:
                    break
                lower = upper

    def _bound_behind(self, shapes: CollectionShapes, lower: bytes | None) -> bytes | None:
        """The ``_id`` so many documents behind ``lower``; None where there are no more."""
        wanted: dict[str, Any] = {"skip": CHUNK_DOCUMENTS, "limit": 1, "projection": _BY_ID}
        with self._server.errors(self._doing(shapes)), self._server.cursor_session() as session:
            reply = self._find(session, shapes, wanted | _bounds(lower, None))
        return next((reply.data[start:end] for start, end in read_documents(reply)), None)

    def _read_chunk(self, chunk: _Chunk) -> Iterator[_Piece]:
        shapes = chunk.shapes
        condition = self._options.filters.get(shapes.id, {})
        # A bound below leaves the largest value of all out, which may be an _id too.
        has_more = chunk.upper is None and chunk.lower is not None
        with self._server.errors(self._doing(shapes)), self._server.cursor_session() as session:
            for reply in self._replies(session, shapes, {"filter": condition, **_bounds(chunk.lower, chunk.upper)}):
                yield _Piece(chunk, reply.data, read_documents(reply), end=reply.cursor == 0 and not has_more)
            if has_more:
                for reply in self._replies(session, shapes, {"filter": {"$and": [condition, {"_id": MaxKey()}]}}):
                    yield _Piece(chunk, reply.data, read_documents(reply), end=reply.cursor == 0)

    def _replies(self, session: CursorSession, shapes: CollectionShapes, wanted: Mapping[str, Any]) -> Iterator[Reply]:
        reply = self._find(session, shapes, {**wanted, "batchSize": CHUNK_DOCUMENTS})
        yield reply
        while reply.cursor != 0:
            more = {"collection": shapes.name, "batchSize": CHUNK_DOCUMENTS}
            reply = read_reply(session.command(shapes.database, "getMore", Int64(reply.cursor), **more))
            yield reply

    def _find(self, session: CursorSession, shapes: CollectionShapes, wanted: Mapping[str, Any]) -> Reply:
        return read_reply(session.command(shapes.database, "find", shapes.name, hint=_BY_ID, **wanted))

    def _doing(self, shapes: CollectionShapes) -> str:
        return f"reading the snapshot of collection {shapes.id} from MongoDB at {self._server.hosts}"

    def close(self) -> None:
        """Have the threads end; closing the server's connections lets go of what they wait for."""
        self._pieces.close()


def _order(shapes: CollectionShapes) -> tuple[str, ...]:
    """Debezium's order: by name, whatever the database."""
    return shapes.name, shapes.database


def _bounds(lower: bytes | None, upper: bytes | None) -> dict[str, RawBSONDocument]:
    """Arguments of ``find``: the index itself is limited, because ``$gte`` would leave other types out."""
    bounds = {"min": lower, "max": upper}
    return {name: RawBSONDocument(bound) for name, bound in bounds.items() if bound is not None}


def _rows(shape: EventShape, data: bytes, places: list[tuple[int, int]]) -> Rows:
    return Rows(shape, (data, places, "true"))
