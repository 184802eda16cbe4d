"""Headwater's transforms against Kafka Connect's and Debezium's own: the same records, or both refuse."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.chain import StepError
from headwater.config import ConfigError
from headwater.converter import ConversionError
from headwater.converters.json import create as json_converter
from headwater.java_double import double_text
from headwater.java_number import float32
from headwater.record import Record
from headwater.worker.transforms import build_chain
from tests.conformance import reference
from tests.conformance.reference import Transformed, TransformsReference
from tests.mongodb_transform_cases import MONGODB_KINDS
from tests.transform_cases import KINDS, Kind

EXAMPLES = 60
_LONG_DOUBLE = re.compile(rb"-?\d+\.\d{16,}(?:[eE][+-]?\d+)?")
JSON = json_converter({"replace.null.with.default": "false"}, is_key=False)


@pytest.fixture(scope="module")
def connect() -> Iterator[TransformsReference]:
    with TransformsReference() as process:
        yield process


@pytest.mark.parametrize("kind", [*KINDS, *MONGODB_KINDS], ids=lambda kind: kind.class_name.rpartition(".")[2])
def test_records_are_those_of_the_original(
    connect: TransformsReference, kind: Kind, report: Callable[[str], None]
) -> None:
    counts: Counter[str] = Counter()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        config = config_of(kind.class_name, data.draw(kind.options))
        counts[outcome(connect, config, data.draw(kind.records))] += 1

    compare()
    assert counts["the same"] + counts["dropped"] > EXAMPLES / 4
    report(", ".join(f"{count} {what}" for what, count in counts.most_common()))


def config_of(class_name: str, options: Any) -> dict[str, str]:
    return {
        "transforms": "t",
        "transforms.t.type": class_name,
        **{f"transforms.t.{name}": value for name, value in options.items()},
    }


def outcome(connect: TransformsReference, config: dict[str, str], record: Record) -> str:
    """What both made of a record; fails where it is not the same."""
    try:
        expected = connect.apply(config, record)
    except reference.ConversionError:
        with pytest.raises((ConfigError, ConversionError, StepError)):
            described(build_chain(config).record(record))
        return "refused by both"
    found = described(build_chain(config).record(record))
    assert readable(found) == readable(expected)
    return "dropped" if expected is None else "the same"


def described(record: Record | None) -> Transformed | None:
    """A record as the reference describes it."""
    if record is None:
        return None
    return Transformed(
        record.topic,
        record.partition,
        record.timestamp,
        JSON.convert("topic", record.key_schema, record.key),
        JSON.convert("topic", record.value_schema, record.value),
        tuple((header.name, JSON.convert("topic", header.schema, header.value)) for header in record.headers),
    )


def readable(transformed: Transformed | None) -> Any:
    """The same with documents in place of bytes, their members in order."""
    if transformed is None:
        return None
    return (
        transformed.topic,
        transformed.partition,
        transformed.timestamp,
        parsed(transformed.key),
        parsed(transformed.value),
        [(name, parsed(value)) for name, value in transformed.headers],
    )


def parsed(document: bytes | None) -> Any:
    if document is None:
        return None
    # Java before 19 writes more digits of some floats than it takes to name them, in strings too.
    document = _LONG_DOUBLE.sub(lambda found: double_text(float(found[0])).encode(), document)
    read = (lambda text: float32(float(text))) if b'"type":"float"' in document else float
    return json.loads(document, object_pairs_hook=tuple, parse_int=lambda text: ("int", int(text)), parse_float=read)


@pytest.mark.parametrize("negate", ["true", "false"])
@pytest.mark.parametrize(
    "predicate",
    [
        {"type": "TopicNameMatches", "pattern": r"server\.shop\..*"},
        {"type": "TopicNameMatches", "pattern": "shop"},
        {"type": "HasHeaderKey", "name": "h"},
        {"type": "RecordIsTombstone"},
    ],
    ids=str,
)
def test_predicates_choose_the_same_records(
    connect: TransformsReference, predicate: dict[str, str], negate: str, report: Callable[[str], None]
) -> None:
    counts: Counter[str] = Counter()
    config = {
        **config_of("org.apache.kafka.connect.transforms.Filter", {"predicate": "p", "negate": negate}),
        "predicates": "p",
        **{f"predicates.p.{name}": value for name, value in predicate.items()},
        "predicates.p.type": f"org.apache.kafka.connect.transforms.predicates.{predicate['type']}",
    }

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(KINDS[0].records)
    def compare(record: Record) -> None:
        counts[outcome(connect, config, record)] += 1

    compare()
    report(", ".join(f"{count} {what}" for what, count in counts.most_common()))
