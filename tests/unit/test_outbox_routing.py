"""The outbox of `headwater.outbox` through EventRouter, as docs/outbox.md configures it: what is sent, and its size."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headwater.conversion import Conversion
from headwater.converter import RetriableConversionError
from headwater.converters.avro.converter import create as avro_converter
from headwater.converters.json import create as json_converter
from headwater.converters.simple_header import create as header_converter
from headwater.converters.string import create as string_converter
from headwater.plan import Converters, plan
from headwater.relay.queue import Aggregate, QueuedEvent
from headwater.relay.routing import Routing
from headwater.sink import Message
from headwater.source import Rows
from headwater.sources.mysql.shapes import ShapeOptions, snapshot_shape
from headwater.sources.mysql.table import Column, Table
from headwater.sources.mysql.types import ValueOptions
from headwater.tolerance import Rejections, Tolerance
from headwater.worker.transforms import build_chain
from tests.unit.test_pipeline import Log

DOCS = Path(__file__).parents[2] / "docs" / "outbox.md"
TEXT = ("aggregate_type", "aggregate_id", "type")
OUTBOX = Table(
    "course",
    "outbox",
    (
        Column("id", "char", nullable=False, length=36, charset="utf8mb4"),
        *(Column(name, "varchar", nullable=False, length=255, charset="utf8mb4") for name in TEXT),
        Column("payload", "json", nullable=False),
        Column("timestamp", "timestamp", nullable=False, default="CURRENT_TIMESTAMP", expression=True),
    ),
    ("id",),
    ("id",),
)
OPTIONS = ShapeOptions("dbserver1", ValueOptions(), tombstones=True, headers=(), captures_column=lambda *_: True)
PAYLOAD = '{"title": "Transactional outbox", "courseId": "c-17", "posted": true}'
ID = "0b3ee1a9-6f5e-4c0e-9c66-8d9bd1f0a8a3"
PLACE = ("true", "binlog.000003", 123456, 1_700_000_000_000_000)
STRING = Converters(
    string_converter({}, is_key=True), string_converter({}, is_key=False), header_converter({}, is_key=False)
)


def in_json(*, schemas: str) -> Converters:
    converter = json_converter({"schemas.enable": schemas}, is_key=False)
    return Converters(converter, converter, header_converter({}, is_key=False))


def documented() -> dict[str, str]:
    """The transforms that docs/outbox.md configures."""
    blocks = re.findall(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL)
    (block,) = (block for block in blocks if "transforms" in block)
    return {name: value for name, value in json.loads(f"{{{block}}}").items() if name.startswith("transforms")}


def sent(converters: Converters, transforms: Mapping[str, str], *kinds: str) -> list[Message]:
    """The messages of one row for each aggregate type."""
    planned = plan(snapshot_shape(OUTBOX, OPTIONS), converters, build_chain(transforms).plan)
    return planned.function(rows(*kinds), *PLACE)


def rows(*kinds: str) -> list[tuple[str, ...]]:
    return [(ID, kind, "c-17", "CoursePostedEvent", PAYLOAD, "2023-11-14 22:13:20") for kind in kinds]


def test_one_outbox_many_topics() -> None:
    messages = sent(STRING, documented(), "Course", "Order", "Course")
    assert [topic for _, topic, *_ in messages] == [f"outbox.event.{kind}" for kind in ("Course", "Order", "Course")]
    _, _, key, value, headers, _, _ = messages[0]
    assert (key, value) == (b"c-17", PAYLOAD.encode())
    assert headers == [("id", ID.encode()), ("eventType", b"CoursePostedEvent")]


@pytest.mark.parametrize("expands", [False, True])
@pytest.mark.parametrize("form", ["text", "json", "avro"])
def test_the_relay_sends_what_the_router_does(form: str, expands: bool, tmp_path: Path) -> None:
    registry = {"schema.registry.url": tmp_path.as_uri()}
    value = {
        "text": string_converter({}, is_key=False),
        "json": json_converter({}, is_key=False),
        "avro": avro_converter(registry, is_key=False),
    }[form]
    converters = Converters(STRING.key, value, STRING.header)
    router = {**documented(), "transforms.outbox.table.expand.json.payload": str(expands)}
    (captured,) = sent(converters, router, "Course")
    event = QueuedEvent(0, ID, Aggregate("Course", "c-17"), "CoursePostedEvent", PAYLOAD, {}, 0)
    relayed = Routing(converters.key, value, converters.header, expand=expands).message(event)
    assert relayed[1:5] == captured[1:5]


class NeedsRegistry:
    """A converter that can't write messages to a topic while the registry is down."""

    def __init__(self, topic: str) -> None:
        self.topic: str | None = topic

    def plan(self, topic: str, *_: Any) -> str:
        if topic == self.topic:
            raise RetriableConversionError("the registry is down", lambda: None)
        return repr(b"written")

    def convert(self, topic: str, *_: Any) -> bytes:
        return eval(self.plan(topic))


@pytest.mark.parametrize("tolerance", [Tolerance(), Tolerance(messages=True)], ids=["none", "all"])
def test_no_row_is_given_up_for_a_registry_that_is_down_when_its_topic_first_comes(tolerance: Tolerance) -> None:
    value = NeedsRegistry("outbox.event.Order")
    conversion = Conversion(
        Log([]),
        build_chain(documented()),
        Converters(STRING.key, value, STRING.header),
        tolerance,
        Rejections(tolerance, lambda _: None),
    )
    routed = Rows(snapshot_shape(OUTBOX, OPTIONS), (rows("Course", "Order"), *PLACE), 0)
    for _ in range(2):
        with pytest.raises(RetriableConversionError):
            conversion.rows(routed)
    value.topic = None
    assert [topic for _, topic, *_ in conversion.rows(routed)] == ["outbox.event.Course", "outbox.event.Order"]


@pytest.mark.parametrize(
    ("line", "converters", "transforms"),
    [
        ("Debezium's envelope with its schema", in_json(schemas="true"), {}),
        ("the envelope alone", in_json(schemas="false"), {}),
        ("routed", STRING, documented()),
    ],
    ids=str,
)
def test_the_sizes_in_the_docs(line: str, converters: Converters, transforms: Mapping[str, str]) -> None:
    """Rounded to ten bytes: the version's and the clock's digits count too."""
    ((_, _, _, value, *_),) = sent(converters, transforms, "Course")
    told = re.search(rf"^\| {re.escape(line)}.*\| ([\d,]+) bytes \|$", DOCS.read_text(), re.MULTILINE)
    assert told is not None
    assert int(told[1].replace(",", "")) == round(len(value or b""), -1)
