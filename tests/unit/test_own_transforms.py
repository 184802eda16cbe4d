"""Transforms of one's own: files under ``plugin.path``, and the helper that tests them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headwater.config import ConfigError
from headwater.plugin_path import use_plugin_path
from headwater.plugins import plugin_classes
from headwater.record import Header, Record
from headwater.testing.transforms import StepError, change_event, tombstone, transformed
from headwater.worker.transforms import transform_options
from headwater.worker.worker_config import read_worker_config

Write = Callable[[str, str], Path]
USED = {"transforms": "t", "transforms.t.type": "mine"}
SHOUT = """\
from dataclasses import replace

def transform(record):
    return None if record.value is None else replace(record, topic=record.topic.upper())
"""
WITH_OPTIONS = """\
from headwater.config import ConfigDef, Option, OptionType
from headwater.transforms.record_function import RecordFunction
from dataclasses import replace

OPTIONS = ConfigDef(Option("topic", OptionType.STRING, "other", "The topic."))

def create(options, part):
    topic = OPTIONS.parse(options)["topic"]
    return RecordFunction(lambda record: replace(record, topic=topic))
"""


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Writes a file under ``plugin.path``."""
    use_plugin_path(read_worker_config({"plugin.path": f"/nowhere,{tmp_path}"}).plugin_path)

    def write(name: str, source: str) -> Path:
        file = tmp_path / name
        file.write_text(source)
        return file

    yield write
    use_plugin_path([])


EVENT = change_event("shop.orders", after={"id": 1, "note": None})


def test_a_file_is_a_transform(write: Write) -> None:
    write("mine.py", SHOUT)
    found = transformed(EVENT, USED)
    assert found is not None
    assert found.topic == "SHOP.ORDERS"
    assert transformed(tombstone("shop.orders", "1"), USED) is None
    assert ("mine", "transformation") in plugin_classes()


def test_a_file_with_options(write: Write) -> None:
    write("mine.py", WITH_OPTIONS)
    found = transformed(EVENT, {**USED, "transforms.t.topic": "there"})
    assert found is not None
    assert found.topic == "there"
    assert "transforms.t.topic" in transform_options(USED).options


def test_nothing_else_is_loaded(write: Write, tmp_path: Path) -> None:
    write("mine.py", SHOUT)
    outside = tmp_path.parent / "outside.py"
    for file in (tmp_path / "beside.py", outside):
        file.write_text(f"open({str(tmp_path / 'loaded')!r}, 'w')")
    transformed(EVENT, USED)
    for name in ("../outside", str(outside.with_suffix("")), "os", "headwater.cli"):
        with pytest.raises(ConfigError, match=r"could not be found.*mine"):
            transformed(EVENT, {**USED, "transforms.t.type": name})
    assert not (tmp_path / "loaded").exists()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def transform(:", "SyntaxError"),
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("x = 1", "no function"),
    ],
)
def test_a_file_that_can_not_be_loaded_is_told_of(write: Write, source: str, reason: str) -> None:
    file = write("mine.py", source)
    with pytest.raises(ConfigError, match=reason) as caught:
        transformed(EVENT, USED)
    ((option, message),) = [(problem.option, problem.message) for problem in caught.value.problems]
    assert option == "transforms.t.type"
    assert str(file) in message


def test_a_changed_file_is_loaded_again(write: Write) -> None:
    write("mine.py", SHOUT)
    transformed(EVENT, USED)
    write("mine.py", SHOUT.replace("upper()", "title()"))
    found = transformed(EVENT, USED)
    assert found is not None
    assert found.topic == "Shop.Orders"


@pytest.mark.parametrize(
    ("before", "after", "op"), [(None, {"id": 1}, "c"), ({"id": 1}, {"id": 2}, "u"), ({"id": 1}, None, "d")]
)
def test_change_events(before: dict[str, int] | None, after: dict[str, int] | None, op: str) -> None:
    event = change_event("shop.orders", before=before, after=after)
    assert (event.value["op"], event.value["before"], event.value["after"]) == (op, before, after)
    unwrapped = {"transforms": "t", "transforms.t.type": "ExtractNewRecordState"}
    found = transformed(event, unwrapped)
    assert found is not None
    assert found.value == after


def test_a_function_by_itself() -> None:
    def marked(record: Record) -> Record:
        return replace(record, headers=(*record.headers, Header("seen", None, "yes")))

    found = transformed(EVENT, marked)
    assert found is not None
    assert [header.name for header in found.headers] == ["seen"]
    with pytest.raises(StepError, match="a Record or None is wanted"):
        transformed(EVENT, lambda _record: 1)  # type: ignore[arg-type,return-value]


def test_the_example_in_the_docs(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its transform, its configuration and its test."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "transforms.md").read_text()
    source, its_test = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    write("hide_email.py", source)
    monkeypatch.syspath_prepend(tmp_path)
    namespace: dict[str, Any] = {}
    exec(its_test, namespace)
    namespace["test_addresses_are_hidden"]()
    (block,) = (block for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL) if "hide_email" in block)
    assert transformed(EVENT, json.loads(f"{{{block}}}")) is not None
