"""Transforms planned for rows make of them what they make of the same records, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.chain import Chain, StepError
from headwater.converters.json import create as json_converter
from headwater.plan import Converters, plan
from headwater.record import Record, Schema, Type, struct
from headwater.row_by_row import RejectedError, convert_record
from headwater.sink import Message
from headwater.worker.transforms import build_chain
from tests.mongodb_transform_cases import MONGODB_KINDS
from tests.transform_cases import EXPRESSIONS, KINDS, Kind, Rows, as_rows

JSON = json_converter({"replace.null.with.default": "false"}, is_key=False)
CONVERTERS = Converters(JSON, JSON, JSON)
REFUSED = "refused"


def by_record(chain: Chain, record: Any) -> Sequence[Message] | str:
    try:
        transformed = chain.record(record)
        return [] if transformed is None else [convert_record(transformed, CONVERTERS)]
    except (StepError, RejectedError):
        return REFUSED


def by_plan(chain: Chain, rows: Rows) -> Sequence[Message] | str:
    try:
        return plan(rows.event(), CONVERTERS, chain.plan).function([rows.slots])
    except Exception:
        return REFUSED


@pytest.mark.parametrize(
    "kind", [*KINDS, *EXPRESSIONS, *MONGODB_KINDS], ids=lambda kind: kind.class_name.rpartition(".")[2]
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_rows_become_what_records_do(kind: Kind, data: st.DataObject) -> None:
    options = data.draw(kind.options)
    chain = build_chain({"transforms": "t", "transforms.t.type": kind.class_name, **_below("transforms.t.", options)})
    record = data.draw(kind.records)
    rows = data.draw(as_rows(record))
    assert by_plan(chain, rows) == by_record(chain, record)


@pytest.mark.parametrize("name", ["\0", "a\nb", "x" * 10_000])
@settings(max_examples=20)
@given(st.data())
def test_a_route_is_planned_for_every_value(name: str, data: st.DataObject) -> None:
    router = "io.debezium.transforms.ContentBasedRouter"
    options = {"type": router, "language": "cel", "topic.expression": "key.name"}
    chain = build_chain({"transforms": "t", **_below("transforms.t.", options)})
    key = struct("Key", ("name", Schema(Type.STRING)))
    record = Record("server.shop.orders", key, {"name": name}, key, {"name": name})
    planned = by_plan(chain, data.draw(as_rows(record)))
    assert planned != REFUSED
    assert planned == by_record(chain, record)


def _below(prefix: str, options: Any) -> dict[str, str]:
    return {prefix + name: value for name, value in options.items()}
