"""Records for transforms, with options that fit them, for Hypothesis; and the same records as rows of a table."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from headwater.record import DECIMAL, Header, Record, Schema, Type, struct
from headwater.shape import Const, EventShape, HeaderShape, MessageShape, Node, ReaderCode, Slot, Stage, Struct
from headwater.sources.envelope import OPTIONAL_STRING, STRING, envelope_schema, source_schema
from tests.connect_values import text, values

TOPIC = "server.shop.orders"
NAMES = ("id", "name", "note", "place")
SOURCE = source_schema("mysql", ("table", STRING), ("server_id", Schema(Type.INT64)))

_TYPES = (Type.INT8, Type.INT16, Type.INT32, Type.INT64, Type.FLOAT64, Type.BOOLEAN, Type.STRING, Type.BYTES)


@st.composite
def scalars(draw: st.DrawFn) -> Schema:
    """The schema of a column, sometimes with a default."""
    if draw(st.integers(0, 9)) == 0:
        return Schema(Type.BYTES, draw(st.booleans()), DECIMAL, 1, parameters=(("scale", "2"),))
    schema = Schema(draw(st.sampled_from(_TYPES)), draw(st.booleans()))
    if draw(st.integers(0, 3)):
        return schema
    default = draw(values(Schema(schema.type)))
    return Schema(schema.type, schema.optional, default=default)


_PLACE = struct("Place", ("x", Schema(Type.FLOAT64)), ("y", Schema(Type.FLOAT64, optional=True)), optional=True)


@st.composite
def rows(draw: st.DrawFn) -> Schema:
    """The schema of a table's rows."""
    columns = [(name, draw(scalars())) for name in NAMES[:3]]
    return struct(f"{TOPIC}.Value", *columns, (NAMES[3], draw(st.sampled_from([_PLACE, STRING]))))


def _record(draw: st.DrawFn, schema: Schema | None, value: Any) -> Record:
    key = struct(f"{TOPIC}.Key", ("id", Schema(Type.INT32)), ("name", OPTIONAL_STRING))
    headers = tuple(Header(name, STRING, draw(text)) for name in draw(st.lists(st.sampled_from("hij"), max_size=2)))
    partition, timestamp = draw(st.none() | st.integers(0, 9)), draw(st.none() | st.integers(1, 10**13))
    return Record(TOPIC, key, draw(values(key)), schema, value, headers, partition, timestamp)


@st.composite
def plain(draw: st.DrawFn) -> Record:
    """A record whose value is a row, or a tombstone."""
    schema = draw(rows())
    return draw(
        st.sampled_from([_record(draw, schema, draw(values(schema)))] * 5 + [_record(draw, None, None)]),
    )


@st.composite
def events(draw: st.DrawFn, schemas: st.SearchStrategy[Schema] = rows()) -> Record:  # noqa: B008 - it can't be changed
    """A change event, a tombstone or something that is neither."""
    row = draw(schemas)
    operation = draw(st.sampled_from("crud"))
    envelope = envelope_schema(TOPIC, row, SOURCE)
    value = {
        "before": None if operation in "cr" else draw(values(row)),
        "after": None if operation == "d" else draw(values(row)),
        "source": {**draw(values(SOURCE)), "connector": "mysql"},
        "transaction": None,
        "op": operation,
        "ts_ms": draw(st.integers(1, 10**13)),
        "ts_us": None,
        "ts_ns": None,
    }
    other = struct("Heartbeat", ("ts_ms", Schema(Type.INT64)))
    kinds = [(envelope, value)] * 6 + [(None, None), (other, {"ts_ms": 1})]
    return _record(draw, *draw(st.sampled_from(kinds)))


_WRITTEN = ["2024-05-06T07:08:09.010Z", "20240506070809", "06/May/24 7:08 PM", "Monday 6 May 2024 07:08:09+0100", "no"]


@st.composite
def times(draw: st.DrawFn) -> Record:
    """A record with times in the forms that Connect knows."""
    name = draw(st.sampled_from([None, "Date", "Time", "Timestamp"]))
    held = Type.INT32 if name in ("Date", "Time") else Type.INT64
    logical = None if name is None else f"org.apache.kafka.connect.data.{name}"
    at = Schema(held, draw(st.booleans()), logical, None if name is None else 1)
    schema = struct(f"{TOPIC}.Value", ("at", at), ("text", OPTIONAL_STRING))
    span = {"Date": 30_000, "Time": 86_399_999}.get(name or "", 4 * 10**12)
    at_value = draw(st.integers(0, span) | (st.none() if at.optional else st.nothing()))
    written = draw(st.none() | st.sampled_from(_WRITTEN))
    return _record(draw, schema, {"at": at_value, "text": written})


@st.composite
def key_times(draw: st.DrawFn) -> Record:
    """A record with such times in its key."""
    record = draw(times())
    return replace(record, key_schema=record.value_schema, key=record.value, value_schema=None, value=None)


@st.composite
def whole_times(draw: st.DrawFn) -> Record:
    """A record whose value is such a time."""
    record = draw(times())
    assert record.value_schema is not None
    field = draw(st.sampled_from(record.value_schema.fields))
    return replace(record, value_schema=field.schema, value=record.value[field.name])


@st.composite
def whole_scalars(draw: st.DrawFn) -> Record:
    """A record whose value is no struct."""
    schema = draw(scalars())
    return _record(draw, schema, draw(values(schema)))


@dataclass
class Rows:
    """A record as a row of a table: some of its values are known only when it is read."""

    shape: MessageShape
    slots: dict[str, Any] = field(default_factory=dict)

    def code(self, used: frozenset[str]) -> ReaderCode:
        """`headwater.shape.Reader.code`: no slot is there that was not asked for."""
        row = [f"{name} = values[{name!r}]" for name in sorted(used)]
        return ReaderCode(("rows_",), (), "for values in rows_:", row or ["pass"])

    def split(self, arguments: Any) -> Iterator[tuple[Any, ...]]:
        """`headwater.shape.Reader.split`."""
        raise NotImplementedError

    def event(self) -> EventShape:
        """The shape of a log event with such rows."""
        return EventShape("shop.orders", "c", self, (self.shape,))


@st.composite
def as_rows(draw: st.DrawFn, record: Record) -> Rows:
    """The same record; each part of it is a constant or a slot, a struct may be either as a whole."""
    numbers = itertools.count()
    slots: dict[str, Any] = {}

    def node(schema: Schema | None, value: Any) -> Node:
        if schema is None or (value is None and not schema.optional) or draw(st.integers(0, 3)) == 0:
            return Const(value)
        if schema.type is Type.STRUCT and value is not None and draw(st.integers(0, 4)):
            return Struct(tuple(node(each.schema, value[each.name]) for each in schema.fields))
        name = f"a{next(numbers)}"
        slots[name] = value
        return Slot(name, Stage.ROW)

    shape = MessageShape(
        record.topic,
        record.key_schema,
        node(record.key_schema, record.key),
        record.value_schema,
        node(record.value_schema, record.value),
        tuple(HeaderShape(each.name, each.schema, node(each.schema, each.value)) for each in record.headers),
        Const(record.partition),
        Const(record.timestamp),
    )
    return Rows(shape, slots)


def _has_no_bytes(record: Record) -> bool:
    return record.value_schema is not None and all(
        field.schema.type is not Type.BYTES for field in record.value_schema.fields
    )


@dataclass(frozen=True)
class Kind:
    """A transform's class, with strategies for its options and its records."""

    class_name: str
    options: st.SearchStrategy[Mapping[str, str]]
    records: st.SearchStrategy[Record] = plain()  # noqa: RUF009 - it can't be changed


def _options(**choices: Any) -> st.SearchStrategy[dict[str, str]]:
    """Options by name, ``_`` for a dot; those drawn as None are left out."""
    named = {name.replace("_", "."): choice for name, choice in choices.items()}
    return st.fixed_dictionaries(named).map(lambda found: {k: v for k, v in found.items() if v is not None})


def _sometimes(*choices: str) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from(choices)


_FLAG = _sometimes("true", "false")
_names: Callable[..., st.SearchStrategy[str]] = lambda least=1: st.lists(  # noqa: E731
    st.sampled_from(NAMES), min_size=least, max_size=3, unique=True
).map(",".join)
_KAFKA = "org.apache.kafka.connect.transforms"
_CASTS = ("int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string")
_CAST = st.tuples(st.sampled_from(NAMES), st.sampled_from(_CASTS)).map(":".join)
_LITERALS = (
    *("text", "true", "null", "12", "-300", "70000", "3000000000", "1.5", "1e40", "1e400", "99999999999999999999"),
    *("+7", "007", "1.0", "x1", "12:30:00.000Z", "2024-01-02T03:04:05.678Z", "2024-01-02", "0x10", "5a", "NaN"),
)
_FORMATS = ("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "dd/MMM/yy h:mm a", "EEEE d MMMM yyyy HH:mm:ssZ", "yyyyMMddHHmmss")
_TO = {
    "target_type": st.sampled_from(["string", "unix", "Date", "Time", "Timestamp"]),
    "format": st.sampled_from(_FORMATS),
    "unix_precision": _sometimes("seconds", "microseconds", "nanoseconds"),
}
KAFKA = [
    Kind(
        f"{_KAFKA}.Cast$Value",
        _options(
            spec=st.lists(_CAST, min_size=1, max_size=3).map(",".join),
            replace_null_with_default=_FLAG,
        ),
    ),
    Kind(f"{_KAFKA}.Cast$Key", _options(spec=st.sampled_from(["id:string", "id:int8,name:int32", "name:boolean"]))),
    Kind(
        f"{_KAFKA}.Cast$Value",
        _options(spec=st.sampled_from(_CASTS), replace_null_with_default=_FLAG),
        # In the original a Decimal keeps its name, and no converter takes what it became.
        whole_scalars().filter(lambda record: record.value_schema is None or record.value_schema.name != DECIMAL),
    ),
    Kind(f"{_KAFKA}.DropHeaders", _options(headers=st.sampled_from(["h", "h,i", "x"]))),
    Kind(
        f"{_KAFKA}.ExtractField$Value",
        _options(
            field=st.sampled_from([*NAMES, "place.x", "`name`", "nothing"]),
            replace_null_with_default=_FLAG,
            field_syntax_version=_sometimes("V1", "v2"),
        ),
    ),
    Kind(f"{_KAFKA}.ExtractField$Key", _options(field=st.sampled_from(NAMES), replace_null_with_default=_FLAG)),
    Kind(f"{_KAFKA}.Filter", _options()),
    Kind(f"{_KAFKA}.Flatten$Value", _options(delimiter=_sometimes("_", "")), plain() | events()),
    Kind(f"{_KAFKA}.Flatten$Key", _options()),
    Kind(
        f"{_KAFKA}.HeaderFrom$Value",
        _options(
            fields=st.sampled_from(["id,name", "place,id"]),
            headers=st.just("h,new"),
            operation=st.sampled_from(["move", "copy"]),
            replace_null_with_default=_FLAG,
        ),
    ),
    Kind(
        f"{_KAFKA}.HeaderFrom$Key",
        _options(
            fields=st.sampled_from(["id,name", "name,id"]),
            headers=st.just("h,new"),
            operation=st.sampled_from(["move", "copy"]),
            replace_null_with_default=_FLAG,
        ),
    ),
    Kind(f"{_KAFKA}.HoistField$Value", _options(field=st.just("it")), plain().filter(lambda r: r.value is not None)),
    Kind(f"{_KAFKA}.HoistField$Key", _options(field=st.just("it"))),
    Kind(
        f"{_KAFKA}.InsertField$Value",
        _options(
            topic_field=_sometimes("t", "t!", "name"),
            partition_field=_sometimes("p", "p?"),
            timestamp_field=_sometimes("ts"),
            static_field=st.sampled_from(["s", "s!", "s?"]),
            static_value=st.just("x"),
            replace_null_with_default=_FLAG,
        ),
    ),
    Kind(
        f"{_KAFKA}.InsertHeader",
        _options(
            header=st.just("new"),
            value_literal=st.sampled_from(_LITERALS),
        ),
    ),
    Kind(f"{_KAFKA}.InsertField$Key", _options(topic_field=st.sampled_from(["t", "id", "t!"]))),
    Kind(
        f"{_KAFKA}.MaskField$Value",
        _options(fields=_names(), replacement=_sometimes("12", "x", "1.5"), replace_null_with_default=_FLAG),
        plain().filter(_has_no_bytes) | plain(),
    ),
    Kind(
        f"{_KAFKA}.MaskField$Key",
        _options(fields=st.sampled_from(["id", "name"]), replacement=_sometimes("12"), replace_null_with_default=_FLAG),
    ),
    Kind(
        f"{_KAFKA}.RegexRouter",
        _options(
            regex=st.sampled_from([r"(.*)\.(?<table>\w+)", "server.*?", "other", r"\Qserver.\E(\p{Alpha}+).*"]),
            replacement=st.sampled_from(["${table}", "$1-x", r"\$1", "all", "$2"]),
        ),
    ),
    Kind(
        f"{_KAFKA}.ReplaceField$Value",
        _options(
            exclude=st.none() | _names(),
            include=st.none() | _names(),
            renames=_sometimes("id:number", "id:name,name:id", "name:note"),
            replace_null_with_default=_FLAG,
        ),
    ),
    Kind(f"{_KAFKA}.ReplaceField$Key", _options(exclude=_names(), renames=_sometimes("id:number"))),
    Kind(
        f"{_KAFKA}.SetSchemaMetadata$Value",
        _options(schema_name=_sometimes("n.N"), schema_version=st.sampled_from(["7"]), replace_null_with_default=_FLAG),
    ),
    Kind(
        f"{_KAFKA}.SetSchemaMetadata$Key",
        _options(schema_name=_sometimes("n.N"), schema_version=st.sampled_from(["7"]), replace_null_with_default=_FLAG),
    ),
    Kind(f"{_KAFKA}.TimestampConverter$Value", _options(**_TO), whole_times()),
    Kind(
        f"{_KAFKA}.TimestampConverter$Key",
        _options(field=st.sampled_from(["at", "text"]), **_TO),
        key_times(),
    ),
    Kind(
        f"{_KAFKA}.TimestampConverter$Value",
        _options(field=st.sampled_from(["at", "text"]), **_TO, replace_null_with_default=_FLAG),
        times(),
    ),
    Kind(
        f"{_KAFKA}.TimestampRouter",
        _options(
            topic_format=_sometimes("x-${timestamp}-${topic}"), timestamp_format=_sometimes(*_FORMATS, "yyyy.DDD")
        ),
        plain() | plain().filter(lambda record: record.timestamp is not None),
    ),
    Kind(f"{_KAFKA}.ValueToKey", _options(fields=_names(), replace_null_with_default=_FLAG)),
]

_REFERENCES = st.lists(
    st.sampled_from(
        ["op", "ts_ms", "table", "source.table", "source.server_id:sid", "transaction.id", "nothing", "db:x"]
    ),
    max_size=3,
    unique=True,
).map(",".join)
_MODES = ("drop", "tombstone", "rewrite", "rewrite-with-tombstone", "delete-to-tombstone")


@st.composite
def dropping_events(draw: st.DrawFn) -> Record:
    """An event, mostly with a header that lists fields to drop."""
    record = draw(events())
    if draw(st.integers(0, 5)) == 0:
        return record
    names = draw(st.lists(st.sampled_from(["name", "note", "id", "nothing"]), max_size=3, unique=True))
    header = Header("drops", Schema(Type.ARRAY, value_schema=STRING), names)
    return replace(record, headers=(*record.headers, header))


UNWRAP = Kind(
    "io.debezium.transforms.ExtractNewRecordState",
    _options(
        delete_tombstone_handling_mode=_sometimes(*_MODES),
        add_fields=_REFERENCES,
        add_fields_prefix=_sometimes("", "x_"),
        add_headers=_REFERENCES,
        route_by_field=_sometimes("name"),
        replace_null_with_default=_FLAG,
    ),
    events(),
)
DROPPING = Kind(
    "io.debezium.transforms.ExtractNewRecordState",
    _options(
        # For a delete the original fails in the mode delete-to-tombstone.
        delete_tombstone_handling_mode=_sometimes(*(mode for mode in _MODES if mode != "delete-to-tombstone")),
        add_fields=_sometimes("op,table"),
        drop_fields_header_name=st.just("drops"),
        drop_fields_from_key=st.sampled_from(["true", "true", "false"]),
        drop_fields_keep_schema_compatible=_FLAG,
    ),
    dropping_events(),
)

_JSON = st.sampled_from(
    [
        '{"a": 1, "b": "x", "c": null, "d": [1, 2], "e": {"f": 1.5}}',
        '{"big": 3000000000, "empty": [], "nulls": [null], "o": {}}',
        '{"items": [{"a": 1}, {"b": null, "c": "x"}, {"a": 2}]}',
        '{"items": [{"a": 1}, {"a": 2}], "mixed": [1, "x"]}',
        '{"items": [1, 3000000000]}',
        '{"deep": [[1], [2, 3]], "t": true}',
        "{not json",
        "no json",
        "",
        "  ",
        "[]",
    ]
)


@st.composite
def outbox_rows(draw: st.DrawFn) -> Schema:
    """The schema of an outbox table."""
    payload = draw(st.sampled_from([OPTIONAL_STRING, STRING, Schema(Type.BYTES, optional=True)]))
    return struct(
        "server.shop.outbox.Value",
        ("id", draw(st.sampled_from([STRING, Schema(Type.INT64), Schema(Type.BYTES)]))),
        ("aggregatetype", STRING),
        ("aggregateid", draw(st.sampled_from([STRING, OPTIONAL_STRING, Schema(Type.INT32, default=3, optional=True)]))),
        ("type", STRING),
        ("payload", payload),
        ("version", Schema(Type.INT32)),
        ("partition", Schema(Type.INT32, optional=True)),
        ("at", Schema(Type.INT64, draw(st.booleans()), draw(st.sampled_from(_TIMES)))),
    )


_TIMES = [None, *(f"io.debezium.time.{name}" for name in ("Timestamp", "MicroTimestamp", "NanoTimestamp"))]


@st.composite
def outbox_events(draw: st.DrawFn) -> Record:
    """A change of an outbox table."""
    record = draw(events(outbox_rows()))
    for row in (record.value or {}).get("before"), (record.value or {}).get("after"):
        if row is not None:
            row["aggregatetype"] = draw(st.sampled_from(["Order", "Cart", "a b"]))
            if isinstance(row["payload"], str):
                row["payload"] = draw(_JSON)
    return record


ROUTER = Kind(
    "io.debezium.transforms.outbox.EventRouter",
    _options(
        table_field_event_id=_sometimes("version"),
        table_field_event_key=_sometimes("type", "nothing"),
        table_field_event_payload=_sometimes("type", "id"),
        table_field_event_timestamp=_sometimes("at", "at", "type"),
        table_field_event_schema_version=_sometimes("version", "type"),
        table_fields_additional_placement=_sometimes(
            "type:header", "type:header:kind,version:envelope", "type:envelope:kind", "partition:partition", "no:header"
        ),
        table_field_additional_missing=_sometimes("error", "ignore"),
        table_op_invalid_behavior=_sometimes("warn", "error", "fatal"),
        table_expand_json_payload=_FLAG,
        table_json_payload_null_behavior=_sometimes("ignore", "optional_bytes"),
        route_by_field=_sometimes("type", "id"),
        route_topic_regex=_sometimes("(?<routedByValue>O.*)", "(.)(.*)"),
        route_topic_replacement=_sometimes("to.${routedByValue}", "$2$1", "all"),
        route_tombstone_on_empty_payload=_FLAG,
    ),
    outbox_events(),
)
SHARDS = Kind(
    "io.debezium.transforms.ByLogicalTableRouter",
    _options(
        topic_regex=st.sampled_from(["(.*)orders", "(.*)", "nothing"]),
        topic_replacement=st.sampled_from(["$1all", "all"]),
        key_enforce_uniqueness=_FLAG,
        key_field_regex=_sometimes(".*\\.(.*)"),
        key_field_replacement=st.just("$1"),
        key_field_name=_sometimes("table"),
    ),
    events() | plain(),
)
CHANGED = Kind(
    "io.debezium.transforms.ExtractChangedRecordState",
    _options(header_changed_name=_sometimes("changed"), header_unchanged_name=_sometimes("unchanged")),
    events(),
)
TO_VALUE = Kind(
    "io.debezium.transforms.HeaderToValue",
    _options(
        headers=st.just("h,i"),
        fields=st.sampled_from(["h,i", "name,x", "place.z,place.x", "new.a,new.b", "note,note", "after.h,i", "id.x,i"]),
        operation=st.sampled_from(["copy", "move"]),
    ),
    plain() | events(),
)
PARTITIONS = Kind(
    "io.debezium.transforms.partitions.PartitionRouting",
    _options(
        partition_payload_fields=st.lists(
            st.sampled_from(
                ["change.id", "after.name", "change.note", "before.id", "source.table", "op", "nothing", "after.no"]
            ),
            min_size=1,
            max_size=3,
        ).map(",".join),
        partition_topic_num=st.sampled_from(["1", "7", "1000003"]),
        partition_hash_function=_sometimes("java", "murmur"),
    ),
    events(),
)
_ZONED = ("2024-05-06T07:08:09Z", "2024-03-31T02:30:00.120Z", "1999-12-31T23:59:59.999999+05:30", "2024-10-27T01:00Z")


@st.composite
def timed_rows(draw: st.DrawFn) -> Schema:
    """The schema of a table with columns of time."""

    def logical(kind: Type, name: str) -> Schema:
        return Schema(kind, draw(st.booleans()), name, 1)

    return struct(
        f"{TOPIC}.Value",
        *((name, logical(Type.INT64, f"io.debezium.time.{kind}")) for name, kind in _STAMPS),
        ("zoned", logical(Type.STRING, "io.debezium.time.ZonedTimestamp")),
        ("connect", logical(Type.INT64, "org.apache.kafka.connect.data.Timestamp")),
        ("day", logical(Type.INT32, "io.debezium.time.Date")),
        ("plain", Schema(Type.INT64)),
    )


_STAMPS = (("milli", "Timestamp"), ("micro", "MicroTimestamp"), ("nano", "NanoTimestamp"))
_UNITS = {
    "milli": 10**3,
    "micro": 10**6,
    "nano": 10**9,
    "connect": 10**3,
    "ts_ms": 10**3,
    "ts_us": 10**6,
    "ts_ns": 10**9,
}


@st.composite
def timed_events(draw: st.DrawFn) -> Record:
    """A change event with times since 1970."""
    record = draw(events(timed_rows()))
    value = record.value or {}
    for part in ("before", "after", "source"):
        row = value.get(part) or {}
        for name, unit in _UNITS.items():
            if row.get(name) is not None:
                row[name] = draw(st.integers(0, 2 * 10**9 * unit))
        if row.get("zoned") is not None:
            row["zoned"] = draw(st.sampled_from(_ZONED))
    if value.get("source"):
        value["source"]["table"] = "orders"
    return record


ZONES = Kind(
    "io.debezium.transforms.TimezoneConverter",
    _options(
        converted_timezone=st.sampled_from(["Europe/Berlin", "+08:00", "America/New_York", "-03:30", "UTC"]),
        include_list=_sometimes(
            "source:orders", "source:orders:micro", f"topic:{TOPIC}:zoned,after.milli", "orders:source.ts_ms", "other:x"
        ),
    )
    | _options(
        converted_timezone=st.just("Asia/Kolkata"),
        exclude_list=st.sampled_from(["source:orders", "source:orders:micro", "orders:before.nano", "topic:other:x"]),
    ),
    timed_events(),
)


@st.composite
def long_rows(draw: st.DrawFn) -> Schema:
    """The schema of a table with long columns."""
    return struct(
        f"{TOPIC}.Value",
        ("id", Schema(Type.INT32)),
        ("name", Schema(Type.STRING, draw(st.booleans()))),
        ("data", Schema(Type.BYTES, draw(st.booleans()))),
        ("note", Schema(Type.STRING, True, default="x" * draw(st.sampled_from([30, 80])))),
    )


@st.composite
def long_events(draw: st.DrawFn) -> Record:
    """A change event with values of up to some hundred bytes."""
    record = draw(events(long_rows()))
    for part in ("before", "after"):
        row = (record.value or {}).get(part) or {}
        if row.get("name") is not None:
            row["name"] = draw(st.sampled_from("xé€")) * draw(st.integers(0, 200))
        if row.get("data") is not None:
            row["data"] = b"d" * draw(st.integers(0, 200))
    return record


SIZE = Kind(
    "io.debezium.transforms.EnforceRecordSize",
    _options(
        max_bytes=st.sampled_from(["1", "900", "1100", "5000"]),
        compression_ratio=_sometimes("0.5", "1.3"),
        min_field_size=st.sampled_from(["0", "40"]),
    ),
    long_events() | plain(),
)
_CHANGES = ("CREATE", "ALTER", "DROP", "TRUNCATE")


@st.composite
def schema_changes(draw: st.DrawFn) -> Record:
    """A message of the schema change topic, or one that only looks like it."""
    change = struct("io.debezium.connector.schema.Change", ("type", STRING), ("id", STRING))
    changes = Schema(Type.ARRAY, draw(st.booleans()), value_schema=change)
    name = draw(st.sampled_from(["io.debezium.connector.mysql.SchemaChangeValue", "other"]))
    schema = struct(name, ("source", SOURCE), ("ddl", OPTIONAL_STRING), ("tableChanges", changes))
    kinds = draw(st.lists(st.sampled_from(_CHANGES), max_size=2) | (st.none() if changes.optional else st.nothing()))
    value = {
        "source": {**draw(values(SOURCE)), "connector": "mysql"},
        "ddl": "CREATE …",
        "tableChanges": None if kinds is None else [{"type": kind, "id": "shop.orders"} for kind in kinds],
    }
    return _record(draw, schema, value)


SCHEMA_CHANGES = Kind(
    "io.debezium.transforms.SchemaChangeEventFilter",
    _options(
        schema_change_event_exclude_list=st.sampled_from(["CREATE", "ALTER,DROP", "DATABASE", "TRUNCATE,DATABASE"])
    ),
    schema_changes() | events(),
)
KINDS = [*KAFKA, UNWRAP, DROPPING, ROUTER, SHARDS, CHANGED, TO_VALUE, PARTITIONS, ZONES, SIZE, SCHEMA_CHANGES]
"""What is compared with the originals."""

_EXPRESSIONS = ("value.op == 'u'", "value.after.name.size() > 2", "topic == 'x'", "has(header.h)", "value == null", "1")
EXPRESSIONS = [
    Kind(
        "io.debezium.transforms.Filter",
        _options(
            language=st.just("cel"),
            condition=st.sampled_from(_EXPRESSIONS),
            null_handling_mode=_sometimes("keep", "drop", "evaluate"),
        ),
        events(),
    ),
    Kind(
        "io.debezium.transforms.ContentBasedRouter",
        _options(
            language=st.just("cel"),
            topic_expression=st.sampled_from(
                ["value.op + '-' + topic", "value.after.id > 0 ? 'more' : null", "header['h'].value", "[1]", "key.name"]
            ),
            topic_regex=_sometimes("server.*", "other"),
        ),
        events(),
    ),
]
"""What has no original here: Debezium's run languages that need another engine."""
