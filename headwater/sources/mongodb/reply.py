"""Replies of the server: where a batch stands in the bytes, and which of its events become messages together.

Source: "find, getMore and killCursors commands" in the drivers' specifications.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headwater.sources.little_endian import s64
from headwater.sources.mongodb import bson
from headwater.sources.mongodb.bson import BsonError, document_end, name_end, value_end
from headwater.sources.mongodb.change_event import ChangeEvent, ChangeEventReader

if TYPE_CHECKING:
    from mypy_extensions import i64


class Reply(NamedTuple):
    """A reply to ``aggregate``, ``find`` or ``getMore``: where its batch and the token behind that stand in its bytes.

    ``cursor`` is 0 once the server has closed it; so are ``batch`` and ``token`` where there is none.
    """

    data: bytes
    cursor: int
    batch: int
    batch_end: int
    token: int
    token_end: int


class Run(NamedTuple):
    """Events that follow each other and are alike: of one collection and operation, all in transactions or none."""

    operation: str
    namespace: tuple[str, str] | None
    in_transaction: bool
    events: list[ChangeEvent]


def read_reply(data: bytes) -> Reply:
    """The reply whose bytes are ``data``. Raises `BsonError`."""
    stop: i64 = document_end(data, 0, len(data)) - 1
    at: i64 = 4
    while at < stop:
        kind: i64 = data[at]
        behind = name_end(data, at + 1, stop)
        value: i64 = behind + 1
        end = value_end(data, kind, value, stop)
        if kind == bson.DOCUMENT and data[at + 1 : behind] == b"cursor":
            return _read_cursor(data, value, end - 1)
        at = end
    raise BsonError("a reply without a cursor")


def _read_cursor(data: bytes, start: i64, stop: i64) -> Reply:
    cursor = 0
    batch: i64 = 0
    batch_end: i64 = 0
    token: i64 = 0
    token_end: i64 = 0
    at: i64 = start + 4
    while at < stop:
        kind: i64 = data[at]
        behind = name_end(data, at + 1, stop)
        value: i64 = behind + 1
        end = value_end(data, kind, value, stop)
        name = data[at + 1 : behind]
        if name == b"id" and kind == bson.INT64:
            cursor = int(s64(data, value))
        elif kind == bson.ARRAY and (name == b"nextBatch" or name == b"firstBatch"):
            batch, batch_end = value, end
        elif kind == bson.DOCUMENT and name == b"postBatchResumeToken":
            token, token_end = value, end
        at = end
    return Reply(data, cursor, batch, batch_end, token, token_end)


def read_runs(data: bytes, start: i64, limit: i64, reader: ChangeEventReader) -> list[Run]:
    """The events of the array that takes up ``data[start:limit]``, in its order. Raises `BsonError`."""
    runs: list[Run] = []
    operation = ""
    namespace: tuple[str, str] | None = None
    in_transaction = False
    events: list[ChangeEvent] = []
    at: i64 = start + 4
    stop: i64 = document_end(data, start, limit) - 1
    while at < stop:
        if data[at] != bson.DOCUMENT:
            raise BsonError("a change event that is no document")
        event = reader.read(data, name_end(data, at + 1, stop) + 1, stop)
        if event.token_start == 0 or event.operation == "":
            raise BsonError("a change event without _id or operationType: does cursor.pipeline take them away?")
        is_in_transaction = event.session_start != 0 and event.transaction_number is not None
        if (
            not events
            or event.operation != operation
            or event.namespace != namespace
            or is_in_transaction != in_transaction
        ):
            operation, namespace, in_transaction = event.operation, event.namespace, is_in_transaction
            events = []
            runs.append(Run(operation, namespace, in_transaction, events))
        events.append(event)
        at = event.end
    return runs


def read_documents(reply: Reply) -> list[tuple[int, int]]:
    """Where each document of a reply's batch stands. Raises `BsonError`."""
    found: list[tuple[int, int]] = []
    if reply.batch == 0:
        return found
    data = reply.data
    at: i64 = reply.batch + 4
    stop: i64 = document_end(data, reply.batch, reply.batch_end) - 1
    while at < stop:
        if data[at] != bson.DOCUMENT:
            raise BsonError("a batch with something that is no document")
        start: i64 = name_end(data, at + 1, stop) + 1
        at = document_end(data, start, stop)
        found.append((start, at))
    return found
