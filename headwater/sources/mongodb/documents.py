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
from headwater.sources.mongodb.fields import FieldRules


class Documents:
    """Writes documents; serves one thread."""

    def __init__(self, fields: FieldRules) -> None:
        self._fields = fields
        self._strict = Writer(Form.STRICT)
        self._key = Writer(Form.KEY)
        self._change = Writer(Form.CHANGE)

    def functions(self, collection: str) -> Mapping[str, object]:
        """What a reader's code calls for a collection's documents, by the names that it has there.

        All take the bytes and where the value stands in them. They raise `bson.BsonError`.
        """
        rules = self._fields.of(collection)
        functions: dict[str, object] = {
            "document": self._strict.document,
            "changed": self._change.document,
            "key_value": self._key.value,
            "document_id": self._document_id,
            "session_document": self.session,
            "removed_fields": _removed_fields(rules.removed if rules else None),
            "truncated_arrays": _truncated_arrays(rules.removed if rules else None),
        }
        if rules:
            functions["document"] = _rewritten(rules.image, self._strict)
            functions["changed"] = _rewritten(rules.change, self._change)
        return functions

    def session(self, data: bytes, start: int, end: int) -> str:
        """The text of a session's identity, the document that takes up ``data[start:end]``."""
        return self._strict.document(data, start, end)

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


def _rewritten(rewrite: Callable[[bytes, int, int], bytes], writer: Writer) -> Callable[[bytes, int, int], str]:
    def document(data: bytes, start: int, end: int) -> str:
        rewritten = rewrite(data, start, end)
        return writer.document(rewritten, 0, len(rewritten))

    return document


Told = Callable[[str], str | None]
"""A path as it is told; None leaves it out."""


def _removed_fields(told: Told | None) -> Callable[[bytes, int, int], list[str] | None]:
    def removed_fields(data: bytes, start: int, end: int) -> list[str] | None:
        names = read_strings(data, start, end) if start else []
        if told is not None:
            names = [name for path in names if (name := told(path)) is not None]
        return names or None

    return removed_fields


def _truncated_arrays(told: Told | None) -> Callable[[bytes, int, int], list[dict[str, Any]] | None]:
    def truncated_arrays(data: bytes, start: int, end: int) -> list[dict[str, Any]] | None:
        arrays = read_truncated(data, start, end) if start else []
        names = ((path if told is None else told(path), size) for path, size in arrays)
        return [{"field": name, "size": size} for name, size in names if name is not None] or None

    return truncated_arrays
