"""Headwater's JsonConverter against Kafka Connect's own: the same documents, or both refuse."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.converter import ConversionError
from headwater.converters.json import create
from headwater.record import Schema, Type
from tests.conformance import reference
from tests.conformance.reference import JsonConverterReference
from tests.connect_values import schemaless, schemas, types, values

options = st.fixed_dictionaries(
    {
        "schemas.enable": st.sampled_from(["true", "false"]),
        "decimal.format": st.sampled_from(["BASE64", "numeric"]),
        "replace.null.with.default": st.sampled_from(["true", "false"]),
    }
)


@st.composite
def _with_missing_defaults(draw: st.DrawFn, schema: Schema) -> Any:
    """A value of ``schema``; null also in a struct's required fields that have a default."""
    value = draw(values(schema))
    if schema.type is Type.STRUCT and value is not None:
        for field in schema.fields:
            if field.schema.type is Type.STRUCT:
                value[field.name] = draw(_with_missing_defaults(field.schema))
            elif field.schema.default is not None and draw(st.booleans()):
                value[field.name] = None
    return value


typed = schemas.flatmap(lambda schema: st.tuples(st.just(schema), _with_missing_defaults(schema)))
untyped = st.tuples(st.none(), schemaless)


@pytest.fixture(scope="module")
def connect() -> Iterator[JsonConverterReference]:
    with JsonConverterReference() as process:
        yield process


@settings(max_examples=300, deadline=None)
@given(typed | untyped, options)
def test_documents_are_those_of_connect(
    connect: JsonConverterReference, case: tuple[Schema | None, Any], options: dict[str, str]
) -> None:
    schema, value = case
    try:
        expected = connect.from_connect_data(schema, value, options)
    except reference.ConversionError:
        with pytest.raises(ConversionError):
            create(options, is_key=False).convert("topic", schema, value)
        return
    written = create(options, is_key=False).convert("topic", schema, value)
    read = _float32 if schema is not None and Type.FLOAT32 in types(schema) else float
    assert _parsed(written, read) == _parsed(expected, read)
    if written is not None and expected is not None and _has_one_notation(schema, value, written + expected):
        assert written == expected


def _parsed(document: bytes | None, read_float: Callable[[str], float]) -> Any:
    """A document with its members in order and its ints apart from doubles and booleans."""
    if document is None:
        return None
    return json.loads(
        document,
        object_pairs_hook=tuple,
        parse_int=lambda text: ("int", int(text)),
        parse_float=lambda text: ("double", read_float(text)),
    )


def _float32(text: str) -> float:
    """The nearest float32, where there is one: Java before 19 has more digits than it takes to name it."""
    try:
        nearest: float = struct.unpack("<f", struct.pack("<f", float(text)))[0]
    except OverflowError:
        return float(text)
    return nearest


def _has_one_notation(schema: Schema | None, value: Any, documents: bytes) -> bool:
    """Whether Java must have written the same bytes: there is neither an escape nor a double."""
    if b"\\" in documents:
        return False
    return not _has_float(value) if schema is None else types(schema).isdisjoint({Type.FLOAT32, Type.FLOAT64})


def _has_float(value: Any) -> bool:
    match value:
        case list():
            return any(map(_has_float, value))
        case dict():
            return any(map(_has_float, value.values()))
        case _:
            return isinstance(value, float)
