"""``EventRouter``: a row of an outbox table becomes the event that it holds, on the topic that it names.

The value is the payload alone, or a struct of payload and further columns (``envelope``); the header ``id`` is there
for consumers to tell repetitions by. Deletes are dropped, updates are not expected.

A column `tracingspancontext`, as Debezium's Quarkus extension writes it, becomes the headers `traceparent`,
`tracestate` and `baggage`: what consumers do belongs to the trace in which the event was written. With
`table.field.event.headers`, an option of ours, a row has headers of its own, as those that `headwater relay` sends.

Source: ``io.debezium.transforms.outbox.EventRouterDelegate`` and its ``EventRouterConfigDefinition`` (Debezium 3.6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import structlog

from headwater import json_payload
from headwater.config import Config, ConfigDef, Importance, Option, OptionType, Width, grouped, one_of
from headwater.java_number import truncated
from headwater.java_regex import check_java
from headwater.json_payload import JsonPayloadError, Payload
from headwater.record import Schema, Type
from headwater.shape import NULL, HeaderShape, MessageShape, Node
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.envelope import is_envelope
from headwater.transforms.event_headers import header_shapes, merged, own_headers, present, trace_context
from headwater.transforms.regex_router import RegexRouter
from headwater.tree import Member, call, is_absent, is_null, may_be_null, member, or_default, struct_of, whole

log = structlog.get_logger(__name__)


class Placement(StrEnum):
    """Where a further column goes."""

    HEADER = "header"
    ENVELOPE = "envelope"
    PARTITION = "partition"


@dataclass(frozen=True, slots=True)
class Additional:
    """A further column, the part of the message it becomes, and its name there."""

    field: str
    placement: Placement
    alias: str


def _additional(text: str) -> Additional:
    """``column:placement`` or ``column:placement:alias``. Raises ValueError."""
    parts = [part.strip() for part in text.split(":")]
    if len(parts) not in (2, 3) or parts[1].lower() not in list(Placement):
        raise ValueError(f"{text!r} is not column:placement or column:placement:alias, with {', '.join(Placement)}")
    return Additional(parts[0], Placement(parts[1].lower()), parts[-1] if len(parts) == 3 else parts[0])


def _check_additional(members: Sequence[str] | None) -> str | None:
    try:
        for text in members or ():
            _additional(text)
    except ValueError as error:
        return str(error)
    return None


def _column(name: str, default: str | None, label: str, doc: str, importance: Importance = Importance.LOW) -> Option:
    return Option(name, OptionType.STRING, default, doc, importance, label=label, width=Width.MEDIUM)


OPTIONS = ConfigDef(
    *grouped(
        "Table",
        _column("table.field.event.id", "id", "Event ID Field", "The column that holds the event's id."),
        _column(
            "table.field.event.key", "aggregateid", "Event Key Field", "The column that becomes the message's key."
        ),
        _column(
            "table.field.event.type",
            "type",
            "Event Type Field",
            "The column that holds the event's type; it has an effect only through table.fields.additional.placement.",
        ),
        _column("table.field.event.payload", "payload", "Event Payload Field", "The column that holds the event."),
        _column(
            "table.field.event.timestamp",
            None,
            "Event Timestamp Field",
            "The column that becomes the message's timestamp; without it, that is when the change was read.",
            Importance.MEDIUM,
        ),
        Option(
            "table.fields.additional.placement",
            OptionType.LIST,
            [],
            "Further columns and the part of the message they become, as column:placement or column:placement:alias,"
            " with header, envelope or partition as placement.",
            Importance.HIGH,
            _check_additional,
            label="Settings for each additional column in the outbox table",
            width=Width.MEDIUM,
        ),
        Option(
            "table.field.additional.missing",
            OptionType.STRING,
            "error",
            "What happens where a row lacks such a column: there is no message (error), or it goes without (ignore).",
            Importance.MEDIUM,
            one_of("error", "ignore"),
            label="Behavior when an additional field is missing in the change data",
            width=Width.MEDIUM,
        ),
        _column(
            "table.field.event.schema.version",
            None,
            "Event Schema Version Field",
            "The column that holds the version of the value's schema, where there is an envelope.",
        ),
        _column(
            "table.field.event.headers",
            None,
            "Event Headers Field",
            "The column that holds a JSON object of strings, which become headers; null stands for none. With it,"
            " further columns that are null become no header.",
        ),
        Option(
            "table.op.invalid.behavior",
            OptionType.STRING,
            "warn",
            "What happens to an update of a row: it is ignored with a warning (warn) or an error in the log (error), or"
            " its message can't be made (fatal).",
            Importance.MEDIUM,
            one_of("warn", "error", "fatal"),
            label="Behavior when capturing an unexpected outbox event",
            width=Width.MEDIUM,
        ),
        Option(
            "table.expand.json.payload",
            OptionType.BOOLEAN,
            False,
            "Whether a payload that is JSON text becomes the value it describes, with a schema made for it; other text"
            " stays text.",
            Importance.MEDIUM,
            label="Expand Payload escaped string as real JSON",
            width=Width.MEDIUM,
        ),
        Option(
            "table.json.payload.null.behavior",
            OptionType.STRING,
            "ignore",
            "What becomes of a null in such JSON: its field is left out (ignore) or is null bytes (optional_bytes).",
            Importance.MEDIUM,
            one_of("ignore", "optional_bytes"),
            label="Behavior when json payload including null value",
            width=Width.MEDIUM,
        ),
    ),
    *grouped(
        "Router",
        _column(
            "route.by.field",
            "aggregatetype",
            "Field to route events by",
            "The column whose value decides the topic.",
            Importance.HIGH,
        ),
        Option(
            "route.topic.regex",
            OptionType.STRING,
            "(?<routedByValue>.*)",
            "Java's regular expression that this value must match as a whole to be replaced.",
            Importance.LOW,
            check_java,
            label="The name of the routed topic",
            width=Width.MEDIUM,
        ),
        _column(
            "route.topic.replacement",
            "outbox.event.${routedByValue}",
            "The name of the routed topic",
            "The topic, with $1 or ${name} for what the expression's groups matched.",
            Importance.HIGH,
        ),
        Option(
            "route.tombstone.on.empty.payload",
            OptionType.BOOLEAN,
            False,
            "Whether a payload that is null or blank becomes a tombstone.",
            Importance.HIGH,
            label="Empty payloads cause a tombstone message",
            width=Width.MEDIUM,
        ),
    ),
    *grouped(
        "Tracing",
        _column(
            "tracing.span.context.field",
            "tracingspancontext",
            "Serialized tracing span context field",
            "The column that holds the trace context as a Java properties file, where there is one.",
            Importance.HIGH,
        ),
    ),
    refused={"field.name.adjustment.mode": "none"},
    ignored=dict.fromkeys(
        ("tracing.operation.name", "tracing.with.context.field.only"),
        "the trace goes on in the message's headers, without a span of its own",
    ),
)


def create(options: Mapping[str, str], part: Part | None) -> EventRouter:  # noqa: ARG001 - there is one form
    """The transform. Raises `headwater.config.ConfigError`."""
    return EventRouter(OPTIONS.parse(options))


_MILLISECONDS_OF = {
    "io.debezium.time.Timestamp": 1,
    "io.debezium.time.MicroTimestamp": 1_000,
    "io.debezium.time.NanoTimestamp": 1_000_000,
}
"""How many units of a column of this type are a millisecond."""


Unfold = Callable[[Member, Sequence[Node], Ask], Member]
"""From ``after`` in the envelope, which is not null, to the row as a struct.

It may ask; then the message is made of what it is given, beside the row.
"""


def _as_it_is(after: Member, kept: Sequence[Node], ask: Ask) -> Member:  # noqa: ARG001 - a row is a struct already
    return after


class EventRouter:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config, unfold: Unfold = _as_it_is) -> None:
        self._unfold = unfold
        self._own_headers: str | None = config["table.field.event.headers"]
        self._trace: str = config["tracing.span.context.field"]
        self._id: str = config["table.field.event.id"]
        self._key: str = config["table.field.event.key"]
        self._type: str = config["table.field.event.type"]
        self._payload: str = config["table.field.event.payload"]
        self._timestamp: str | None = config["table.field.event.timestamp"]
        self._version: str | None = config["table.field.event.schema.version"]
        self._route: str = config["route.by.field"]
        self._router = RegexRouter(config["route.topic.regex"], config["route.topic.replacement"])
        self._additional = [_additional(text) for text in config["table.fields.additional.placement"] or ()]
        self._ignores_missing: bool = config["table.field.additional.missing"].lower() == "ignore"
        self._has_envelope = any(each.placement is Placement.ENVELOPE for each in self._additional)
        self._on_update: str = config["table.op.invalid.behavior"].lower()
        self._tombstones: bool = config["route.tombstone.on.empty.payload"]
        self._expands: bool = config["table.expand.json.payload"]
        self._keeps_nulls: bool = config["table.json.payload.null.behavior"].lower() == "optional_bytes"

    @property
    def fields(self) -> frozenset[str]:
        """The columns that a message may be made of."""
        named = (self._id, self._key, self._payload, self._route, self._timestamp, self._version)
        others = (self._own_headers, self._trace, *(each.field for each in self._additional))
        return frozenset(name for name in (*named, *others) if name is not None)

    @property
    def type_name(self) -> str | None:
        """The header, or the member of the value, that tells an event's type; None where nothing does."""
        placed = (each for each in self._additional if each.field == self._type)
        return next((each.alias for each in placed if each.placement is not Placement.PARTITION), None)

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape | None:
        """As `Transform.plan`."""
        if is_absent(message.value_schema, message.value, ask):
            return None
        if not is_envelope(message.value_schema):
            return message
        assert message.value_schema is not None  # noqa: S101 - an envelope has one
        envelope = Row(message.value_schema, message.value)
        match ask(whole(None, envelope["op"].node)):
            case "d":
                return None
            case "u":
                self._tell_of_update(message)
                return None
        after, read_at = envelope["after"], envelope["ts_ms"].node
        if is_absent(after.schema, after.node, ask):
            raise TransformError("there is no row to route: the field 'after' is null")
        kept = (after.node, read_at, message.key, *(header.node for header in message.headers))
        after = self._unfold(after, kept, ask)
        if after.schema.type is not Type.STRUCT:
            raise TransformError("there is no row to route: the field 'after' is no struct")
        return self._routed(message, Row(after.schema, after.node), read_at, ask)

    def _tell_of_update(self, message: MessageShape) -> None:
        """An event is written once: its row is not expected to change. Raises `TransformError`."""
        text = f"unexpected update of an outbox row, for topic {message.topic}"
        if self._on_update == "fatal":
            raise TransformError(text)
        (log.error if self._on_update == "error" else log.warning)(f"{text}: ignored, as all of them are")

    def _routed(self, message: MessageShape, row: Row, read_at: Node, ask: Ask) -> MessageShape:
        timestamp = self._time(row, read_at)
        key, event_id, payload = row.get(self._key), row.get(self._id), row.get(self._payload)
        further = self._further(row)
        partition = further[Placement.PARTITION][-1][1].node if further[Placement.PARTITION] else NULL
        in_envelope = [replace(field, name=name) for name, field in further[Placement.ENVELOPE]]
        kept = [key.node, payload.node, timestamp, partition, *(field.node for field in in_envelope)]
        placed = (
            HeaderShape("id", event_id.schema, event_id.node),
            *(HeaderShape(name, field.schema, field.node) for name, field in further[Placement.HEADER]),
        )
        headers = self._headers(message.headers, placed, row, ask, [*kept, *self._deciding(row)])
        kept += [header.node for header in headers]
        version = self._schema_version(row, ask, kept)
        routed = ask(whole(None, row.typed(self._route, Type.STRING).node), kept)
        if routed is None:
            raise TransformError(f"the field {self._route!r} is null, so there is no topic to route the event to")
        payload, is_empty = self._expanded(payload, ask, kept)
        schema: Schema | None = payload.schema
        value = payload.node
        if is_empty:
            schema, value = None, NULL
        elif self._has_envelope:
            named = Schema(Type.STRUCT, name=_schema_name(row.schema.name, routed), version=version)
            schema, value = struct_of(named, [replace(payload, name="payload"), *in_envelope])
        topic = self._router.route(routed)
        return MessageShape(topic, key.schema, key.node, schema, value, headers, partition, timestamp)

    def _deciding(self, row: Row) -> Iterator[Node]:
        """The columns that schema and topic depend on."""
        for name in (self._route, self._version):
            if name is not None and name in row:
                yield row[name].node

    def _headers(
        self,
        given: Sequence[HeaderShape],
        placed: Sequence[HeaderShape],
        row: Row,
        ask: Ask,
        kept: Sequence[Node],
    ) -> tuple[HeaderShape, ...]:
        """The message's headers: those it came with, its trace context, those of columns, and the event's own."""
        own = NULL if self._own_headers is None else row.get(self._own_headers)
        nodes = [header.node for header in (*given, *placed)]
        if self._trace in row:
            context = call(trace_context, whole(None, row.typed(self._trace, Type.STRING).node))
            names = ask(call(tuple, context), [*kept, *nodes, context, own.node if isinstance(own, Member) else NULL])
            given = merged(given, header_shapes(names, context))
        if not isinstance(own, Member):
            return (*given, *placed)
        members = call(own_headers, whole(own.schema, own.node))
        values = [whole(header.schema, header.node) for header in placed]
        names, are_present = ask(call(present, members, *values), [*kept, *nodes, members])
        placed = [header for header, is_present in zip(placed, are_present, strict=True) if is_present]
        return (*given, *merged(placed, header_shapes(names, members)))

    def _further(self, row: Row) -> dict[Placement, list[tuple[str, Member]]]:
        """The further columns that the row has, by where they go, with the names they get there."""
        found: dict[Placement, list[tuple[str, Member]]] = {placement: [] for placement in Placement}
        for each in self._additional:
            if self._ignores_missing and each.field not in row:
                continue
            is_partition = each.placement is Placement.PARTITION
            field = row.typed(each.field, Type.INT32) if is_partition else row.get(each.field)
            found[each.placement].append((each.alias, field))
        return found

    def _schema_version(self, row: Row, ask: Ask, kept: Sequence[Node]) -> int | None:
        if self._version is None or not self._has_envelope:
            return None
        version: int | None = ask(
            whole(None, row.typed(self._version, Type.INT32).node), [*kept, row[self._route].node]
        )
        return version

    def _expanded(self, payload: Member, ask: Ask, kept: Sequence[Node]) -> tuple[Member, bool]:
        """The payload as it is sent, and whether it becomes a tombstone."""
        text = whole(payload.schema, payload.node)
        is_text = payload.schema.type is Type.STRING
        if self._expands and is_text:
            document = call(self._read_json, text)
            kind = ask(call(_type_of, document), [*kept, document])
            if kind is not None:
                return Member(payload.name, json_payload.schema(kind, self._payload), call(_value_of, document)), False
        if not self._tombstones or not (is_text or may_be_null(payload.schema, payload.node)):
            return payload, False
        return payload, ask(call(_is_blank if is_text else is_null, text), kept)

    def _read_json(self, text: str | None) -> Payload | None:
        """The JSON in a payload; None where there is none, with a line in the log."""
        if text is None:
            return None
        try:
            return json_payload.read(text, nulls=self._keeps_nulls)
        except JsonPayloadError as error:
            log.warning("the payload is not expanded", reason=str(error))
            return None

    def _time(self, row: Row, read_at: Node) -> Node:
        """The message's timestamp: the column's, or when the change was read where that is null."""
        if self._timestamp is None:
            return read_at
        field = row.typed(self._timestamp, Type.INT64)
        convert = _Milliseconds(self._timestamp, field.schema.name)
        return call(convert, whole(None, field.node), whole(None, read_at))


class Row:
    """A struct's fields by name."""

    def __init__(self, schema: Schema, node: Node) -> None:
        self.schema = schema
        self._node = node

    def __contains__(self, name: str) -> bool:
        return member(self.schema, self._node, name) is not None

    def __getitem__(self, name: str) -> Member:
        """The field as it is. Raises `TransformError`."""
        found = member(self.schema, self._node, name)
        if found is None:
            names = ", ".join(field.name for field in self.schema.fields)
            raise TransformError(f"there is no field {name!r} in {self.schema.name}, which has {names}")
        return found

    def get(self, name: str) -> Member:
        """The field, its default in place of null."""
        found = self[name]
        return replace(found, node=or_default(found))

    def typed(self, name: str, kind: Type) -> Member:
        """The field as it is, which must be of type ``kind``."""
        found = self[name]
        if found.schema.type is not kind:
            raise TransformError(f"the field {name!r} must be of type {kind}, not {found.schema.type}")
        return found


def _schema_name(row: str | None, routed: str) -> str:
    """``server.db.outbox.Value`` and ``Order`` as ``server.db.outbox.Order.Value``."""
    if row is None:
        return routed
    head, dot, last = row.rpartition(".")
    return f"{head}{dot}{routed}.{last}"


def _is_blank(text: str | None) -> bool:
    return text is None or not text.strip(_BLANK)


_BLANK = "".join(map(chr, range(0x21)))
"""What ``java.lang.String.trim`` takes away."""


def _type_of(payload: Payload | None) -> json_payload.Type | None:
    return None if payload is None else payload.type


def _value_of(payload: Payload) -> Any:
    return payload.value


@dataclass(frozen=True, slots=True)
class _Milliseconds:
    """Takes a column of the logical type ``kind`` to milliseconds, rounded as Java's division does."""

    column: str
    kind: str | None

    def __call__(self, value: int | None, instead: int | None) -> int | None:
        """The time, or ``instead`` where it is null. Raises `TransformError`."""
        if value is None:
            return instead
        units = _MILLISECONDS_OF.get(self.kind or "")
        if units is None:
            raise TransformError(f"the field {self.column!r} of type {self.kind} can't be a timestamp")
        return truncated(value, units)
