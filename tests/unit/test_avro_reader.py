"""What the Avro converter writes is read back, with its schema; and bytes that are of no schema are refused."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.converters.avro.converter import create
from headwater.converters.avro.reader import AvroDeserializer
from headwater.deserializer import DeserializationError
from headwater.record import DECIMAL, Schema, Type, struct
from headwater.typed.semantic import converted

DATE = Schema(Type.INT32, name="io.debezium.time.Date", version=1)
MAP = Schema(Type.MAP, key_schema=Schema(Type.STRING), value_schema=Schema(Type.INT64))
ROW = struct(
    "shop.orders.Value",
    ("small", Schema(Type.INT8)),
    ("id", Schema(Type.INT64)),
    ("price", Schema(Type.BYTES, name=DECIMAL, parameters=(("scale", "2"),))),
    ("due", DATE.as_optional()),
    ("ratio", Schema(Type.FLOAT64)),
    ("single", Schema(Type.FLOAT32)),
    ("active", Schema(Type.BOOLEAN)),
    ("data", Schema(Type.BYTES)),
    ("names", Schema(Type.ARRAY, value_schema=Schema(Type.STRING))),
    ("counts", MAP),
    ("by_number", Schema(Type.MAP, key_schema=Schema(Type.INT32), value_schema=Schema(Type.STRING))),
    ("address", struct("shop.Address", ("city", Schema(Type.STRING).as_optional()), optional=True)),
)
VALUE = {
    "small": -5,
    "id": -(2**63),
    "price": -1234,
    "due": None,
    "ratio": 1.1,
    "single": 0.5,
    "active": True,
    "data": b"\0\xff",
    "names": ["", "서울", "x" * 300],
    "counts": {"a": 1, "b": 2**62},
    "by_number": {1: "one", -2: "minus two"},
    "address": {"city": None},
}


def write(folder: Path, schema: Schema, value: Any) -> tuple[AvroDeserializer, bytes]:
    url = f"file://{folder}"
    written = create({"schema.registry.url": url}, is_key=False).convert("t", schema, value)
    assert written is not None
    return AvroDeserializer.at(url), written


def test_every_type_comes_back_with_its_schema(tmp_path: Path) -> None:
    reader, written = write(tmp_path, ROW, VALUE)
    schema, value = reader.read("t", written)
    assert value == VALUE
    assert schema is not None
    assert [(field.name, field.schema.type, field.schema.name) for field in schema.fields] == [
        (field.name, field.schema.type, field.schema.name) for field in ROW.fields
    ]


def test_semantic_types_are_known_by_the_schema(tmp_path: Path) -> None:
    reader, written = write(tmp_path, ROW, {**VALUE, "due": 18_000})
    row = converted(*reader.read("t", written))
    assert (str(row["price"]), str(row["due"])) == ("-12.34", "2019-04-14")


@given(st.binary(max_size=40), st.integers(0, 200))
def test_damaged_bytes_are_refused_or_read_but_break_nothing(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    reader, written = write(tmp_path_factory.getbasetemp(), ROW, VALUE)
    with contextlib.suppress(DeserializationError):
        reader.read("t", written[:5] + written[5 : 5 + at] + noise)


@pytest.mark.parametrize("data", [b"", b"{}", b"\0\0\0\0\1", b"\1\0\0\0\1abc"])
def test_what_is_no_avro_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DeserializationError):
        AvroDeserializer.at(f"file://{tmp_path}").read("t", data)
