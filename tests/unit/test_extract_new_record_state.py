"""`ExtractNewRecordState` where the order of what it does counts; all else is compared with the original."""

from __future__ import annotations

import pytest

from headwater.record import Header, Record, Schema, Type, struct
from headwater.sources.envelope import OPTIONAL_STRING, STRING, envelope_schema
from headwater.worker.transforms import build_chain
from tests.transform_cases import SOURCE

ROW = struct("shop.orders.Value", ("id", Schema(Type.INT32)), ("tenant", OPTIONAL_STRING))
KEY = struct("shop.orders.Key", *((field.name, field.schema) for field in ROW.fields))
DROPS = Header("drops", Schema(Type.ARRAY, value_schema=STRING), ["tenant"])


def change(operation: str) -> Record:
    row = {"id": 1, "tenant": "a"}
    source = {field.name: None for field in SOURCE.fields}
    value = {
        "before": row if operation == "d" else None,
        "after": None if operation == "d" else row,
        "source": source,
        "transaction": None,
        "op": operation,
        "ts_ms": 1,
        "ts_us": 1,
        "ts_ns": 1,
    }
    return Record("shop.orders", KEY, row, envelope_schema("shop.orders", ROW, SOURCE), value, (DROPS,))


@pytest.mark.parametrize("deletes", ["tombstone", "delete-to-tombstone", "rewrite"])
def test_a_delete_has_the_key_of_its_row(deletes: str) -> None:
    unwrap = {
        "type": "ExtractNewRecordState",
        "delete.tombstone.handling.mode": deletes,
        "drop.fields.header.name": "drops",
        "drop.fields.from.key": "true",
    }
    chain = build_chain({"transforms": "t", **{f"transforms.t.{name}": value for name, value in unwrap.items()}})
    created, deleted = chain.record(change("c")), chain.record(change("d"))
    assert created is not None
    assert deleted is not None
    assert created.key == deleted.key == {"id": 1}
    assert created.key_schema == deleted.key_schema
