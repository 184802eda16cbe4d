"""`Cast` where the original makes what no converter takes; all else is compared with it."""

from __future__ import annotations

import pytest

from headwater.converters.json import create
from headwater.record import DECIMAL, Record, Schema, Type
from headwater.worker.transforms import build_chain

PRICE = Schema(Type.BYTES, name=DECIMAL, version=1, parameters=(("scale", "2"),))
DAY = Schema(Type.INT32, name="org.apache.kafka.connect.data.Date", version=1)


@pytest.mark.parametrize(
    ("schema", "value", "target", "written"),
    [
        (PRICE, 1250, "int64", b"12"),
        (PRICE, 1250, "float64", b"12.5"),
        (PRICE, 1250, "string", b'"12.50"'),
        (DAY, 5, "string", b'"1970-01-06"'),
        (DAY, 5, "int64", b"5"),
    ],
)
def test_a_whole_value_is_no_longer_of_connects_own_type(
    schema: Schema, value: int, target: str, written: bytes
) -> None:
    chain = build_chain({"transforms": "t", "transforms.t.type": "Cast$Value", "transforms.t.spec": target})
    cast = chain.record(Record("t", None, None, schema, value))
    assert cast is not None
    assert cast.value_schema is not None
    assert cast.value_schema.name is None
    assert create({"schemas.enable": "false"}, is_key=False).convert("t", cast.value_schema, cast.value) == written
