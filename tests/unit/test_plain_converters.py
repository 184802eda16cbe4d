"""The converters of bytes, numbers and truth values: what Kafka's own serializers write."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.config import ConfigError
from headwater.converter import ConversionError, Converter
from headwater.plan import Converters, plan
from headwater.plugins import find_converter, find_header_converter
from headwater.record import DECIMAL, Schema, Type, struct
from headwater.shape import NULL, EventShape, MessageShape, Slot, Stage
from tests.connect_values import Planned

NUMBERS = [
    ("Short", Type.INT16, -2, b"\xff\xfe"),
    ("Integer", Type.INT32, 258, b"\0\0\1\2"),
    ("Long", Type.INT64, -1, b"\xff" * 8),
    ("Float", Type.FLOAT32, 1.5, b"\x3f\xc0\0\0"),
    ("Double", Type.FLOAT64, 1.5, b"\x3f\xf8\0\0\0\0\0\0"),
    ("Boolean", Type.BOOLEAN, True, b"\1"),
]
DATE = Schema(Type.INT32, name="org.apache.kafka.connect.data.Date", version=1)
MONEY = Schema(Type.BYTES, name=DECIMAL, version=1, parameters=(("scale", "2"),))
BINARY = "io.debezium.converters.BinaryDataConverter"
DELEGATING = {"delegate.converter.type": "JsonConverter", "delegate.converter.type.schemas.enable": "false"}


def converter(name: str, **options: str) -> Converter:
    return find_converter(name).create(options, is_key=False)


def run(converter: Converter, schema: Schema, *values: Any) -> list[bytes | None]:
    """What the function writes that is planned for a key or value of one slot."""
    case = Planned(schema, Slot("a0", Stage.ROW), {}, [{"a0": value} for value in values])
    shape = EventShape("table", "create", case, (MessageShape("topic", None, NULL, schema, case.node),))
    return [
        value
        for _, _, _, value, *_ in plan(shape, Converters(converter, converter, converter)).function(*case.arguments())
    ]


@pytest.mark.parametrize(("name", "kind", "value", "expected"), NUMBERS)
def test_numbers(name: str, kind: Type, value: Any, expected: bytes) -> None:
    found = converter(f"org.apache.kafka.connect.converters.{name}Converter")
    assert found.convert("t", Schema(kind), value) == expected
    assert found.convert("t", Schema(kind), None) is None
    assert run(found, Schema(kind, optional=True), value, None) == [expected, None]
    with pytest.raises(ConversionError, match=f"writes {kind} alone, not string"):
        found.convert("t", Schema(Type.STRING), "x")
    with pytest.raises(ConversionError, match=f"writes {kind} alone, not string"):
        run(found, Schema(Type.STRING), "x")


def test_numbers_that_are_dates_in_java_are_refused() -> None:
    with pytest.raises(ConversionError, match=r"not org\.apache\.kafka\.connect\.data\.Date"):
        converter("integer").convert("t", DATE, 1)


def test_a_number_without_a_schema_is_a_long_as_in_java() -> None:
    assert converter("long").convert("t", None, 1) == b"\0\0\0\0\0\0\0\1"
    with pytest.raises(ConversionError, match="writes int32 alone"):
        converter("integer").convert("t", None, 1)


@pytest.mark.parametrize("name", ["ByteArrayConverter", BINARY])
def test_bytes_are_written_as_they_are(name: str) -> None:
    found = find_header_converter(name).create({}, is_key=False)
    assert found.convert("t", Schema(Type.BYTES), b"\0a") == b"\0a"
    assert found.convert("t", None, b"\0a") == b"\0a"
    assert run(found, Schema(Type.BYTES, optional=True), b"x", None) == [b"x", None]


@pytest.mark.parametrize(
    ("schema", "value"),
    [(Schema(Type.STRING), "x"), (MONEY, 1), (None, "x"), (struct("s"), {}), (Schema(Type.STRING), None)],
)
def test_what_is_not_bytes_is_refused(schema: Schema | None, value: Any) -> None:
    for name in ("ByteArrayConverter", BINARY):
        with pytest.raises(ConversionError):
            converter(name).convert("t", schema, value)


def test_what_is_not_bytes_goes_to_the_delegate() -> None:
    found = find_converter(BINARY).create(DELEGATING, is_key=False)
    heartbeat = struct("io.debezium.connector.common.Heartbeat", ("ts_ms", Schema(Type.INT64)))
    assert found.convert("t", heartbeat, {"ts_ms": 1}) == b'{"ts_ms":1}'
    assert found.convert("t", MONEY, 1) == b'"AQ=="'
    assert run(found, Schema(Type.STRING), "x") == [b'"x"']
    assert run(found, Schema(Type.BYTES), b"x") == [b"x"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"delegate.converter.type": "com.example.Mine"}, "delegate.converter.type: Failed to find any class"),
        ({**DELEGATING, "delegate.converter.type.schemas.enable": "maybe"}, "delegate.converter.type: Invalid value"),
    ],
)
def test_a_delegate_that_cannot_be_is_refused(options: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        find_converter(BINARY).create(options, is_key=False)
