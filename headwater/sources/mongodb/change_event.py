"""One event of a change stream: where its parts stand, found in one pass over its top level.

Source: https://www.mongodb.com/docs/manual/reference/change-events/; ``ChangeStreamDocument`` in the Java driver 5.9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headwater.sources.little_endian import s32, s64, u32
from headwater.sources.mongodb.bson import (
    ARRAY,
    DATE,
    DOCUMENT,
    INT32,
    INT64,
    NULL,
    STRING,
    TIMESTAMP,
    BsonError,
    check_limits,
    document_end,
    name_end,
    string_end,
    value_end,
)

if TYPE_CHECKING:
    from mypy_extensions import i64

_MAX_NAMESPACES: Final = 65536


class ChangeEvent:
    """The event that takes up ``data[start:end]``.

    Each part of it is an extent of ``data``, and absent, or null, where its start is 0: ``token`` (the resume token, a
    document), ``document`` (fullDocument), ``before`` (fullDocumentBeforeChange), ``updated`` (updatedFields, a
    document), ``removed`` and ``truncated`` (removedFields and truncatedArrays, arrays), ``session`` (lsid, a
    document). ``id_kind``, ``id_start`` and ``id_end`` are the value of the document key's ``_id``, null without one.
    """

    __slots__ = (
        "before_end",
        "before_start",
        "cluster_increment",
        "cluster_seconds",
        "document_end",
        "document_start",
        "end",
        "id_end",
        "id_kind",
        "id_start",
        "namespace",
        "operation",
        "removed_end",
        "removed_start",
        "session_end",
        "session_start",
        "start",
        "token_end",
        "token_start",
        "transaction_number",
        "truncated_end",
        "truncated_start",
        "updated",
        "updated_end",
        "updated_start",
        "wall_time",
    )

    def __init__(self, start: i64, end: i64) -> None:
        self.start: i64 = start
        self.end: i64 = end
        self.operation = ""
        """``operationType``: insert, update, replace, delete, drop, rename, invalidate …"""
        self.namespace: tuple[str, str] | None = None
        """Database and collection; an event of a whole database has an empty collection, invalidate none of both."""
        self.cluster_seconds: i64 = 0
        self.cluster_increment: i64 = 0
        """``clusterTime``; both 0 where it is absent."""
        self.wall_time: int | None = None
        """``wallTime`` in milliseconds since 1970; servers have it from 6.0 on."""
        self.transaction_number: int | None = None
        """``txnNumber``, within the session."""
        self.token_start: i64 = 0
        self.token_end: i64 = 0
        self.document_start: i64 = 0
        self.document_end: i64 = 0
        self.before_start: i64 = 0
        self.before_end: i64 = 0
        self.id_kind: i64 = NULL
        self.id_start: i64 = 0
        self.id_end: i64 = 0
        self.updated = False
        """Whether there is an ``updateDescription``."""
        self.updated_start: i64 = 0
        self.updated_end: i64 = 0
        self.removed_start: i64 = 0
        self.removed_end: i64 = 0
        self.truncated_start: i64 = 0
        self.truncated_end: i64 = 0
        self.session_start: i64 = 0
        self.session_end: i64 = 0

    @property
    def millis(self) -> int:
        """When it was written, in milliseconds since 1970; from servers before 6.0 in whole seconds."""
        return self.wall_time or int(self.cluster_seconds) * 1000


class ChangeEventReader:
    """Reads the events of a change stream; it keeps the namespaces that it met."""

    def __init__(self) -> None:
        self._namespaces: dict[bytes, tuple[str, str]] = {}

    def read(self, data: bytes, start: i64, limit: i64) -> ChangeEvent:
        """The event that begins at ``start`` and ends at the latest at ``limit``. Raises `BsonError`."""
        check_limits(data, start, limit)
        end = document_end(data, start, limit)
        event = ChangeEvent(start, end)
        stop: i64 = end - 1
        at: i64 = start + 4
        while at < stop:
            kind: i64 = data[at]
            behind = name_end(data, at + 1, stop)
            value: i64 = behind + 1
            value_stop = value_end(data, kind, value, stop)
            if kind != NULL:
                self._take(event, data[at + 1 : behind], data, kind, value, value_stop)
            at = value_stop
        return event

    def _take(self, event: ChangeEvent, name: bytes, data: bytes, kind: i64, start: i64, end: i64) -> None:
        if name == b"_id":
            _expect(kind, DOCUMENT, name)
            event.token_start, event.token_end = start, end
        elif name == b"operationType":
            _expect(kind, STRING, name)
            event.operation = data[start + 4 : end - 1].decode("utf-8", "replace")
        elif name == b"clusterTime":
            _expect(kind, TIMESTAMP, name)
            event.cluster_seconds, event.cluster_increment = u32(data, start + 4), u32(data, start)
        elif name == b"wallTime":
            _expect(kind, DATE, name)
            event.wall_time = s64(data, start)
        elif name == b"fullDocument":
            _expect(kind, DOCUMENT, name)
            event.document_start, event.document_end = start, end
        elif name == b"ns":
            _expect(kind, DOCUMENT, name)
            event.namespace = self._namespace(data, start, end)
        elif name == b"documentKey":
            _expect(kind, DOCUMENT, name)
            _take_key(event, data, start, end - 1)
        elif name == b"updateDescription":
            _expect(kind, DOCUMENT, name)
            _take_update(event, data, start, end - 1)
        elif name == b"fullDocumentBeforeChange":
            _expect(kind, DOCUMENT, name)
            event.before_start, event.before_end = start, end
        elif name == b"lsid":
            _expect(kind, DOCUMENT, name)
            event.session_start, event.session_end = start, end
        elif name == b"txnNumber":
            _expect(kind, INT64, name)
            event.transaction_number = s64(data, start)

    def _namespace(self, data: bytes, start: i64, end: i64) -> tuple[str, str]:
        raw = data[start:end]
        namespace = self._namespaces.get(raw)
        if namespace is None:
            if len(self._namespaces) >= _MAX_NAMESPACES:
                self._namespaces.clear()
            namespace = self._namespaces[raw] = (_member(raw, b"db"), _member(raw, b"coll"))
        return namespace


def read_strings(data: bytes, start: i64, end: i64) -> list[str]:
    """The array of strings that takes up ``data[start:end]``: the names of removed fields. Raises `BsonError`."""
    texts = []
    for kind, value, value_stop in _values(data, start, end):
        _expect(kind, STRING, b"removedFields")
        texts.append(data[value + 4 : value_stop - 1].decode("utf-8", "replace"))
    return texts


def read_truncated(data: bytes, start: i64, end: i64) -> list[tuple[str, int]]:
    """The array of truncated arrays that takes up ``data[start:end]``: name and new size. Raises `BsonError`."""
    arrays = []
    for kind, value, value_stop in _values(data, start, end):
        _expect(kind, DOCUMENT, b"truncatedArrays")
        item = data[value:value_stop]
        size_kind, size = _find(item, b"newSize")
        _expect(size_kind, INT32, b"newSize")
        arrays.append((_member(item, b"field"), int(s32(item, size))))
    return arrays


def _take_key(event: ChangeEvent, data: bytes, start: i64, stop: i64) -> None:
    at: i64 = start + 4
    while at < stop:
        kind: i64 = data[at]
        behind = name_end(data, at + 1, stop)
        end = value_end(data, kind, behind + 1, stop)
        if data[at + 1 : behind] == b"_id":
            event.id_kind, event.id_start, event.id_end = kind, behind + 1, end
        at = end


def _take_update(event: ChangeEvent, data: bytes, start: i64, stop: i64) -> None:
    event.updated = True
    at: i64 = start + 4
    while at < stop:
        kind: i64 = data[at]
        behind = name_end(data, at + 1, stop)
        value: i64 = behind + 1
        end = value_end(data, kind, value, stop)
        name = data[at + 1 : behind]
        if kind == NULL:
            pass
        elif name == b"updatedFields":
            _expect(kind, DOCUMENT, name)
            event.updated_start, event.updated_end = value, end
        elif name == b"removedFields":
            _expect(kind, ARRAY, name)
            event.removed_start, event.removed_end = value, end
        elif name == b"truncatedArrays":
            _expect(kind, ARRAY, name)
            event.truncated_start, event.truncated_end = value, end
        at = end


def _values(data: bytes, start: i64, end: i64) -> list[tuple[int, int, int]]:
    """Type, start and end of each value in the array or document that takes up ``data[start:end]``."""
    check_limits(data, start, end)
    stop: i64 = document_end(data, start, end) - 1
    at: i64 = start + 4
    found: list[tuple[int, int, int]] = []
    while at < stop:
        kind: i64 = data[at]
        value: i64 = name_end(data, at + 1, stop) + 1
        at = value_end(data, kind, value, stop)
        found.append((kind, value, at))
    return found


def _find(document: bytes, name: bytes) -> tuple[int, int]:
    """Type and start of the element ``name``; null where there is none."""
    stop: i64 = document_end(document, 0, len(document)) - 1
    at: i64 = 4
    while at < stop:
        kind: i64 = document[at]
        behind = name_end(document, at + 1, stop)
        if document[at + 1 : behind] == name:
            value_end(document, kind, behind + 1, stop)
            return kind, behind + 1
        at = value_end(document, kind, behind + 1, stop)
    return NULL, stop


def _member(document: bytes, name: bytes) -> str:
    """The string that the element ``name`` holds, empty where there is none."""
    kind, start = _find(document, name)
    if kind == NULL:
        return ""
    _expect(kind, STRING, name)
    return document[start + 4 : string_end(document, start, len(document)) - 1].decode("utf-8", "replace")


def _expect(kind: i64, wanted: i64, name: bytes) -> None:
    if kind != wanted:
        raise BsonError(f"change event: {name.decode()} of type 0x{kind:02x}, not 0x{wanted:02x}")
