"""The converters of text, bytes and single numbers against the originals: the same bytes, or both refuse."""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
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

_KAFKA = "org.apache.kafka.connect.converters"
OWN_TYPES = {
    f"{_KAFKA}.BooleanConverter": Type.BOOLEAN,
    f"{_KAFKA}.DoubleConverter": Type.FLOAT64,
    f"{_KAFKA}.FloatConverter": Type.FLOAT32,
    f"{_KAFKA}.IntegerConverter": Type.INT32,
    f"{_KAFKA}.LongConverter": Type.INT64,
    f"{_KAFKA}.ShortConverter": Type.INT16,
    f"{_KAFKA}.ByteArrayConverter": Type.BYTES,
    "io.debezium.converters.BinaryDataConverter": Type.BYTES,
    "org.apache.kafka.connect.storage.StringConverter": Type.STRING,
}
"""What each converter is for."""

JAVA_BYTES = re.compile(rb"\[B@|HeapByteBuffer\[")
"""How Java's objects that hold bytes print."""

Case = tuple[Schema | None, Any]
typed = schemas.flatmap(lambda schema: st.tuples(st.just(schema), values(schema)))
untyped = st.tuples(st.none(), schemaless)


def scalars(kinds: Iterable[Type]) -> st.SearchStrategy[Case]:
    """Values of such types, and null."""
    every = [Schema(kind, optional=optional) for kind in kinds for optional in (False, True)]
    return st.sampled_from(every).flatmap(lambda schema: st.tuples(st.just(schema), values(schema)))


@pytest.fixture(scope="module", params=OWN_TYPES)
def connect(request: pytest.FixtureRequest) -> Iterator[tuple[str, ConverterReference]]:
    with ConverterReference(request.param) as process:
        yield request.param, process


def test_bytes_are_those_of_the_original(
    connect: tuple[str, ConverterReference], report: Callable[[str], None]
) -> None:
    name, original = connect
    converter = find_converter(name).create({}, is_key=False)
    counts: Counter[str] = Counter()

    @settings(max_examples=100, deadline=None)
    @given(scalars([OWN_TYPES[name]]) | scalars(list(Type)[:9]) | typed | untyped)
    def compare(case: Case) -> None:
        schema, value = case
        try:
            expected = original.from_connect_data(schema, value)
        except reference.ConversionError:
            with pytest.raises(ConversionError):
                converter.convert("topic", schema, value)
            counts["refused by both"] += 1
            return
        try:
            found = converter.convert("topic", schema, value)
        except ConversionError:
            assert expected is not None
            assert JAVA_BYTES.search(expected)
            counts["bytes, of which the original writes what object they are"] += 1
            return
        if name.endswith(".StringConverter") and found is not None and expected is not None:
            found, expected = _FLOAT.sub(_nearest, found), _FLOAT.sub(_nearest, expected)
        assert found == expected
        counts["the same"] += 1

    compare()
    assert counts["the same"] > 0
    report(", ".join(f"{count} {what}" for what, count in counts.most_common()))


_FLOAT = re.compile(rb"\d+\.\d+(E-?\d+)?")


def _nearest(digits: re.Match[bytes]) -> bytes:
    """The float32 next to a number: Java before 19 has more digits than it takes to name one."""
    try:
        return struct.pack("<f", float(digits[0]))
    except OverflowError:
        return struct.pack("<d", float(digits[0]))
