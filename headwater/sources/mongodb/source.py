"""The MongoDB source: it starts from an offset or a snapshot, then gives a batch for each reply of its stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import structlog

from headwater.config import Config
from headwater.record import Record
from headwater.shape import EventShape
from headwater.source import EMPTY, Batch, Offset, Partition, Resume, Rows, SnapshotProgress, SourceProgress
from headwater.sources.filters import TableFilter
from headwater.sources.heartbeat import Heartbeats
from headwater.sources.mongodb.change_stream import Changes, ChangeStream, StreamOptions, check_time
from headwater.sources.mongodb.connection import Server
from headwater.sources.mongodb.position import Position, SnapshotPlace
from headwater.sources.mongodb.reply import Run
from headwater.sources.mongodb.shapes import CollectionShapes, ShapeOptions
from headwater.sources.mongodb.snapshot import Snapshot
from headwater.sources.mongodb.snapshot_options import SnapshotOptions
from headwater.sources.mongodb.transactions import Transactions
from headwater.sources.stale import new_snapshot

log = structlog.get_logger(__name__)

BUILTIN_DATABASES = frozenset({"admin", "config", "local"})


class MongoDbSource:
    """`headwater.source.Source` for one replica set. ``stream_options`` asks the server what the names are there."""

    def __init__(
        self,
        config: Config,
        shape_options: ShapeOptions,
        collections: TableFilter,
        snapshot_options: SnapshotOptions,
        stream_options: Callable[[Server], StreamOptions],
        transactions: Transactions | None,
    ) -> None:
        self._config = config
        self._shape_options = shape_options
        self._filter = collections
        self._snapshot_options = snapshot_options
        self._mode = snapshot_options.mode
        self._stream_options = stream_options
        self._transactions = transactions
        self._heartbeats = Heartbeats(config)
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
        with new_snapshot(wanted=self._mode.mends):
            return self._start(resume)

    def _start(self, resume: Resume) -> Batch:
        stored = Position.from_offset(resume.offset) if resume.offset else None
        position = self._open(stored)
        reads_documents = stored is None or stored.snapshot is not None or self._mode.always
        if not (reads_documents and self._mode.data):
            self._position = replace(position, snapshot=None)
            if position is stored and self._transactions is not None:
                self._transactions.metadata.resume(resume.offset or {})
            return EMPTY if self._position == stored else Batch((), self._offset())
        if self._mode.always and stored is not None and stored.snapshot is None:
            position = self._open(None)
        self._close_stream()  # the server would give up a cursor that nobody reads for as long as a snapshot takes
        self._position = Position(position.token)
        unfinished = replace(self._position, snapshot=position.snapshot or SnapshotPlace())
        self._snapshot = Snapshot(self._connected(), self._existing(), self._snapshot_options, unfinished)
        return Batch((), unfinished.offset())

    def _open(self, start: Position | None) -> Position:
        """Open the stream at ``start``, now without one; the place that it begins at."""
        self._close_stream()
        server = self._connected()
        options = self._stream_options(server)
        if start is not None:
            check_time(server, start.token)
            stream = self._stream = ChangeStream(server, options, start)
            self._ahead = stream.read(0)  # shows whether the log reaches back so far
        else:
            end = ChangeStream(server, options, None)
            end.close()
            # opened there anew, it waits until no change of primaries undoes what is before
            stream = self._stream = ChangeStream(server, options, end.position)
        if options.needs_images:
            self._warn_of_missing_images(server)
        log.info("reading the change stream", of=str(options.scope), start=str(stream.position.token.cluster_time))
        return start or stream.position

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
        """The captured collections that there are now."""
        server = self._connected()
        return [
            self._shapes_of(database, collection)
            for database in server.database_names()
            if self._filter.captures_database(database)
            for collection in server.collection_names(database)
            if self._filter.captures(database, collection)
        ]

    # reading

    def poll(self, timeout: float) -> Batch:
        with new_snapshot(wanted=self._mode.mends):
            return self._poll(timeout)

    def _poll(self, timeout: float) -> Batch:
        if self._snapshot is not None:
            return self._poll_snapshot(self._snapshot)
        if self._stream is None:
            time.sleep(timeout)
            return EMPTY
        changes, self._ahead = self._ahead or self._stream.read(timeout), None
        items = [item for run in changes.runs for item in self._items(changes.data, run)]
        self._position = changes.position
        self._bytes_read += len(changes.data)
        return self._heartbeats.behind(Batch(items, self._offset(), event_time=_written_at(changes)))

    def _offset(self) -> Offset:
        """The place that is read up to."""
        of_transaction = {} if self._transactions is None else self._transactions.metadata.offset()
        return {**self._position.offset(), **of_transaction}

    def _poll_snapshot(self, snapshot: Snapshot) -> Batch:
        batch = snapshot.next_batch()
        if batch is not None:
            return batch
        self._snapshot_taken, self._snapshot = snapshot.progress, None
        if self._mode.streams:
            self._open(self._position)
        return Batch((), self._offset())

    def _items(self, data: bytes, run: Run) -> Iterable[Rows | Record]:
        shape = self._shape(run)
        if shape is None:
            return ()
        return (
            (Rows(shape, (data, run.events)),)
            if self._transactions is None
            else self._transactions.items(shape, data, run)
        )

    def _shape(self, run: Run) -> EventShape | None:
        """None for what is not captured."""
        if run.namespace is None:
            return None
        if run.namespace not in self._captured:
            is_captured = self._filter.captures(*run.namespace)
            self._captured[run.namespace] = self._shapes_of(*run.namespace) if is_captured else None
        shapes = self._captured[run.namespace]
        return None if shapes is None else shapes.change(run.operation, in_transaction=run.in_transaction)

    def _shapes_of(self, database: str, collection: str) -> CollectionShapes:
        name = (database, collection)
        if name not in self._shapes:
            self._shapes[name] = CollectionShapes(database, collection, self._shape_options)
        return self._shapes[name]

    # telling and ending

    def committed(self, offset: Offset) -> None:
        """The server keeps its log for nobody."""

    def progress(self) -> SourceProgress:
        snapshot = self._snapshot
        taken = snapshot.progress if snapshot is not None else self._snapshot_taken
        return SourceProgress(bytes_read=self._bytes_read, snapshot=taken)

    def locate(self, rows: Rows) -> str:
        """Where a log event stands: the collection, and the cluster times of the first and the last event at hand."""
        collection = rows.shape.table
        if rows.shape.operation == "r":
            return f"snapshot of collection {collection}"
        _, events, *_ = rows.arguments
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
        if self._snapshot is not None:
            self._snapshot.close()
        self._close_stream()
        if self._server is not None:
            self._server.close()
            self._server = None


def _written_at(changes: Changes) -> float | None:
    """When the last change was written, in Unix seconds; None where there is none."""
    if not changes.runs:
        return None
    return changes.runs[-1].events[-1].millis / 1000
