"""Which schemas Confluent's converters register, look up and write with, and under which subject; and Headwater's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from headwater.converter import ConversionError
from headwater.plugins import find_converter
from headwater.record import Schema, Type, struct
from tests.conformance import reference
from tests.conformance.reference import AvroConverterReference, ProtobufConverterReference, Written

Reference = AvroConverterReference | ProtobufConverterReference
_STRATEGIES = "io.confluent.kafka.serializers.subject"
ORDER = struct("shop.Order", ("id", Schema(Type.INT32)), ("note", Schema(Type.STRING, optional=True)))
VALUE = {"id": 7, "note": "n"}
UNNAMED = struct(None, *((field.name, field.schema) for field in ORDER.fields))
SHORTER = struct("shop.Order", ("id", Schema(Type.INT32)))
OTHER = struct("shop.Order", ("id", Schema(Type.STRING)))


@pytest.fixture(scope="module", params=["avro", "protobuf"])
def confluent(request: pytest.FixtureRequest) -> Iterator[tuple[str, Reference]]:
    with AvroConverterReference() if request.param == "avro" else ProtobufConverterReference() as process:
        yield request.param, process


def written(
    name: str, folder: Path, schema: Schema, value: Any, options: Mapping[str, str], *, is_key: bool = False
) -> Written:
    """What Headwater's converter makes of a value; raises `ConversionError`."""
    converter = find_converter(name).create({"schema.registry.url": folder.as_uri(), **options}, is_key=is_key)
    message = converter.convert("topic", schema, value)
    (subject,) = (folder / "subjects").iterdir()
    text = max((folder / "ids").iterdir()).read_text()
    return Written(message, subject.stem.replace("%2E", "."), text)


@pytest.mark.parametrize("is_key", [True, False])
@pytest.mark.parametrize("schema", [ORDER, UNNAMED, Schema(Type.INT32)], ids=["named", "unnamed", "number"])
@pytest.mark.parametrize("strategy", ["TopicNameStrategy", "RecordNameStrategy", "TopicRecordNameStrategy"])
def test_subjects_have_the_names_that_the_strategy_gives(
    confluent: tuple[str, Reference], tmp_path: Path, strategy: str, schema: Schema, is_key: bool
) -> None:
    name, original = confluent
    value = VALUE if schema.type is Type.STRUCT else 7
    options = {f"{'key' if is_key else 'value'}.subject.name.strategy": f"{_STRATEGIES}.{strategy}"}
    try:
        expected = original.from_connect_data(schema, value, options, is_key=is_key)
    except reference.ConversionError:
        with pytest.raises(ConversionError):
            written(name, tmp_path, schema, value, options, is_key=is_key)
    else:
        assert written(name, tmp_path, schema, value, options, is_key=is_key) == expected


@pytest.mark.parametrize("registered", [None, ORDER, SHORTER, OTHER], ids=["none", "same", "shorter", "other"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"auto.register.schemas": "false"},
        {"auto.register.schemas": "false", "use.latest.version": "true"},
        {"use.latest.version": "true"},
    ],
    ids=str,
)
def test_schemas_are_registered_or_looked_up_as_the_options_say(
    confluent: tuple[str, Reference], tmp_path: Path, options: dict[str, str], registered: Schema | None
) -> None:
    name, original = confluent
    known: dict[str, str] = {}
    if registered is not None:
        value = {field.name: "7" if field.schema.type is Type.STRING else 7 for field in registered.fields}
        before = written(name, tmp_path, registered, value, {})
        assert before.subject is not None
        assert before.schema is not None
        known = {before.subject: before.schema}
    try:
        expected = original.from_connect_data(ORDER, VALUE, options, registered=known)
    except reference.ConversionError:
        with pytest.raises(ConversionError):
            written(name, tmp_path, ORDER, VALUE, options)
    else:
        assert written(name, tmp_path, ORDER, VALUE, options) == expected
