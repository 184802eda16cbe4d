"""The MongoDB source: it starts from an offset or a snapshot, then gives a batch for each reply of its stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from headwater.config import Config
from headwater.shape import EventShape
from headwater.source import EMPTY, Batch, Partition, Resume, Rows, SnapshotProgress, SourceProgress
from headwater.sources.filters import TableFilter
from headwater.sources.mongodb.change_stream import Changes, ChangeStream, StreamOptions, check_time
from headwater.sources.mongodb.connection import HistoryLostError, Server
from headwater.sources.mongodb.position import Position
from headwater.sources.mongodb.reply import Run
from headwater.sources.mongodb.shapes import CollectionShapes, ShapeOptions
from headwater.sources.mongodb.snapshot import Snapshot

log = structlog.get_logger(__name__)

BUILTIN_DATABASES = frozenset({"admin", "config", "local"})


@dataclass(frozen=True, slots=True)
class SnapshotMode:
    """What ``snapshot.mode`` asks for.

    ``data``    whether documents are read where there is no offset, ``always`` even where there is one
    ``mends``   whether a new snapshot is taken where the log no longer reaches back to the offset
    ``streams`` whether the change stream is read afterwards
    """

    data: bool = True
    always: bool = False
    mends: bool = False
    streams: bool = True


class MongoDbSource:
    """`headwater.source.Source` for one replica set. ``stream_options`` asks the server what the names are there."""

    def __init__(
        self,
        config: Config,
        shape_options: ShapeOptions,
        collections: TableFilter,
        mode: SnapshotMode,
        stream_options: Callable[[Server], StreamOptions],
    ) -> None:
        self._config = config
        self._shape_options = shape_options
        self._filter = collections
        self._mode = mode
        self._stream_options = stream_options
        self.partition: Partition = {"server_id": shape_options.prefix}
        self._server: Server | None = None
        self._stream: ChangeStream | None = None
        self._ahead: Changes | None = None
        self._snapshot: Snapshot | None = None
        self._snapshot_taken: SnapshotProgress | None = None
        self._bytes_read = 0
        self._position: Position
        self._shapes: dict[tuple[str, str], CollectionShapes] = {}
        self._captured: dict[tuple[str, str], CollectionShapes | None] = {}

    # starting

    def start(self, resume: Resume) -> Batch:
        stored = Position.from_offset(resume.offset) if resume.offset else None
        position = self._open(stored)
        reads_documents = position is not stored or stored.snapshot_unfinished or self._mode.always
        if not (reads_documents and self._mode.data):
            self._position = position
            return EMPTY if position is stored else Batch((), position.offset())
        if self._mode.always and stored is not None and not stored.snapshot_unfinished:
            position = self._open(None)
        self._close_stream()  # the server would give up a cursor that nobody reads for as long as a snapshot takes
        self._position = Position(position.token)
        self._snapshot = Snapshot(self._connected(), self._existing())
        return Batch((), Position(position.token, snapshot_unfinished=True).offset())

    def _open(self, start: Position | None) -> Position:
        """Open the stream at ``start``, now without one; the place that it begins at."""
        self._close_stream()
        server = self._connected()
        options = self._stream_options(server)
        if start is not None:
            try:
                check_time(server, start.token)
                stream = ChangeStream(server, options, start)
                self._ahead = stream.read(0)  # shows whether the log reaches back so far
            except HistoryLostError as error:
                if not self._mode.mends:
                    raise
                log.warning("the log is no longer whole, so a new snapshot is taken", error=str(error))
                start = None
        if start is None:
            end = ChangeStream(server, options, None)
            end.close()
            start = end.position
            stream = ChangeStream(server, options, start)  # waits until no change of primaries undoes what is before
        self._stream = stream
        if options.needs_images:
            self._warn_of_missing_images(server)
        log.info("reading the change stream", of=str(options.scope), start=str(start.token.cluster_time))
        return start

    def _warn_of_missing_images(self, server: Server) -> None:
        """Where a collection keeps no images the server gives null in their place, and says nothing."""
        for database in filter(self._filter.captures_database, server.database_names()):
            for name in sorted(server.collections_without_images(database)):
                if self._filter.captures(database, name):
                    log.warning(
                        "a collection keeps no pre- and post-images, so events have null in their place",
                        collection=f"{database}.{name}",
                        remedy=f"db.getSiblingDB({database!r}).runCommand("
                        f"{{collMod: {name!r}, changeStreamPreAndPostImages: {{enabled: true}}}})",
                    )

    def _connected(self) -> Server:
        if self._server is None:
            self._server = Server(self._config)
        return self._server

    def _existing(self) -> list[CollectionShapes]:
        """The captured collections that there are now, in Debezium's order: by name, whatever the database."""
        server = self._connected()
        names = [
            (database, collection)
            for database in server.database_names()
            if self._filter.captures_database(database)
            for collection in server.collection_names(database)
            if self._filter.captures(database, collection)
        ]
        return [self._shapes_of(*name) for name in sorted(names, key=lambda name: (name[1], name[0]))]

    # reading

    def poll(self, timeout: float) -> Batch:
        if self._snapshot is not None:
            return self._poll_snapshot(self._snapshot)
        if self._stream is None:
            time.sleep(timeout)
            return EMPTY
        changes, self._ahead = self._ahead or self._stream.read(timeout), None
        items = [rows for run in changes.runs if (rows := self._rows(changes.data, run)) is not None]
        self._position = changes.position
        self._bytes_read += len(changes.data)
        return Batch(items, self._position.offset(), event_time=_written_at(changes))

    def _poll_snapshot(self, snapshot: Snapshot) -> Batch:
        batch = snapshot.next_batch()
        if batch is not None:
            return batch
        self._snapshot_taken, self._snapshot = snapshot.progress, None
        if self._mode.streams:
            self._open(self._position)
        return Batch((), self._position.offset())

    def _rows(self, data: bytes, run: Run) -> Rows | None:
        if run.namespace is None:
            return None
        if run.namespace not in self._captured:
            is_captured = self._filter.captures(*run.namespace)
            self._captured[run.namespace] = self._shapes_of(*run.namespace) if is_captured else None
        shapes = self._captured[run.namespace]
        shape = None if shapes is None else shapes.change(run.operation, in_transaction=run.in_transaction)
        return None if shape is None else Rows(shape, (data, run.events))

    def _shapes_of(self, database: str, collection: str) -> CollectionShapes:
        name = (database, collection)
        if name not in self._shapes:
            self._shapes[name] = CollectionShapes(database, collection, self._shape_options)
        return self._shapes[name]

    # telling and ending

    def progress(self) -> SourceProgress:
        snapshot = self._snapshot
        taken = snapshot.progress if snapshot is not None else self._snapshot_taken
        return SourceProgress(bytes_read=self._bytes_read, snapshot=taken)

    def locate(self, rows: Rows) -> str:
        """Where a log event stands: the collection, and the cluster times of the first and the last event at hand."""
        collection = rows.shape.table
        if rows.shape.operation == "r":
            return f"snapshot of collection {collection}"
        _, events = rows.arguments
        first, last = (
            f"Timestamp({event.cluster_seconds}, {event.cluster_increment})" for event in (events[0], events[-1])
        )
        return f"collection {collection} at {first}" + (f" to {last}" if last != first else "")

    def shapes(self) -> Sequence[EventShape]:
        """The shapes of the collections that are on the server now; changes nothing there."""
        return [shape for shapes in self._existing() for shape in shapes.all()]

    def _close_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = self._ahead = None

    def close(self) -> None:
        self._close_stream()
        if self._server is not None:
            self._server.close()
            self._server = None


def _written_at(changes: Changes) -> float | None:
    """When the last change was written, in Unix seconds; None where there is none."""
    if not changes.runs:
        return None
    last = changes.runs[-1].events[-1]
    return float(last.cluster_seconds) if last.wall_time is None else last.wall_time / 1000
