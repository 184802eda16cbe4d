"""What JsonConverter writes, value by value and in plans."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.config import ConfigError
from headwater.converter import ConversionError, Converter
from headwater.converters.json import OPTIONS, create
from headwater.plan import Converters, plan
from headwater.record import DECIMAL, Schema, Type, struct
from headwater.shape import NULL, Const, EventShape, MessageShape, Slot, Stage, Struct
from tests.connect_values import Planned, planned

PLAIN = {"schemas.enable": "false"}
OPTION_SETS = [
    {**PLAIN, "decimal.format": decimals, "replace.null.with.default": replaced}
    for decimals in ("base64", "NUMERIC")
    for replaced in ("true", "false")
]


def converter(**options: str) -> Converter:
    return create({name.replace("_", "."): value for name, value in options.items()}, is_key=False)


def converted(schema: Schema | None, value: Any, options: dict[str, str] = PLAIN) -> bytes | None:
    return create(options, is_key=False).convert("topic", schema, value)


def run(case: Planned, converter: Converter) -> list[bytes | None]:
    """The values of the messages that the planned function gives."""
    message = MessageShape("topic", None, NULL, case.schema, case.node)
    shape = EventShape("table", "create", case, (message,))
    function = plan(shape, Converters(converter, converter, converter)).function
    return [value for _, _, _, value, *_ in function(*case.arguments())]


@settings(max_examples=200, deadline=None)
@given(planned(), st.sampled_from([{}, *OPTION_SETS]))
def test_a_plan_writes_what_conversion_one_by_one_writes(case: Planned, options: dict[str, str]) -> None:
    converter = create(options, is_key=False)
    try:
        expected = [converter.convert("topic", case.schema, value) for value in case.values()]
    except ConversionError:  # a default is not to replace null, and the field is required
        with pytest.raises(ConversionError):
            run(case, converter)
    else:
        assert run(case, converter) == expected


def test_an_envelope_holds_the_schema() -> None:
    schema = struct(
        "server.db.t.Value",
        ("id", Schema(Type.INT32)),
        ("tags", Schema(Type.ARRAY, optional=True, value_schema=Schema(Type.STRING))),
        ("counts", Schema(Type.MAP, key_schema=Schema(Type.STRING), value_schema=Schema(Type.INT64))),
        ("at", Schema(Type.STRING, name="io.debezium.time.ZonedTimestamp", version=1, doc="when", default="1970")),
        ("kind", Schema(Type.STRING, name="io.debezium.data.Enum", parameters=(("allowed", "a,b"),))),
        version=2,
    )
    value = {"id": 1, "tags": ["a"], "counts": {"x": 2}, "at": None, "kind": "a"}
    assert converted(schema, value, {}) == (
        b'{"schema":{"type":"struct","fields":['
        b'{"type":"int32","optional":false,"field":"id"},'
        b'{"type":"array","items":{"type":"string","optional":false},"optional":true,"field":"tags"},'
        b'{"type":"map","keys":{"type":"string","optional":false},"values":{"type":"int64","optional":false},'
        b'"optional":false,"field":"counts"},'
        b'{"type":"string","optional":false,"name":"io.debezium.time.ZonedTimestamp","version":1,"doc":"when",'
        b'"default":"1970","field":"at"},'
        b'{"type":"string","optional":false,"name":"io.debezium.data.Enum","parameters":{"allowed":"a,b"},'
        b'"field":"kind"}'
        b'],"optional":false,"name":"server.db.t.Value","version":2},'
        b'"payload":{"id":1,"tags":["a"],"counts":{"x":2},"at":"1970","kind":"a"}}'
    )


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (Schema(Type.FLOAT32), 1.100000023841858, b"1.1"),
        (Schema(Type.FLOAT32), 16777216.0, b"16777216.0"),
        (Schema(Type.FLOAT64), float("nan"), b'"NaN"'),
        (Schema(Type.FLOAT32), float("-inf"), b'"-Infinity"'),
        (Schema(Type.BYTES), b"\x00\xff", b'"AP8="'),
        (Schema(Type.MAP, key_schema=Schema(Type.INT32), value_schema=Schema(Type.STRING)), {1: "a"}, b'[[1,"a"]]'),
        (Schema(Type.STRING), "\ud800", b'"\\ud800"'),
        (Schema(Type.STRING, optional=True), None, b"null"),
        (None, {"a": [1, None]}, b'{"a":[1,null]}'),
        (None, None, None),
    ],
)
def test_values(schema: Schema | None, value: Any, expected: bytes | None) -> None:
    assert converted(schema, value) == expected


@pytest.mark.parametrize(
    ("unscaled", "scale", "base64", "numeric"),
    [
        (0, 2, b'"AA=="', b"0.00"),
        (127, 0, b'"fw=="', b"127"),
        (128, 0, b'"AIA="', b"128"),
        (-128, 0, b'"gA=="', b"-128"),
        (-129, 1, b'"/38="', b"-12.9"),
        (1234, -3, b'"BNI="', b"1.234E+6"),
        (1, 9, b'"AQ=="', b"1E-9"),
    ],
)
def test_decimals(unscaled: int, scale: int, base64: bytes, numeric: bytes) -> None:
    schema = Schema(Type.BYTES, name=DECIMAL, version=1, parameters=(("scale", str(scale)),))
    assert converted(schema, unscaled) == base64
    assert converted(schema, unscaled, {**PLAIN, "decimal.format": "numeric"}) == numeric


def test_null_is_the_default_unless_that_is_switched_off() -> None:
    schema = Schema(Type.INT32, optional=True, default=5)
    assert converted(schema, None) == b"5"
    assert converted(schema, None, {**PLAIN, "replace.null.with.default": "false"}) == b"null"


@pytest.mark.parametrize(
    ("schema", "value", "reason"),
    [
        (Schema(Type.INT32), None, "null in a field that is required"),
        (Schema(Type.INT32), "1", "a value of type int32 must be int, not str"),
        (Schema(Type.INT32), True, "must be int, not bool"),
        (Schema(Type.INT8), 128, "out of the range of int8"),
        (struct(None, ("a", Schema(Type.INT8))), {"a": 1, "b": 2}, r"\['b'\] are no fields"),
        (struct(None, ("a", struct(None, ("b", Schema(Type.INT8))))), {"a": {"b": "x"}}, "topic t: a: b: a value"),
        (Schema(Type.BYTES, name=DECIMAL), 1, "a Decimal schema without a scale"),
        (None, 1 << 63, "out of the range"),
        (None, object(), "not a type of Connect values"),
    ],
)
def test_a_value_that_does_not_fit_its_schema_is_refused(schema: Schema | None, value: Any, reason: str) -> None:
    with pytest.raises(ConversionError, match=reason):
        create({}, is_key=False).convert("t", schema, value)


HOSTILE = [
    "'",
    '"',
    "\\",
    "\n",
    "{}",
    "{0}",
    "%s",
    "'''",
    "'); raise SystemExit #",
    "é",
    "😀",
    "\u2028",
    "\x00",
    "\ud800",
]


@pytest.mark.parametrize("stage", [Stage.EVENT, Stage.ROW])
def test_hostile_names_are_data_in_generated_code(stage: Stage) -> None:
    schema = struct(HOSTILE[0], *((name, Schema(Type.STRING, name=name, default=name)) for name in HOSTILE))
    slots = {f"a{index}": "value" for index in range(len(HOSTILE))}
    node = Struct(tuple(Slot(name, stage) for name in slots))
    case = Planned(schema, node, slots, [{}]) if stage is Stage.EVENT else Planned(schema, node, {}, [slots])
    (written,) = run(case, create({}, is_key=False))
    assert written is not None
    document = json.loads(written)
    assert document["payload"] == dict.fromkeys(HOSTILE, "value")
    assert [(f["field"], f["name"], f["default"]) for f in document["schema"]["fields"]] == [(n, n, n) for n in HOSTILE]


def test_a_lone_surrogate_in_a_column_stops_the_plan() -> None:
    case = Planned(Schema(Type.STRING), Slot("a0", Stage.ROW), {}, [{"a0": "\ud800"}])
    with pytest.raises(TypeError, match="surrogates"):
        run(case, create({}, is_key=False))


def test_what_the_table_and_the_log_event_know_is_not_written_again_for_each_row() -> None:
    source = struct(
        "Source", ("connector", Schema(Type.STRING)), ("pos", Schema(Type.INT64)), ("row", Schema(Type.INT32))
    )
    columns = struct("Value", ("id", Schema(Type.INT32)), ("name", Schema(Type.STRING, optional=True)), optional=True)
    envelope = struct(
        "Envelope", ("before", columns), ("after", columns), ("source", source), ("op", Schema(Type.STRING))
    )
    node = Struct(
        (
            NULL,
            Struct((Slot("id", Stage.ROW), Slot("name", Stage.ROW))),
            Struct((Const("mysql"), Slot("pos", Stage.EVENT), Slot("number", Stage.ROW))),
            Const("c"),
        )
    )
    case = Planned(envelope, node, {"pos": 4}, [{"id": 1, "name": "x", "number": 0}])
    converter = create(PLAIN, is_key=False)
    source_text = plan(
        EventShape("t", "create", case, (MessageShape("topic", None, NULL, envelope, node),)),
        Converters(converter, converter, converter),
    ).source
    in_loop = source_text[source_text.index("for ") :]
    assert "pos" not in in_loop
    assert "{'id': id, 'name': name}" in in_loop
    assert run(case, converter) == [
        b'{"before":null,"after":{"id":1,"name":"x"},"source":{"connector":"mysql","pos":4,"row":0},"op":"c"}'
    ]


def test_a_tombstone_is_a_null_message() -> None:
    case = Planned(Schema(Type.STRING), Slot("a0", Stage.ROW), {}, [{"a0": "k"}])
    converter = create({}, is_key=False)
    shape = EventShape("t", "delete", case, (MessageShape("topic", case.schema, case.node, None, NULL),))
    function = plan(shape, Converters(converter, converter, converter)).function
    ((_, _, key, value, *_),) = function(*case.arguments())
    assert key == converter.convert("topic", case.schema, "k")
    assert value is None


def test_schemas_beyond_the_cache_are_written_all_the_same() -> None:
    converter = create({**PLAIN, "schemas.cache.size": "1"}, is_key=False)
    schemas = [Schema(Type.INT8), Schema(Type.STRING)]
    assert [
        converter.convert("t", schema, value) for schema, value in zip(schemas * 2, [1, "a", 2, "b"], strict=True)
    ] == [
        b"1",
        b'"a"',
        b"2",
        b'"b"',
    ]


def test_options_are_those_of_connect() -> None:
    assert {name: option.default for name, option in OPTIONS.options.items()} == {
        "schemas.enable": True,
        "schemas.cache.size": 1000,
        "schema.content": None,
        "decimal.format": "BASE64",
        "replace.null.with.default": True,
    }
    with pytest.raises(ConfigError, match=r"decimal\.format"):
        create({"decimal.format": "HEX"}, is_key=False)
