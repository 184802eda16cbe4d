"""The snapshot: every captured collection's documents, read while the change stream already has its place.

A document that changes meanwhile is read in some state and its change comes with the stream: what a consumer has last
is right, as it is with Debezium. Collections are read in chunks, and a snapshot that was ended goes on with the one
that it was in.

Source: ``MongoDbSnapshotChangeEventSource`` of Debezium 3.6, which reads collections whole and begins anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import structlog

from headwater.shape import EventShape
from headwater.source import Batch, Offset, Rows, SnapshotProgress
from headwater.sources.mongodb.chunks import Chunk, Chunks
from headwater.sources.mongodb.connection import Server
from headwater.sources.mongodb.position import Position, SnapshotPlace
from headwater.sources.mongodb.read_ahead import ReadAhead
from headwater.sources.mongodb.shapes import CollectionShapes
from headwater.sources.mongodb.snapshot_options import SnapshotOptions

log = structlog.get_logger(__name__)


class Snapshot:
    """Reads collections one after the other; used by one thread. ``position`` is where the stream goes on behind it."""

    def __init__(
        self, server: Server, collections: Sequence[CollectionShapes], options: SnapshotOptions, position: Position
    ) -> None:
        self._options = options
        self._position = position
        place = position.snapshot
        self._place = place if place is not None and place.of == options.choice else SnapshotPlace(options.choice)
        wanted = sorted((each for each in collections if options.includes(each.id)), key=_order)
        left = [each for each in wanted if not self._is_done(each)]
        done = len(wanted) - len(left)
        self.progress = SnapshotProgress(tables=len(wanted), tables_done=done, rows=0, started=time.time())
        if self._place.collection is not None:
            log.info("the snapshot goes on where it was ended", collection=self._place.collection, done=done)
        elif place is not None and place.collection is not None:
            log.info("the snapshot begins anew, because other collections or documents are wanted now")
        chunks = Chunks(server, left, self._place, options.filters)
        self._pieces = ReadAhead(iter(chunks), options.threads)
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

    def _offset(self, chunk: Chunk) -> Offset:
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

    def close(self) -> None:
        """Have the threads end; closing the server's connections lets go of what they wait for."""
        self._pieces.close()


def _order(shapes: CollectionShapes) -> tuple[str, ...]:
    """Debezium's order: by name, whatever the database."""
    return shapes.name, shapes.database


def _rows(shape: EventShape, data: bytes, places: list[tuple[int, int]]) -> Rows:
    return Rows(shape, (data, places, "true"))
