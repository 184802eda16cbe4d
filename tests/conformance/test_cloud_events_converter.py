"""Headwater's CloudEventsConverter against Debezium's own: the same schemas registered, the same events."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from headwater.converters.cloud_events.converter import create
from headwater.record import Schema, Type, struct
from headwater.shape import Const, Node, Slot, Stage, Struct
from tests.conformance.reference import CloudEventsReference
from tests.connect_values import Planned, run_planned, values
from tests.registry_server import serving

compared: Counter[str] = Counter()

_STRING, _LONG = Schema(Type.STRING), Schema(Type.INT64)
_COMMON = (
    ("version", _STRING),
    ("connector", _STRING),
    ("name", _STRING),
    ("ts_ms", _LONG),
    ("snapshot", Schema(Type.STRING, True, "io.debezium.data.Enum", 1, default="false")),
    ("db", _STRING),
    ("sequence", _STRING.as_optional()),
    ("ts_us", _LONG.as_optional()),
)
_SOURCES = {
    "mysql": struct(
        "io.debezium.connector.mysql.Source",
        *_COMMON,
        ("table", _STRING.as_optional()),
        ("server_id", _LONG),
        ("file", _STRING),
        ("pos", _LONG),
        ("row", Schema(Type.INT32)),
        ("thread", _LONG.as_optional()),
    ),
    "mongodb": struct(
        "io.debezium.connector.mongo.Source",
        *_COMMON,
        ("collection", _STRING),
        ("ord", Schema(Type.INT32)),
        ("wallTime", _LONG.as_optional()),
    ),
}
_TRANSACTION = struct(
    "event.block", ("id", _STRING), ("total_order", _LONG), ("data_collection_order", _LONG), optional=True, version=1
)
_ROW = struct(
    "server.db.t.Value",
    ("id", Schema(Type.INT32)),
    ("name", Schema(Type.STRING, True, default="x")),
    ("bytes", Schema(Type.BYTES, True)),
    optional=True,
)
_DOCUMENT = Schema(Type.STRING, True, "io.debezium.data.Json", 1)
_DESCRIPTION = struct("io.debezium.connector.mongodb.changestream.updatedescription", ("n", _LONG), optional=True)


def _envelope(connector: str) -> Schema:
    data = {"before": _ROW, "after": _ROW}
    if connector == "mongodb":
        data = {"before": _DOCUMENT, "after": _DOCUMENT, "updateDescription": _DESCRIPTION}
    last = (("op", _STRING), ("ts_ms", _LONG.as_optional()), ("transaction", _TRANSACTION))
    return struct("server.db.t.Envelope", *data.items(), ("source", _SOURCES[connector]), *last, version=1)


@st.composite
def changes(draw: st.DrawFn) -> tuple[Schema, Any]:
    """An envelope's schema, and a value of it."""
    connector = draw(st.sampled_from(sorted(_SOURCES)))
    schema = _envelope(connector)
    value = draw(values(schema))
    value["source"] |= {
        "connector": connector,
        "name": draw(st.sampled_from(["server", "server-1", "1s", "ü"])),
        "db": draw(st.sampled_from(["db", "d-b", ""])),
        "ts_ms": draw(st.integers(0, 10**13)),
    }
    return schema, value


_FORMATS = [("json", "json"), ("JSON", "avro"), ("avro", "avro")]
_SWITCHES = st.fixed_dictionaries(
    {
        "json.schemas.enable": st.sampled_from(["true", "false"]),
        "extension.attributes.enable": st.sampled_from(["true", "false"]),
        "schema.name.adjustment.mode": st.sampled_from(["avro", "avro", "none"]),
    },
    optional={"schema.cloudevents.name": st.just("a.Event"), "json.replace.null.with.default": st.just("false")},
)


@st.composite
def option_sets(draw: st.DrawFn) -> dict[str, str]:
    event, data = draw(st.sampled_from(_FORMATS))
    return {"serializer.type": event, "data.serializer.type": data, **draw(_SWITCHES)}


@pytest.fixture(scope="module")
def debezium() -> Iterator[CloudEventsReference]:
    with CloudEventsReference() as process:
        yield process


@settings(max_examples=200, deadline=None, phases=[Phase.generate])
@given(changes(), option_sets())
def test_events_are_those_of_debezium(
    debezium: CloudEventsReference, case: tuple[Schema, Any], options: dict[str, str]
) -> None:
    schema, value = case
    if options["schema.name.adjustment.mode"] == "none" and options["serializer.type"] == "avro":
        value["source"] |= {"name": "server", "db": "db"}
    with serving([(200, b'{"id": 1}'), (200, b'{"id": 2}')]) as registry:
        options["avro.schema.registry.url"] = registry.url
        expected, schemas = debezium.from_connect_data(schema, value, options)
        message = create(options, is_key=False).convert("topic", schema, value)
        registered = {unquote(path.split("/")[2]): json.loads(body)["schema"] for path, _, body in registry.asked}
        assert registered == schemas
    if options["serializer.type"] == "avro":
        assert message == expected
    else:
        assert _parsed(message) == _parsed(expected)
    compared[f"{options['serializer.type'].lower()} with data in {options['data.serializer.type']}"] += 1
    compared["events"] += 1
    _compare_plan(schema, value, options)


def _parsed(message: bytes | None) -> Any:
    """The document with its members in order: Java has another notation for some characters."""
    assert message is not None
    return json.loads(message, object_pairs_hook=tuple)


def _compare_plan(schema: Schema, value: Any, options: dict[str, str]) -> None:
    """The same event as a source's shape describes it gives the same bytes."""
    event = {"time": value["source"]["ts_ms"], "transaction": value["transaction"]}
    row = {"before": value["before"], "after": value["after"]}

    def node(name: str) -> Node:
        if name == "source":
            return Struct(
                tuple(
                    Slot("time", Stage.EVENT) if field.name == "ts_ms" else Const(value["source"].get(field.name))
                    for field in _SOURCES[value["source"]["connector"]].fields
                )
            )
        if name in row:
            return Slot(name, Stage.ROW)
        return Const(value[name])

    planned = Planned(schema, Struct(tuple(node(field.name) for field in schema.fields)), event, [row, row])
    with serving([(200, b'{"id": 1}'), (200, b'{"id": 2}')]) as registry:
        converter = create({**options, "avro.schema.registry.url": registry.url}, is_key=False)
        made = run_planned(planned, converter)
        one_by_one = converter.convert("topic", schema, value)
    assert made == [one_by_one, one_by_one]
    compared["plans"] += 1


def test_what_is_no_change_is_a_null_message() -> None:
    converter = create({}, is_key=False)
    heartbeat = struct("io.debezium.connector.common.Heartbeat", ("ts_ms", _LONG))
    assert converter.convert("topic", heartbeat, {"ts_ms": 1}) is None
    assert converter.convert("topic", None, None) is None


def test_every_kind_was_compared(report: Callable[[str], None]) -> None:
    """Runs behind the comparison: `compared` counts what was in it."""
    report(str(dict(compared)))
    assert compared["events"] == 200
    assert len(compared) == 5
    assert min(compared.values()) > 10
