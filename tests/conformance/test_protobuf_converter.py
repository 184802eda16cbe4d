"""Headwater's ProtobufConverter against Confluent's own: the same schema registered, the same bytes, or both refuse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from headwater.converter import ConversionError
from headwater.converters.protobuf.converter import create
from headwater.converters.protobuf.parser import parse
from headwater.record import DECIMAL, Field, Schema, Type
from headwater.record import struct as struct_of
from tests.conformance import reference
from tests.conformance.reference import ProtobufConverterReference
from tests.connect_values import every_schema, schemas, values

SWITCHES = (
    "enhanced.protobuf.schema.support",
    "scrub.invalid.names",
    "optional.for.nullables",
    "wrapper.for.nullables",
    "wrapper.for.raw.primitives",
)
options = st.fixed_dictionaries({name: st.sampled_from(["true", "false"]) for name in SWITCHES})
_DIFFERENT = st.from_regex(r"(a\.)?[A-Z][a-z]{3}(_[a-z]{2})?", fullmatch=True)
_ODD = st.sampled_from(["B", "a.B", "server-1.d.t.Value", "", "1a.b-c", "a.int32", "é"])
type_names = st.none() | _DIFFERENT | _DIFFERENT | _DIFFERENT | _ODD
field_names = st.sampled_from(["a", "b", "c_1", "_x", "type", "bB", "key", "d", "e", "f", "g", "B"])
compared: Counter[str] = Counter()

_DAYS, _MILLISECONDS = st.integers(-800_000, 3_000_000), st.integers(-(10**15), 10**15)
_DECIMAL = Schema(Type.BYTES, name=DECIMAL, version=1, parameters=(("scale", "-2"), ("connect.decimal.precision", "9")))
_LOGICAL = {
    Schema(Type.INT32, name="org.apache.kafka.connect.data.Date", version=1): _DAYS,
    Schema(Type.INT32, name="org.apache.kafka.connect.data.Time", version=1): st.integers(-5, 86_400_001),
    Schema(Type.INT64, name="org.apache.kafka.connect.data.Timestamp", version=1): _MILLISECONDS,
    _DECIMAL: st.integers(-(10**30), 10**30),
}


@st.composite
def renamed(draw: st.DrawFn, schema: Schema) -> Schema:
    """The schema with names that are mostly valid, few arrays of arrays, no defaults in arrays."""
    items = schema.value_schema
    if schema.type is Type.ARRAY and items is not None and items.type is Type.ARRAY and draw(st.integers(0, 9)):
        return draw(renamed(replace(items, default=None)))
    fields = {draw(field_names): draw(renamed(field.schema)) for field in schema.fields}
    return replace(
        schema,
        name=DECIMAL if schema.name == DECIMAL else draw(type_names),
        fields=tuple(Field(*item) for item in fields.items()),
        key_schema=schema.key_schema and draw(renamed(schema.key_schema)),
        value_schema=schema.value_schema and replace(draw(renamed(schema.value_schema)), default=None),
    )


@st.composite
def logical(draw: st.DrawFn) -> tuple[Schema, Any]:
    """A struct of the types that become messages of Google's or Confluent's."""
    pairs: list[tuple[Schema, Any]] = []
    for schema in draw(st.lists(st.sampled_from(list(_LOGICAL)), min_size=1, max_size=5)):
        value = draw(_LOGICAL[schema])
        match draw(st.sampled_from(["required", "optional", "array"])):
            case "optional":
                pairs.append((replace(schema, optional=True), draw(st.sampled_from([None, value]))))
            case "array":
                pairs.append((Schema(Type.ARRAY, value_schema=schema), [value] * draw(st.integers(0, 2))))
            case _:
                pairs.append((schema, value))
    names = [f"f{number}" for number in range(len(pairs))]
    whole = struct_of("a.Whole", *((name, schema) for name, (schema, _) in zip(names, pairs, strict=True)))
    return whole, dict(zip(names, (value for _, value in pairs), strict=True))


structs = st.dictionaries(field_names, schemas.flatmap(renamed), max_size=5).map(
    lambda fields: Schema(Type.STRUCT, name="a.b.Whole", fields=tuple(Field(*item) for item in fields.items()))
)
any_schema = st.integers(0, 9).flatmap(lambda drawn: structs if drawn else schemas | schemas.flatmap(renamed))
typed = any_schema.flatmap(lambda schema: st.tuples(st.just(schema), values(schema)))


@pytest.fixture(scope="module")
def confluent() -> Iterator[ProtobufConverterReference]:
    with ProtobufConverterReference() as process:
        yield process


@settings(max_examples=400, deadline=None, phases=[Phase.generate])
@given(typed | typed | typed | logical(), options, st.booleans())
def test_schemas_and_bytes_are_those_of_confluent(
    confluent: ProtobufConverterReference,
    tmp_path_factory: pytest.TempPathFactory,
    case: tuple[Schema, Any],
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
    except ConversionError as error:
        compared[f"refused here alone: {_why(schema, error)}"] += 1
        return
    assert message == expected.message or sorted(message or b"") == sorted(expected.message or b"")
    if message is None:
        assert not (folder / "ids").exists()
        compared["null"] += 1
        return
    if message == expected.message:
        compared["bytes"] += 1
    else:  # Java's hash table has another order
        assert Type.MAP in {each.type for each in every_schema(schema)}
        compared["bytes but for the order of a map"] += 1
    assert [file.stem for file in (folder / "subjects").iterdir()] == [expected.subject]
    text = (folder / "ids" / "1.proto").read_text()
    assert text == expected.schema
    assert parse(text).messages
    compared["schemas' texts"] += 1


def _why(schema: Schema, error: ConversionError) -> str:
    """What is refused on purpose; anything else is a mistake."""
    text = str(error)
    if schema.type is not Type.STRUCT and "a whole key or value can't be" in text:
        return "a logical type alone, which Confluent's writes as another message than it says"
    if "would stand for two different things" in text or "which is that of one of Protobuf's types" in text:
        return "the name of a struct stands for something else"
    raise error


def test_it_was_not_all_refused(report: Callable[[str], None]) -> None:
    """Runs behind the comparison: `compared` counts what was in it."""
    report(str(dict(compared)))
    assert compared["bytes"] > 100
    assert compared["schemas' texts"] > 100
    assert compared["refused"] > 0
