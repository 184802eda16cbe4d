"""Headwater's AvroConverter against Confluent's own: the same schema registered, the same bytes, or both refuse."""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from headwater.converter import ConversionError
from headwater.converters.avro.connect_schema import ENUM, FIXED_SIZE
from headwater.converters.avro.converter import create
from headwater.converters.avro.parser import parse
from headwater.record import DECIMAL, Field, Schema, Type
from headwater.record import struct as struct_of
from tests.conformance import reference
from tests.conformance.reference import AvroConverterReference, Written
from tests.connect_values import every_schema, schemaless, schemas, types, values

SWITCHES = (
    "enhanced.avro.schema.support",
    "scrub.invalid.names",
    "connect.meta.data",
    "discard.type.doc.default",
    "allow.optional.map.keys",
)
options = st.fixed_dictionaries({name: st.sampled_from(["true", "false"]) for name in SWITCHES})
type_names = st.sampled_from([None, "B", "a.B", "a.b.C", "a.int", "int", "1a.b-c", "server-1.d.t.Value", "é", "x..y."])
field_names = st.sampled_from(["a", "b", "c_1", "B", "_x", "type"])
compared: Counter[str] = Counter()

_JAVA_DATES = [
    Schema(Type.INT32, name="org.apache.kafka.connect.data.Date", version=1),
    Schema(Type.INT32, name="org.apache.kafka.connect.data.Time", version=1),
    Schema(Type.INT64, name="org.apache.kafka.connect.data.Timestamp", version=1),
]
_PRECISE = Schema(Type.BYTES, name=DECIMAL, version=1, parameters=(("scale", "2"), ("connect.decimal.precision", "9")))
_FIXED = Schema(Type.BYTES, name="a.Fixed", parameters=((FIXED_SIZE, "4"), ("avro.note", "n")))
_SYMBOLS = ("RED", "GREEN")
_ENUM = Schema(
    Type.STRING, name="a.Color", parameters=((ENUM, "a.Color"), *((f"{ENUM}.{symbol}", symbol) for symbol in _SYMBOLS))
)


@st.composite
def renamed(draw: st.DrawFn, schema: Schema) -> Schema:
    """The schema with names that are mostly valid, and types of one name in several places."""
    fields = {draw(field_names): draw(renamed(field.schema)) for field in schema.fields}
    return replace(
        schema,
        name=DECIMAL if schema.name == DECIMAL else draw(type_names),
        fields=tuple(Field(*item) for item in fields.items()),
        key_schema=schema.key_schema and draw(renamed(schema.key_schema)),
        value_schema=schema.value_schema and draw(renamed(schema.value_schema)),
    )


@st.composite
def special(draw: st.DrawFn) -> tuple[Schema, Any]:
    """A struct of the types that have a meaning of their own in Avro, some of them twice."""
    pairs: list[tuple[Schema, Any]] = []
    for schema in draw(st.lists(st.sampled_from([*_JAVA_DATES, _PRECISE, _FIXED, _ENUM]), min_size=1, max_size=5)):
        value: Any
        if schema is _FIXED:
            value = draw(st.binary(min_size=4, max_size=4))
        elif schema is _ENUM:
            value = draw(st.sampled_from(_SYMBOLS))
        elif schema is _JAVA_DATES[1]:
            value = draw(st.integers(0, 86_399_999))
        else:
            value = draw(st.integers(-(10**6), 10**6))
        if draw(st.booleans()):
            value = draw(st.sampled_from([None, value]))
            schema = replace(schema, optional=True)
        pairs.append((schema, value))
    names = [f"f{number}" for number in range(len(pairs))]
    whole = struct_of("a.Whole", *((name, schema) for name, (schema, _) in zip(names, pairs, strict=True)))
    return whole, dict(zip(names, (value for _, value in pairs), strict=True))


any_schema = schemas | schemas.flatmap(renamed)
typed = any_schema.flatmap(lambda schema: st.tuples(st.just(schema), values(schema)))
untyped = st.tuples(st.none(), schemaless)


@pytest.fixture(scope="module")
def confluent() -> Iterator[AvroConverterReference]:
    with AvroConverterReference() as process:
        yield process


@settings(max_examples=300, deadline=None, phases=[Phase.generate])
@given(typed | typed | special() | untyped, options, st.booleans())
def test_schemas_and_bytes_are_those_of_confluent(
    confluent: AvroConverterReference,
    tmp_path_factory: pytest.TempPathFactory,
    case: tuple[Schema | None, Any],
    options: dict[str, str],
    is_key: bool,
) -> None:
    schema, value = case
    folder = tmp_path_factory.mktemp("schemas")
    converter = create({"schema.registry.url": folder.as_uri(), **options}, is_key=is_key)
    try:
        expected = confluent.from_connect_data(schema, value, options, is_key=is_key)
    except reference.ConversionError:
        if value is None:
            return  # for null Headwater has no look at its schema
        with pytest.raises(ConversionError):
            converter.convert("topic", schema, value)
        compared["refused"] += 1
        return
    try:
        message = converter.convert("topic", schema, value)
    except ConversionError:
        # Confluent refuses it too, but only once there is such a struct
        assert schema is not None
        assert _has_ambiguous_name(schema)
        compared["refused for a struct's name"] += 1
        return
    if expected.message is None:
        assert message is None
        assert not folder.exists() or not list(folder.iterdir())
        compared["null"] += 1
        return
    compared["written"] += 1
    _compare(expected, _written(folder, message, is_key=is_key), schema, value)


def _written(folder: Path, message: bytes | None, *, is_key: bool) -> Written:
    subject = f"topic-{'key' if is_key else 'value'}"
    assert [file.stem for file in (folder / "subjects").iterdir()] == [subject]
    return Written(message, subject, (folder / "ids" / "1.avsc").read_text())


def _compare(expected: Written, written: Written, schema: Schema | None, value: Any) -> None:
    assert written.subject == expected.subject
    assert written.schema is not None
    assert expected.schema is not None
    assert written.message is not None
    assert expected.message is not None
    assert _parsed(written.schema) == _parsed(expected.schema)
    if schema is None or types(schema).isdisjoint({Type.FLOAT32, Type.FLOAT64}):
        assert written.schema == expected.schema
        assert parse(expected.schema).text() == expected.schema
        compared["schemas' texts"] += 1
    if _is_ordered(schema, value):
        assert written.message == expected.message
        compared["bytes"] += 1
    else:  # a map in Avro has the order of Java's hash table
        assert sorted(written.message) == sorted(expected.message)
        compared["bytes but for the order of a map"] += 1


def _has_ambiguous_name(schema: Schema) -> bool:
    """Whether the name of a struct stands for something else too, which can't be told apart in Avro."""
    required = [replace(each, optional=False) for each in every_schema(schema)]
    structs = [each for each in required if each.type is Type.STRUCT and each.name is not None]
    return any(other != struct for struct in structs for other in required if other.name == struct.name)


def _is_ordered(schema: Schema | None, value: Any) -> bool:
    """Whether no map in the value has an order to lose."""
    match value:
        case list():
            return all(_is_ordered(schema and schema.value_schema, item) for item in value)
        case dict() if schema is not None and schema.type is Type.STRUCT:
            return all(_is_ordered(field.schema, value.get(field.name)) for field in schema.fields)
        case dict():
            return len(value) < 2
        case _:
            return True


def _parsed(text: str) -> Any:
    """The document with its members in order; a number with a fraction as the float32 next to it."""
    return json.loads(text, object_pairs_hook=tuple, parse_float=_float32)


def _float32(text: str) -> float:
    """Java before 19 has more digits than it takes to name a number."""
    try:
        nearest: float = struct.unpack("<f", struct.pack("<f", float(text)))[0]
    except OverflowError:
        return float(text)
    return nearest


def test_it_was_not_all_refused() -> None:
    """Runs behind the comparison: `compared` counts what was in it."""
    print(dict(compared))
    assert compared["bytes"] > 100
    assert compared["schemas' texts"] > 100
    assert compared["refused"] > 0
