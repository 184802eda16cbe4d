"""Where a task stands in MongoDB's log: a resume token, and the offset that holds it in Debezium's fields.

A token is the document ``{_data: …}`` that the server gives with each event and, as a *high-water mark*, with each
batch. Its text is a hexadecimal KeyString: compared as text, tokens are in the order of the log, whatever scope and
filters a change stream has. It begins with the cluster time.

Source: ``MongoDbOffsetContext`` and ``ResumeTokens`` of Debezium 3.6; ``resume_token.cpp`` of MongoDB.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from bson.timestamp import Timestamp

from headwater.source import Offset, OffsetError, SourceError
from headwater.sources.mongodb.bson import document_end
from headwater.sources.stale import START_ANEW
from headwater.sources.transaction_metadata import OFFSET_COUNT

_CLUSTER_TIME = re.compile(r"82([0-9A-F]{8})([0-9A-F]{8})")
_NUMBER = r"(?:29|2B..|2C....|2D.{6}|2E.{8})"
"""A small number that is not negative: the length of its digits is in its type."""
_FROM_INVALIDATE = re.compile(rf"82.{{16}}{_NUMBER}{_NUMBER}{_NUMBER}6F")
"""Version, type of token and index in the transaction are numbers; then comes whether it is from an invalidation."""
_VERSION_END = 22
"""Behind cluster time and version, of which tokens can be compared only with their like."""


class TokenError(ValueError):
    """A resume token that can't be read."""


@dataclass(frozen=True, slots=True)
class Token:
    """A resume token: ``document`` is the server's BSON, ``data`` its KeyString in hexadecimal."""

    document: bytes
    data: str

    @classmethod
    def parse(cls, document: bytes) -> Token:
        """Raises `TokenError`."""
        try:
            data = bson.decode(document)["_data"]
        except (bson.errors.BSONError, KeyError, ValueError) as error:
            raise TokenError(f"no resume token: {error!r}") from error
        text = data.upper() if isinstance(data, str) else bytes(data).hex().upper()
        if not _CLUSTER_TIME.match(text):
            raise TokenError(f"a resume token that does not begin with a time: {text[:40]}")
        return cls(document, text)

    @property
    def cluster_time(self) -> Timestamp:
        """The place in the log."""
        found = _CLUSTER_TIME.match(self.data)
        assert found is not None  # noqa: S101 - parse() saw it
        return Timestamp(int(found[1], 16), int(found[2], 16))

    @property
    def is_from_invalidate(self) -> bool:
        """Whether the stream ended here: only ``startAfter`` goes on behind it."""
        return _FROM_INVALIDATE.match(self.data) is not None

    def covers(self, other: Token) -> bool:
        """Whether ``other`` is not behind this place.

        Of one time, tokens that another version of MongoDB wrote can't be compared: no is the safe answer.
        """
        if self.cluster_time != other.cluster_time:
            return self.cluster_time > other.cluster_time
        return self.data[:_VERSION_END] == other.data[:_VERSION_END] and other.data <= self.data


@dataclass(frozen=True, slots=True)
class SnapshotPlace:
    """Where an unfinished snapshot goes on: all before is delivered.

    ``of``          what tells one choice of collections and documents from another; a place is good for its own only
    ``collection``  ``database.collection``, None at the beginning
    ``start``       the first document there as BSON, ``_id`` alone; None at the collection's beginning
    """

    of: str | None = None
    collection: str | None = None
    start: bytes | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """A place to start from; ``event`` is the cluster time of the event there, None for a high-water mark.

    ``snapshot`` is None where there is none, or it is finished.
    """

    token: Token
    event: tuple[int, int] | None = None
    snapshot: SnapshotPlace | None = None

    @classmethod
    def from_offset(cls, offset: Mapping[str, Any]) -> Position:
        """Raises `SourceError` for an offset that no connector for MongoDB wrote."""
        try:
            seconds, increment = (int(offset.get(name, -1)) for name in ("sec", "ord"))
            return cls(
                _token(offset["resume_token"]),
                None if seconds < 0 else (seconds, increment),
                None if offset.get("initsync") in (None, False, "false") else _snapshot_place(offset),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(
                f"the stored offset {dict(offset)!r} is not one of a MongoDB connector ({error!r}): {START_ANEW}"
            ) from error

    def offset(self) -> Offset:
        """The same place as an offset; Debezium steps over the fields of a `SnapshotPlace`."""
        seconds, increment = self.event or (-1, -1)
        offset: Offset = {"sec": seconds, "ord": increment}
        if self.snapshot is not None:
            offset["initsync"] = True
        offset["resume_token"] = base64.b64encode(self.token.document).decode()
        if self.snapshot is not None and self.snapshot.collection is not None:
            offset |= {"snapshot_of": self.snapshot.of, "snapshot_collection": self.snapshot.collection}
            if self.snapshot.start is not None:
                offset["snapshot_id"] = base64.b64encode(self.snapshot.start).decode()
        return offset


def _snapshot_place(offset: Mapping[str, Any]) -> SnapshotPlace:
    """Raises ValueError."""
    text = offset.get("snapshot_id")
    start = None if text is None else base64.b64decode(text, validate=True)
    if start is not None and (document_end(start, 0, len(start)) != len(start) or "_id" not in RawBSONDocument(start)):
        raise ValueError("snapshot_id is no document with an _id")
    return SnapshotPlace(offset.get("snapshot_of"), offset.get("snapshot_collection"), start)


def _token(text: str) -> Token:
    """A token as Debezium stores it: the document in base64, by older versions only its data. Raises ValueError."""
    if re.fullmatch(r"[0-9A-Fa-f]{18,}", text):
        return Token.parse(bson.encode({"_data": text}))
    try:
        return Token.parse(base64.b64decode(text, validate=True))
    except binascii.Error as error:
        raise TokenError(f"no base64: {error}") from error


_COUNTS = ("sec", "ord", "txnNumber")
_TEXTS = ("resume_token", "lsid", "snapshot_of", "snapshot_collection", "snapshot_id", "transaction_id")


def check_offset(offset: Mapping[str, Any]) -> None:
    """Check an offset that was given by hand, any JSON; whether the log reaches back so far is seen at the start.

    Raises `OffsetError`.
    """
    if offset.get("resume_token") in (None, ""):
        raise OffsetError("The offset must have resume_token: the change stream's token as BSON in base64")
    for name, value in offset.items():
        if value is None:
            continue
        if name in _TEXTS and not isinstance(value, str):
            raise OffsetError(f"The value of {name} in the offset must be a string")
        is_count = name in _COUNTS or name.startswith(OFFSET_COUNT)
        if is_count and (type(value) is not int or value < -1):
            raise OffsetError(f"The value of {name} in the offset must be a whole number, at least -1")
        if not isinstance(value, (str, bool, int)) or (isinstance(value, int) and value >= 2**63):
            raise OffsetError(f"The value of {name} in the offset must be a string, a whole number or a boolean")
    try:
        _token(offset["resume_token"])
    except ValueError as error:
        raise OffsetError(f"The value of resume_token in the offset is no resume token: {error}") from error
    try:
        _snapshot_place(offset)
    except ValueError as error:
        raise OffsetError(f"The value of snapshot_id in the offset is no document: {error}") from error
