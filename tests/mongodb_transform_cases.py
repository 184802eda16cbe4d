"""Change events of MongoDB for its transforms, with options that fit them, for Hypothesis."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from headwater.record import Header, Record, Schema, Type, struct
from headwater.sources.envelope import OPTIONAL_INT64, OPTIONAL_STRING, STRING
from headwater.sources.mongodb.shapes import JSON, UPDATE_DESCRIPTION
from headwater.sources.mongodb.source_info import SOURCE
from tests.connect_values import text, values
from tests.transform_cases import NAMES, TOPIC, Kind, _options, _sometimes

KEY = struct(f"{TOPIC}.Key", ("id", STRING))
ENVELOPE = struct(
    f"{TOPIC}.Envelope",
    ("before", JSON),
    ("after", JSON),
    ("updateDescription", UPDATE_DESCRIPTION),
    ("source", SOURCE),
    ("op", OPTIONAL_STRING),
    ("ts_ms", OPTIONAL_INT64),
)

_doubles = st.floats(allow_nan=False) | st.sampled_from([1.0, -0.0, float("nan"), float("inf"), 1e300, 0.1])
_int32 = st.integers(-(2**31), 2**31 - 1)
_int64 = st.integers(-(2**63), 2**63 - 1).map(lambda number: {"$numberLong": str(number)})
_object_ids = st.binary(min_size=12, max_size=12).map(lambda data: {"$oid": data.hex()})
_times = st.integers(-(2**40), 2**40)
_dates = _times.map(lambda time: {"$date": time}) | st.sampled_from(
    [{"$date": "2024-02-29T12:34:56.789Z"}, {"$date": "1969-12-31T23:59:59.999Z"}, {"$date": {"$numberLong": "-1"}}]
)
_timestamps = st.one_of(st.integers(0, 2**32 - 1), st.sampled_from([2**31, 2**32 - 1])).map(
    lambda number: {"$timestamp": {"t": number, "i": 1}}
)
_binaries = st.sampled_from(
    [
        {"$binary": "AAH/", "$type": "00"},
        {"$binary": {"base64": "", "subType": "80"}},
        {"$binary": "Zm9v", "$type": "5"},
    ]
)
_regexes = st.sampled_from(
    [{"$regex": "^a", "$options": "mi"}, {"$regularExpression": {"pattern": '"/', "options": ""}}]
)
_decimals = st.sampled_from(["1.10", "NaN", "1E+6000", "-0"]).map(lambda number: {"$numberDecimal": number})
_codes = st.sampled_from(["f()", ""]).map(lambda code: {"$code": code})
_KINDS: tuple[st.SearchStrategy[Any], ...] = (
    *(text, st.booleans(), _int32, _int64, _doubles, _object_ids, _dates, _timestamps, _binaries, _decimals, _codes),
)
_WITHOUT_SCHEMA = st.sampled_from(
    [{"$symbol": "s"}, {"$minKey": 1}, {"$maxKey": 1}, {"$code": "f", "$scope": {"x": 1}}, {"$undefined": True}]
)


def _scalars() -> st.SearchStrategy[Any]:
    return st.none() | st.one_of(*_KINDS)


def _member(level: int, arrays: Callable[[int], st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    if level == 3:
        return _scalars()
    return st.one_of(_scalars(), _scalars(), _regexes, _documents(level, arrays), arrays(level))


def _documents(
    level: int, arrays: Callable[[int], st.SearchStrategy[Any]], least: int = 0
) -> st.SearchStrategy[dict[str, Any]]:
    """Documents whose fields are called otherwise than those around them: Debezium mistakes such names."""
    names = st.sampled_from([f"{letter}{level}" for letter in "abc"])
    return st.dictionaries(names, _member(level + 1, arrays), min_size=least, max_size=3)


def arrays_of_one_type(level: int) -> st.SearchStrategy[Any]:
    """Arrays, most of which have elements of one type; none of nothing but empty documents."""
    of_one = st.sampled_from(_KINDS).flatmap(lambda kind: st.lists(kind, max_size=3))
    documents = st.lists(_documents(level, arrays_of_one_type), max_size=3).filter(
        lambda found: not found or any(found)
    )
    alike = _documents(level, arrays_of_one_type, 1).flatmap(
        lambda found: st.lists(st.sampled_from([found, dict(list(found.items())[:1])]), min_size=1, max_size=3)
    )
    plain = st.one_of(of_one, of_one, documents, alike)
    nested = st.lists(of_one | alike, max_size=2)
    with_null = st.one_of(plain, nested).map(lambda found: [*found, None] if found else [])
    return st.one_of(plain, plain, nested, with_null, st.lists(_scalars(), max_size=2))


def arrays_of_all_types(level: int) -> st.SearchStrategy[Any]:
    """Arrays of any values, or of documents: of both together Debezium makes no struct."""
    return st.lists(_scalars(), max_size=3) | st.lists(_documents(level, arrays_of_all_types, 1), max_size=3)


def _in_json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)


@st.composite
def events(draw: st.DrawFn, arrays: Callable[[int], st.SearchStrategy[Any]] = arrays_of_one_type) -> Record:
    """A change event, a tombstone, or something that is neither."""
    identifier = draw(st.one_of(*_KINDS, _documents(0, arrays)))
    hardly_any = st.integers(0, 19).flatmap(lambda number: _WITHOUT_SCHEMA if number == 0 else _member(0, arrays))
    members = st.dictionaries(st.sampled_from(NAMES), hardly_any, max_size=3)
    whole = members.map(lambda found: {"_id": identifier, **found})
    operation = draw(st.sampled_from(["c", "r", "u", "u", "d"]))
    update = {
        "removedFields": draw(st.none() | st.just(["gone", "name"])),
        "updatedFields": draw(
            st.none() | st.dictionaries(st.sampled_from([*NAMES, "n.m"]), _member(0, arrays)).map(_in_json)
        ),
        "truncatedArrays": None,
    }
    is_partial = operation == "u" and draw(st.booleans())
    value = {
        "before": draw(st.none() | whole.map(_in_json)) if operation in "ud" else None,
        "after": None if is_partial or operation == "d" else draw(whole.map(_in_json)),
        "updateDescription": update if is_partial or (operation == "u" and draw(st.booleans())) else None,
        "source": {**draw(values(SOURCE)), "connector": "mongodb"},
        "op": operation,
        "ts_ms": draw(st.integers(1, 10**13)),
    }
    heartbeat = struct("Heartbeat", ("ts_ms", Schema(Type.INT64)))
    kinds = [(ENVELOPE, value)] * 8 + [(None, None), (heartbeat, {"ts_ms": 1})]
    return _message(draw, _in_json(identifier), *draw(st.sampled_from(kinds)))


def _message(draw: st.DrawFn, identifier: str, schema: Schema | None, value: Any) -> Record:
    headers = tuple(Header(name, STRING, draw(text)) for name in draw(st.lists(st.sampled_from("hij"), max_size=2)))
    return Record(
        TOPIC, KEY, {"id": identifier}, schema, value, headers, None, draw(st.none() | st.integers(1, 10**13))
    )


_FLAG = _sometimes("true", "false")
_REFERENCES = st.lists(
    st.sampled_from(["op", "ts_ms", "collection", "source.ord:o", "updateDescription.updatedFields", "nothing"]),
    max_size=2,
    unique=True,
).map(",".join)


def _unwrapping(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[Mapping[str, str]]:
    return _options(
        delete_tombstone_handling_mode=_sometimes(
            "drop", "tombstone", "rewrite", "rewrite-with-tombstone", "delete-to-tombstone"
        ),
        add_fields=_REFERENCES,
        add_fields_prefix=_sometimes("", "x_"),
        add_headers=_REFERENCES,
        flatten_struct=_FLAG,
        flatten_struct_delimiter=_sometimes(".", "__"),
        **{"delete_tombstone_handling_mode_rewrite-with-id": _FLAG},
        **more,
    )


_UNWRAP = "io.debezium.connector.mongodb.transforms.ExtractNewDocumentState"
UNWRAP = Kind(_UNWRAP, _unwrapping(array_encoding=_sometimes("array")), events())
UNWRAP_ALL_TYPES = Kind(_UNWRAP, _unwrapping(array_encoding=st.just("document")), events(arrays_of_all_types))


@st.composite
def outbox_events(draw: st.DrawFn) -> Record:
    """A change of an outbox collection."""
    record = draw(events())
    if not record.value or record.value.get("after") is None:
        return record
    payload = st.one_of(_documents(0, arrays_of_one_type), _scalars(), _documents(0, arrays_of_one_type))
    after = {
        "_id": draw(_object_ids | _int32),
        "aggregatetype": draw(st.sampled_from(["Order", "Cart", "a b"])),
        "aggregateid": draw(st.one_of(text, _int32, _object_ids)),
        "type": draw(text),
        "payload": draw(payload | arrays_of_one_type(0)),
        "version": draw(st.sampled_from([1, 2])),
        "at": draw(_times.map(lambda time: {"$numberLong": str(time)}) | text),
        "place": draw(_documents(0, arrays_of_one_type) | st.none()),
    }
    left_out = draw(st.sampled_from([None, None, None, "payload", "version"]))
    text_of_it = _in_json({name: value for name, value in after.items() if name != left_out})
    return _message(draw, record.key["id"], ENVELOPE, {**record.value, "after": text_of_it})


ROUTER = Kind(
    "io.debezium.connector.mongodb.transforms.outbox.MongoEventRouter",
    _options(
        collection_field_event_id=_sometimes("version"),
        collection_field_event_key=_sometimes("type", "nothing"),
        collection_field_event_payload=_sometimes("type", "place"),
        collection_field_event_timestamp=_sometimes("at"),
        collection_field_event_schema_version=_sometimes("version", "type"),
        collection_fields_additional_placement=_sometimes(
            "type:header", "place:header:p,version:envelope", "type:envelope:kind", "version:partition", "no:header"
        ),
        collection_field_additional_missing=_sometimes("error", "ignore"),
        collection_expand_json_payload=_FLAG,
        table_op_invalid_behavior=_sometimes("warn", "error", "fatal"),
        route_by_field=_sometimes("type", "_id"),
        route_topic_regex=_sometimes("(?<routedByValue>O.*)", "(.)(.*)"),
        route_topic_replacement=_sometimes("to.${routedByValue}", "$2$1", "all"),
        route_tombstone_on_empty_payload=_FLAG,
    ),
    outbox_events(),
)
MONGODB_KINDS = [UNWRAP, UNWRAP_ALL_TYPES, ROUTER]
