"""The snapshot: every captured collection's documents, read while the change stream already has its place.

A document that changes meanwhile is read in some state and its change comes with the stream: what a consumer has last
is right, as it is with Debezium. Source: ``MongoDbSnapshotChangeEventSource`` of Debezium 3.6.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import structlog
from pymongo.read_concern import ReadConcern

from headwater.shape import EventShape
from headwater.source import Batch, Rows, SnapshotProgress
from headwater.sources.mongodb.connection import Server
from headwater.sources.mongodb.reply import read_documents
from headwater.sources.mongodb.shapes import CollectionShapes

log = structlog.get_logger(__name__)

BATCH_DOCUMENTS = 4096
MAJORITY = ReadConcern("majority")
"""What most members have, and so no change of primaries takes back: the change stream tells of nothing else either."""


class Snapshot:
    """Reads collections one after the other; used by one thread."""

    def __init__(self, server: Server, collections: Sequence[CollectionShapes]) -> None:
        self._server = server
        self._collections = collections
        self._batches = self._read()
        self.progress = SnapshotProgress(tables=len(collections), tables_done=0, rows=0, started=time.time())

    def next_batch(self) -> Batch | None:
        """The next documents, None when all are read. Raises `headwater.source.SourceError`."""
        with self._server.errors(f"reading the snapshot from MongoDB at {self._server.hosts}"):
            batch = next(self._batches, None)
        if batch is None:
            self.progress = replace(self.progress, ended=time.time())
        return batch

    def _read(self) -> Iterator[Batch]:
        """The last document of all is held back until it is known to be that."""
        held: list[Rows] = []
        for number, shapes in enumerate(self._collections, 1):
            count = 0
            for data in self._replies(shapes):
                *body, last = read_documents(data)
                rows = [_rows(shapes.read, data, body)] if body else []
                held, items = [_rows(shapes.read, data, [last])], [*held, *rows]
                count += len(body) + 1
                self.progress = replace(self.progress, rows=self.progress.rows + len(body) + 1)
                yield Batch(items, None)
            of = f"{number}/{len(self._collections)}"
            log.info("snapshot collection read", collection=shapes.id, number=of, documents=count)
            self.progress = replace(self.progress, tables_done=number)
        for last_rows in held:
            data, places, _ = last_rows.arguments
            yield Batch([last_rows._replace(arguments=(data, places, "last"))], None)

    def _replies(self, shapes: CollectionShapes) -> Iterator[bytes]:
        """The collection's documents, many in each."""
        database = self._server.client[shapes.database]
        collection = database.get_collection(shapes.name, read_concern=MAJORITY)
        with collection.find_raw_batches({}, batch_size=BATCH_DOCUMENTS) as cursor:
            yield from filter(None, cursor)


def _rows(shape: EventShape, data: bytes, places: list[tuple[int, int]]) -> Rows:
    return Rows(shape, (data, places, "true"))
