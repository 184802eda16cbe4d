"""The converters of bytes and of single numbers against the originals: the same bytes, or both refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.converter import ConversionError
from headwater.plugins import find_converter
from headwater.record import Schema, Type
from tests.conformance import reference
from tests.conformance.reference import ConverterReference
from tests.connect_values import schemaless, schemas, values

NAMES = [
    *(f"org.apache.kafka.connect.converters.{name}Converter" for name in ("Boolean", "Double", "Float", "Integer")),
    *(f"org.apache.kafka.connect.converters.{name}Converter" for name in ("Long", "Short", "ByteArray")),
    "io.debezium.converters.BinaryDataConverter",
]

scalars = st.sampled_from([Schema(kind, optional=optional) for kind in list(Type)[:9] for optional in (False, True)])
typed = (scalars | scalars | schemas).flatmap(lambda schema: st.tuples(st.just(schema), values(schema)))
untyped = st.tuples(st.none(), schemaless)


@pytest.fixture(scope="module", params=NAMES)
def connect(request: pytest.FixtureRequest) -> Iterator[tuple[str, ConverterReference]]:
    with ConverterReference(request.param) as process:
        yield request.param, process


@settings(max_examples=100, deadline=None)
@given(typed | untyped)
def test_bytes_are_those_of_the_original(
    connect: tuple[str, ConverterReference], case: tuple[Schema | None, Any]
) -> None:
    name, original = connect
    schema, value = case
    converter = find_converter(name).create({}, is_key=False)
    try:
        expected = original.from_connect_data(schema, value)
    except reference.ConversionError:
        with pytest.raises(ConversionError):
            converter.convert("topic", schema, value)
    else:
        assert converter.convert("topic", schema, value) == expected
