"""Expressions in CEL: which parts of messages they read, what they refuse, and what one meets who brings Groovy."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.chain import StepError
from headwater.config import ConfigError
from headwater.record import DECIMAL, Header, Record, Schema, Type, struct
from headwater.transforms.expression import LONGEST, wanted
from headwater.worker.transforms import build_chain

STRING = Schema(Type.STRING)
ROW = struct(
    "Row",
    ("id", Schema(Type.INT32)),
    ("price", Schema(Type.BYTES, True, DECIMAL, 1, parameters=(("scale", "2"),))),
    ("tags", Schema(Type.ARRAY, True, value_schema=STRING)),
    optional=True,
)
EVENT = struct("s.shop.orders.Envelope", ("before", ROW), ("after", ROW), ("op", STRING))


def event(op: str = "c", **row: Any) -> Record:
    after = {"id": 1, "price": None, "tags": None, **row}
    headers = (Header("kind", STRING, "first"),)
    return Record("s.shop.orders", None, None, EVENT, {"before": None, "after": after, "op": op}, headers)


def filtering(condition: str, **options: str) -> dict[str, str]:
    return transform("io.debezium.transforms.Filter", condition=condition, **options)


def transform(class_name: str, **options: str) -> dict[str, str]:
    named = {"type": class_name, "language": "cel", **{name.replace("_", "."): text for name, text in options.items()}}
    return {"transforms": "t", **{f"transforms.t.{name}": text for name, text in named.items()}}


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("value.op == 'c'", True),
        ("value.op == 'u' || value.after.id > 1", False),
        ("value.before == null && topic.endsWith('orders')", True),
        ("value.after.price > 12.3", True),
        ("value.after.tags.exists(tag, tag == 'new')", True),
        ("has(value.after.missing)", False),
        ("header.kind.value == 'first' && keySchema == null", True),
        ("valueSchema.name.startsWith('s.shop') && valueSchema.type == 'STRUCT'", True),
    ],
)
def test_a_condition_keeps_what_it_is_true_for(condition: str, kept: bool) -> None:
    transformed = build_chain(filtering(condition)).record(event(price=1234, tags=["old", "new"]))
    assert (transformed is not None) is kept


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("value.after.missing == 1", "there is no 'missing'"),
        ("value.before.id == 1", "No such overload"),
        ("value.op", "gives 'c', which is no boolean"),
        ("null", "neither true nor false"),
    ],
)
def test_a_condition_that_gives_nothing_stops_the_message(condition: str, reason: str) -> None:
    with pytest.raises(StepError, match=reason):
        build_chain(filtering(condition)).record(event())


@pytest.mark.parametrize(("mode", "kept"), [("keep", True), ("drop", False), ("evaluate", False)])
def test_tombstones(mode: str, kept: bool) -> None:
    chain = build_chain(filtering("value != null", null_handling_mode=mode))
    assert (chain.record(Record("t", None, None, None, None)) is not None) is kept


def test_an_expression_names_the_topic() -> None:
    config = transform(
        "ContentBasedRouter", topic_expression="value.after.id > 9 ? 'large' : null", topic_regex="s\\..*"
    )
    topics = [(build_chain(config).record(event(id=number)) or event()).topic for number in (1, 10)]
    assert topics == ["s.shop.orders", "large"]


@pytest.mark.parametrize(
    ("config", "option", "reason"),
    [
        (filtering("value.op ==="), "condition", "Failed to parse"),
        (filtering("valu.op == 'u'"), "condition", "there is no variable valu, only topic, key, value"),
        (filtering("true" + " || true" * LONGEST), "condition", f"longer than {LONGEST} characters"),
        (filtering("value.op == 'u'", language="jsr223.groovy"), "language", "expression of CEL as it stands"),
        (filtering("value.op.equals 'u'", language="jsr223.groovy"), "language", "the expression in CEL, for example"),
    ],
)
def test_what_is_no_expression_of_cel_is_refused(config: dict[str, str], option: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_chain(config)
    assert [problem.option for problem in caught.value.problems] == [f"transforms.t.{option}"]
    assert reason in caught.value.problems[0].message


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("value.after.id > 2 && value.op == 'u'", {"value": [("after", "id"), ("op",)]}),
        ("value.after.name.size() > 2", {"value": [("after", "name")]}),
        ("value.after['name'] == topic", {"value": [("after",)], "topic": [()]}),
        ("'value.after' == key.value", {"key": [("value",)]}),
        (r"""r'\' + "\"value" + '''it's value.x''' == value.y""", {"value": [("y",)]}),
        ("[1].exists(value, value == 1)", {"value": [(), ()]}),
        (".value.op == 'u'  // value.after", {"value": [("op",)]}),
        ("value.?after.id.orValue(1)", {"value": [()]}),
    ],
)
def test_only_what_an_expression_names_is_read(text: str, paths: dict[str, list[tuple[str, ...]]]) -> None:
    assert wanted(text) == paths
