"""Transactions among change events: where one begins and ends, and the place of each event in it.

An event in a transaction has a session and a number; a transaction ends where another event comes.

Source: ``MongoDbEventMetadataProvider`` of Debezium 3.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from headwater.record import Record
from headwater.shape import EventShape
from headwater.source import Rows
from headwater.sources.mongodb.change_event import ChangeEvent
from headwater.sources.mongodb.documents import Documents
from headwater.sources.mongodb.reply import Run
from headwater.sources.transaction_metadata import TransactionMetadata


class Transactions:
    """Turns runs into rows with what is told of transactions; used by one thread."""

    def __init__(self, metadata: TransactionMetadata, documents: Documents) -> None:
        self.metadata = metadata
        self._documents = documents

    def items(self, shape: EventShape, data: bytes, run: Run) -> Iterator[Rows | Record]:
        """The rows of a captured run, and a message wherever a transaction begins or ends."""
        if not run.in_transaction:
            if self.metadata.id is not None:
                yield self.metadata.end(run.events[0].millis)
            yield Rows(shape, (data, run.events))
            return

        def identity(event: ChangeEvent) -> tuple[bytes, int | None]:
            return data[event.session_start : event.session_end], event.transaction_number

        for _, group in groupby(run.events, identity):
            yield from self._of_one(shape, data, list(group))

    def _of_one(self, shape: EventShape, data: bytes, events: list[ChangeEvent]) -> Iterator[Rows | Record]:
        first, metadata = events[0], self.metadata
        session = self._documents.session(data, first.session_start, first.session_end)
        transaction = f"{session}:{first.transaction_number}"
        if metadata.id != transaction:
            if metadata.id is not None:
                yield metadata.end(first.millis)
            yield metadata.begin(transaction, first.millis)
        yield Rows(shape, (data, events, transaction, metadata.total, metadata.count(shape.table)))
        metadata.add(shape.table, len(events))
