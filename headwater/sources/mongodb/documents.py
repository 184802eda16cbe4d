"""Documents as the text that stands in messages: images, keys and update descriptions, straight from BSON.

Source: ``JsonSerialization`` and ``MongoDbCollectionSchema`` of Debezium 3.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headwater.sources.mongodb import bson
from headwater.sources.mongodb.bson import name_end, value_end
from headwater.sources.mongodb.change_event import read_strings, read_truncated
from headwater.sources.mongodb.extended_json import Form, Writer

Image = Callable[[bytes, int, int], str]
"""Takes the bytes and where a document stands in them, gives its text. Raises `BsonError`."""


class Documents:
    """Writes documents; serves one thread."""

    def __init__(self) -> None:
        self._strict = Writer(Form.STRICT)
        self._key = Writer(Form.KEY)
        self._change = Writer(Form.CHANGE)

    def functions(self, _collection: str) -> Mapping[str, object]:
        """What a reader's code calls for the documents of a collection, by the names that it has there."""
        return {
            "document": self._strict.document,
            "key_value": self._key.value,
            "document_id": self._document_id,
            "changed": self._change.document,
            "removed_fields": _removed_fields,
            "truncated_arrays": _truncated_arrays,
        }

    def _document_id(self, data: bytes, start: int, end: int) -> str:
        """The text of ``_id`` in the document that takes up ``data[start:end]``."""
        at, stop = start + 4, end - 1
        while at < stop:
            kind = data[at]
            behind = name_end(data, at + 1, stop)
            value_stop = value_end(data, kind, behind + 1, stop)
            if data[at + 1 : behind] == b"_id":
                return self._key.value(data, kind, behind + 1, value_stop)
            at = value_stop
        return self._key.value(data, bson.NULL, stop, stop)


def _removed_fields(data: bytes, start: int, end: int) -> list[str] | None:
    if not start:
        return None
    return read_strings(data, start, end) or None


def _truncated_arrays(data: bytes, start: int, end: int) -> list[dict[str, Any]] | None:
    if not start:
        return None
    return [{"field": name, "size": size} for name, size in read_truncated(data, start, end)] or None
