"""For tests of your own transforms: change events made of plain values, and what a connector's transforms make of them.

def test_addresses_are_hidden():
    event = change_event("shop.customers", after={"id": 1, "email": "a@example.com"})
    hidden = transformed(event, transform)
    assert hidden.value["after"]["email"] == "***"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headwater.chain import Chain, Step, StepError
from headwater.record import Record, Schema, Type, struct
from headwater.sources.envelope import STRING, envelope_schema, source_schema
from headwater.transforms.record_function import Function, RecordFunction
from headwater.worker.transforms import build_chain

__all__ = ["StepError", "change_event", "tombstone", "transformed"]

_SOURCE = source_schema("test")
_TYPES: Mapping[type, Type] = {
    bool: Type.BOOLEAN,
    bytes: Type.BYTES,
    float: Type.FLOAT64,
    int: Type.INT64,
    str: Type.STRING,
    type(None): Type.STRING,
}


def change_event(
    topic: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    op: str | None = None,
    key: Sequence[str] = ("id",),
    timestamp: int = 1_700_000_000_000,
) -> Record:
    """A change event in Debezium's envelope, with a schema made of the values: int64, double, boolean, string or bytes.

    ``key``  the columns that are the primary key; where the row lacks them, there is no key
    ``op``   create, update or delete by what is there, unless it is given (``r``: read by a snapshot)

    Raises ValueError without a row, TypeError for values of other types.
    """
    row = after if after is not None else before
    if row is None:
        raise ValueError("a change has a row before or after it")
    columns = dict(_schema_of(name, row, before or {}) for name in row)
    schema = struct(f"{topic}.Value", *columns.items())
    operation = op or ("d" if after is None else "c" if before is None else "u")
    names = [name for name in key if name in row]
    value = {
        "before": None if before is None else dict(before),
        "after": None if after is None else dict(after),
        "source": {
            "version": "test",
            "connector": "test",
            "name": topic.partition(".")[0],
            "ts_ms": timestamp,
            "db": "",
        },
        "transaction": None,
        "op": operation,
        "ts_ms": timestamp,
        "ts_us": timestamp * 1_000,
        "ts_ns": timestamp * 1_000_000,
    }
    key_schema = struct(f"{topic}.Key", *((name, columns[name]) for name in names)) if names else None
    key_value = {name: row[name] for name in names} or None
    return Record(topic, key_schema, key_value, envelope_schema(topic, schema, _SOURCE), value)


def _schema_of(name: str, *rows: Mapping[str, Any]) -> tuple[str, Schema]:
    """A column's schema by the first row that has a value there; optional where one has null."""
    values = [row.get(name) for row in rows if name in row]
    kind = type(next((value for value in values if value is not None), None))
    if kind not in _TYPES:
        raise TypeError(f"{name!r} is of type {kind.__name__}: bool, int, float, str, bytes and None have a schema")
    return name, Schema(_TYPES[kind], optional=None in values)


def tombstone(topic: str, key: str) -> Record:
    """The null value that follows a delete."""
    return Record(topic, STRING, key, None, None)


def transformed(record: Record, transforms: Function | Mapping[str, str]) -> Record | None:
    """What becomes of the record; None where it is dropped.

    ``transforms`` is a function, or what of a connector's configuration tells of transforms and predicates. Raises
    `StepError` where a transform fails, and `headwater.config.ConfigError`.
    """
    if isinstance(transforms, Mapping):
        return build_chain(transforms).record(record)
    return Chain([Step("test", RecordFunction(transforms))]).record(record)
