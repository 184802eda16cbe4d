"""From ``transforms`` and ``predicates`` in a connector's configuration to the chain that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.config import ConfigError
from headwater.record import Record, Schema, Type
from headwater.worker.transforms import build_chain, transform_options, transform_warnings
from headwater.worker.transforms_reference import page

KAFKA = "org.apache.kafka.connect.transforms"
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "transforms.md"
ROUTE = {"transforms": "route", "transforms.route.type": "RegexRouter"}
TO_B = {**ROUTE, "transforms.route.regex": "a", "transforms.route.replacement": "b"}
STRING = Schema(Type.STRING)


def record(topic: str) -> Record:
    return Record(topic, STRING, "key", STRING, "value")


def topic_behind(config: dict[str, str], topic: str) -> str | None:
    transformed = build_chain(config).record(record(topic))
    return transformed and transformed.topic


def problems(config: dict[str, str]) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        build_chain(config)
    return {problem.option: problem.message for problem in caught.value.problems}


@pytest.mark.parametrize("name", [f"{KAFKA}.RegexRouter", "RegexRouter", "regex_router"])
def test_a_transform_is_known_by_its_names(name: str) -> None:
    assert topic_behind({**TO_B, "transforms.route.type": name}, "a") == "b"


@pytest.mark.parametrize(("part", "key"), [("Key", {"it": "key"}), ("Value", "key")])
def test_a_form_for_each_part(part: str, key: object) -> None:
    config = {"transforms": "t", "transforms.t.type": f"HoistField${part}", "transforms.t.field": "it"}
    transformed = build_chain(config).record(record("a"))
    assert transformed is not None
    assert transformed.key == key


def test_transforms_run_in_the_order_they_are_named() -> None:
    again = {"type": "RegexRouter", "regex": "b", "replacement": "c"}
    config = {**TO_B, **{f"transforms.again.{name}": value for name, value in again.items()}}
    assert topic_behind({**config, "transforms": "route, again"}, "a") == "c"
    assert topic_behind({**config, "transforms": "again,route"}, "a") == "b"


@pytest.mark.parametrize(("negate", "dropped"), [(None, "a"), ("false", "a"), ("true", "b")])
def test_a_predicate_says_what_is_transformed(negate: str | None, dropped: str) -> None:
    config = {
        "transforms": "drop",
        "transforms.drop.type": f"{KAFKA}.Filter",
        "transforms.drop.predicate": "is_a",
        **({"transforms.drop.negate": negate} if negate else {}),
        "predicates": "is_a",
        "predicates.is_a.type": f"{KAFKA}.predicates.TopicNameMatches",
        "predicates.is_a.pattern": "a",
    }
    assert {topic for topic in "ab" if topic_behind(config, topic) is None} == {dropped}


@pytest.mark.parametrize(
    ("change", "option", "message"),
    [
        ({"transforms": "route,route"}, "transforms", "Duplicate alias"),
        ({"transforms": "route,other"}, "transforms.other.type", "Missing required"),
        ({"transforms.route.type": "Router"}, "transforms.route.type", "could not be found. There are: io.debezium"),
        ({"transforms.route.type": "InsertField"}, "transforms.route.type", "InsertField$Key"),
        ({"transforms.route.regex": "("}, "transforms.route.regex", "is not a regular expression"),
        ({"transforms.route.regex": "[a&&b]"}, "transforms.route.regex", "a class within a class"),
        ({"transforms.route.negate": "true"}, "transforms.route.negate", "has no transforms.route.predicate beside"),
        ({"transforms.route.predicate": "p"}, "transforms.route.predicate", "predicates has no such name"),
        ({"predicates": "p"}, "predicates.p.type", "Missing required"),
        ({"predicates": "p", "predicates.p.type": "x"}, "predicates.p.type", "HasHeaderKey"),
    ],
)
def test_what_is_wrong_is_told_at_its_option(change: dict[str, str], option: str, message: str) -> None:
    found = problems(TO_B | change)
    assert list(found) == [option]
    assert message in found[option]


def test_options_that_contradict_each_other_have_their_whole_names() -> None:
    header_from = {"type": "HeaderFrom$Value", "headers": "a", "fields": "a,b", "operation": "copy"}
    config = {"transforms": "h", **{f"transforms.h.{name}": value for name, value in header_from.items()}}
    found = problems(config)
    assert list(found) == ["transforms.h.headers"]
    assert found["transforms.h.headers"].startswith("transforms.h: ")


def test_all_problems_are_told_at_once() -> None:
    assert set(problems({**ROUTE, "predicates": "p"})) == {
        "transforms.route.regex",
        "transforms.route.replacement",
        "predicates.p.type",
    }


def test_every_option_of_a_transform_has_its_whole_name() -> None:
    described = transform_options({**TO_B, "predicates": "p"}).options
    assert set(described) == {
        *(f"transforms.route.{name}" for name in ("type", "predicate", "negate", "regex", "replacement")),
        "predicates.p.type",
    }
    assert {option.group for option in described.values()} == {"Transforms: route", "Predicates: p"}


def test_options_that_no_transform_knows_are_warned_of() -> None:
    config = {**TO_B, "transforms.route.replacment": "c", "transforms.other.type": "Filter"}
    found = {warning.option: warning.message for warning in transform_warnings(config)}
    assert set(found) == {"transforms.route.replacment", "transforms.other.type"}
    assert "did you mean replacement?" in found["transforms.route.replacment"]


@pytest.mark.parametrize("name", ["ExtractNewRecordState", "ExtractNewDocumentState"])
def test_options_that_debezium_took_out_name_what_took_their_place(name: str) -> None:
    config = {"transforms": "t", "transforms.t.type": name, "transforms.t.delete.handling.mode": "rewrite"}
    (warning,) = transform_warnings(config)
    assert warning.option == "transforms.t.delete.handling.mode"
    assert "delete.tombstone.handling.mode says what becomes of deletes" in warning.message


PACKAGE = """\
from headwater.record import Record

def shout(record: Record) -> Record | None:
    if record.topic == "secret":
        return None
    return Record(record.topic.upper(), record.key_schema, record.key, record.value_schema, record.value)
"""


def test_a_function_of_an_installed_package_is_a_transform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shouting.py").write_text(PACKAGE)
    metadata = tmp_path / "shouting-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[headwater.transforms]\nshout = shouting:shout\n")
    monkeypatch.syspath_prepend(tmp_path)
    config = {"transforms": "t", "transforms.t.type": "shout"}
    assert topic_behind(config, "orders") == "ORDERS"
    assert topic_behind(config, "secret") is None


def test_the_reference_page_is_up_to_date() -> None:
    hint = "run: python -m headwater.worker.transforms_reference > docs/reference/transforms.md"
    assert REFERENCE.read_text() == page(), hint
