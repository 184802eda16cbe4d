"""Debezium's change events, read into a model of your own.

Source: Debezium's documentation, "Change events" of the connectors, and "New Record State Extraction".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, TypeVar, cast

from headwater.consumer import Message
from headwater.converters.json_reader import JsonDeserializer
from headwater.deserializer import DeserializationError, Deserializer, RetriableDeserializationError, SchemaAndValue
from headwater.inbox.events import extended_json
from headwater.inbox.events.errors import EventError
from headwater.inbox.events.position import Position
from headwater.typed.errors import MisfitError
from headwater.typed.model import fit
from headwater.typed.semantic import converted

T = TypeVar("T")
M = TypeVar("M")
Row = dict[str, Any]

OPERATIONS = ("c", "u", "d", "r", "t")
"""Create, update, delete, read (a snapshot), truncate."""


class Source(Mapping[str, Any]):
    """Where a change comes from, as the connector tells: members by name, ``source.table`` or ``source["table"]``.

    All connectors have ``connector``, ``name``, ``ts_ms``, ``snapshot``, ``db``; MySQL also ``table``, ``file``,
    ``pos``, ``row``, ``gtid``; PostgreSQL ``schema``, ``table``, ``lsn``; MongoDB ``collection``, ``ord``.
    """

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = members

    def __getattr__(self, name: str) -> Any:
        try:
            return self._members[name]
        except KeyError:
            raise AttributeError(f"the event's source has no {name}; it has {', '.join(self._members)}") from None

    def __getitem__(self, name: str) -> Any:
        return self._members[name]

    def __iter__(self) -> Any:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"Source({dict(self._members)!r})"


class _Change(NamedTuple):
    """What both forms of events say."""

    op: str
    before: Row | None
    after: Row | None
    source: Mapping[str, Any]
    rest: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChangeEvent(Generic[T]):
    """One change of one row or document.

    ``op``       ``c`` create, ``u`` update, ``d`` delete, ``r`` read in a snapshot, ``t`` truncate
    ``key``      the primary key's columns, or what a transform made of them; None where messages have no key
    ``rest``     the envelope's other members: ``ts_ms``, ``transaction``, MongoDB's ``updateDescription`` …
    ``message``  the message that it came in
    """

    op: str
    key: Any
    source: Source
    rest: Mapping[str, Any]
    message: Message = field(repr=False)
    _before: Row | None = field(repr=False)
    _after: Row | None = field(repr=False)
    _fit: Callable[[Row], T] = field(repr=False)

    @property
    def before(self) -> T | None:
        """The row before the change, None where the event doesn't say. Raises `EventError` where it is not whole.

        PostgreSQL tells it whole only with ``REPLICA IDENTITY FULL``, MongoDB only with pre-images.
        """
        return None if self._before is None else self._read("before", self._before)

    @property
    def after(self) -> T | None:
        """The row after the change; None of a delete, and of MongoDB's updates without ``fullDocument``."""
        return None if self._after is None else self._read("after", self._after)

    def key_as(self, model: type[M]) -> M | None:
        """The key as a dataclass or Pydantic model. Raises `EventError`."""
        try:
            return None if self.key is None else cast("M", fit(model, self.key))
        except MisfitError as error:
            raise EventError(f"{self.message}: {error.within('key')}") from error

    @property
    def ts_ms(self) -> int | None:
        """When the connector saw the change, in milliseconds since 1970."""
        return self.rest.get("ts_ms")

    @property
    def position(self) -> Position:
        """Where the change stands among others of the same row."""
        return Position.of(self.message, self.source)

    def _read(self, name: str, row: Row) -> T:
        try:
            return self._fit(row)
        except MisfitError as error:
            raise EventError(f"{self.message}: {error.within(name)}") from error


@dataclass(frozen=True, slots=True)
class ChangeEvents(Generic[T]):
    """Reads messages as change events of rows like ``model``: a dataclass, a Pydantic model, or ``dict``.

    ``form``           ``envelope`` as connectors write, ``flattened`` as ``ExtractNewRecordState`` makes it
    ``keys, values``   the messages' format: JSON, with schemas or without, unless another is given
    ``documents``      what reads MongoDB's documents from extended JSON (``bson.json_util.loads`` keeps BSON's types)
    """

    model: type[T]
    form: Literal["envelope", "flattened"] = "envelope"
    keys: Deserializer = field(default_factory=JsonDeserializer)
    values: Deserializer = field(default_factory=JsonDeserializer)
    documents: Callable[[str], Any] = extended_json.loads

    def read(self, message: Message) -> ChangeEvent[T] | None:
        """The event, None of a tombstone. Raises `EventError`, `RetriableDeserializationError`.

        In the flattened form a tombstone is a delete of what its key names.
        """
        try:
            key = self._key(message)
            change = self._flattened(message) if self.form == "flattened" else self._envelope(message)
        except RetriableDeserializationError:
            raise
        except (DeserializationError, MisfitError) as error:
            raise EventError(f"{message}: {error}") from error
        if change is None:
            return None
        source = Source(change.source)
        return ChangeEvent(change.op, key, source, change.rest, message, change.before, change.after, self._model)

    def _model(self, row: Row) -> T:
        return cast("T", fit(self.model, row))

    def _key(self, message: Message) -> Any:
        return None if message.key is None else _converted(self.keys.read(message.topic, message.key))

    def _envelope(self, message: Message) -> _Change | None:
        if message.value is None:
            return None
        schema_and_value = self.values.read(message.topic, message.value)
        envelope = _converted(schema_and_value)
        if not isinstance(envelope, dict) or "op" not in envelope or "source" not in envelope:
            raise MisfitError(
                "an envelope with op, before, after and source is wanted; for what ExtractNewRecordState makes, read "
                'with form="flattened"'
            )
        op, source = envelope["op"], envelope["source"]
        if op not in OPERATIONS:
            raise MisfitError(f"an operation is one of {', '.join(OPERATIONS)}", ("op",))
        if not isinstance(source, dict):
            raise MisfitError("an object is wanted", ("source",))
        rest = {name: value for name, value in envelope.items() if name not in ("op", "before", "after", "source")}
        before, after = self._row("before", envelope), self._row("after", envelope)
        return _Change(op, before, after, source, rest)

    def _row(self, name: str, envelope: Row) -> Row | None:
        """A row; MongoDB's connector has documents as text."""
        row = envelope.get(name)
        if isinstance(row, str):
            try:
                row = self.documents(row)
            except (ValueError, RecursionError) as error:
                raise MisfitError(f"the document is no extended JSON: {error}", (name,)) from error
        if row is not None and not isinstance(row, dict):
            raise MisfitError("an object is wanted", (name,))
        return row

    def _flattened(self, message: Message) -> _Change:
        """The row itself; what was added to it (``add.fields``, ``add.headers``) begins with two underscores."""
        value = None if message.value is None else _converted(self.values.read(message.topic, message.value))
        if value is not None and not isinstance(value, dict):
            raise MisfitError("an object is wanted")
        added = {name: content for name, content in (value or {}).items() if name.startswith("__")}
        for name, text in message.headers:
            if name.startswith("__") and not name.startswith("__connect.") and text is not None:
                added.setdefault(name, _header(text))
        row = None if value is None else {name: each for name, each in value.items() if not name.startswith("__")}
        deleted = row is None or str(added.get("__deleted")).lower() == "true" or added.get("__op") == "d"
        source = {name.removeprefix("__source_"): each for name, each in added.items() if name.startswith("__source_")}
        for name in ("db", "table", "lsn", "file", "pos", "row", "gtid", "connector", "name"):
            if f"__{name}" in added:
                source.setdefault(name, added[f"__{name}"])
        op = "d" if deleted else str(added.get("__op") or "u")
        if op not in OPERATIONS:
            raise MisfitError(f"an operation is one of {', '.join(OPERATIONS)}", ("__op",))
        before, after = (row, None) if deleted else (None, row)
        return _Change(op, before, after, source, {name.removeprefix("__"): each for name, each in added.items()})


def _converted(schema_and_value: SchemaAndValue) -> Any:
    return converted(*schema_and_value)


def _header(text: bytes) -> Any:
    """A header's value, written by SimpleHeaderConverter or as JSON with a schema."""
    try:
        schema, value = JsonDeserializer().read("", text)
    except DeserializationError:
        return text.decode(errors="backslashreplace")
    return converted(schema, value)
