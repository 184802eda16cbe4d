"""What ``headwater schema`` writes of schemas and documents of any kind, and that it is true of the messages."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from pydantic import BaseModel

from headwater.chain import Chain
from headwater.cli.connector_file import Built
from headwater.cli.schema.asyncapi import asyncapi
from headwater.cli.schema.messages import Messages, MessageType
from headwater.cli.schema.names import OF_BASE_MODEL, RESERVED_FIELDS, class_name, field_name, literal, variable_name
from headwater.cli.schema.python_source import Style, python_source
from headwater.cli.schema.value_type import (
    ANYTHING,
    Anything,
    Array,
    Map,
    Member,
    Scalar,
    Struct,
    Unknown,
    ValueType,
    merged,
    of_document,
    of_schema,
)
from headwater.consumer import Message
from headwater.converter import Converter
from headwater.inbox.events import ChangeEvents
from headwater.plan import Converters
from headwater.plugins import find_converter
from headwater.record import DECIMAL, Schema, Type, struct
from tests.connect_values import schemas, values
from tests.generated_source import as_module, check_asyncapi

INTEGER, TEXT, NUMBER = ValueType(Scalar(Type.INT64)), ValueType(Scalar(Type.STRING)), ValueType(Scalar(Type.FLOAT64))
NAMES = st.text(max_size=12) | st.sampled_from([*OF_BASE_MODEL, *RESERVED_FIELDS, "class", "_id", "a-b", "a_b", "ﬁn"])


def converters(name: str, **options: str) -> Converters:
    def make(*, is_key: bool) -> Converter:
        return find_converter(name).create(options, is_key=is_key)

    return Converters(make(is_key=True), make(is_key=False), make(is_key=False))


def built(of: Converters) -> Built:
    """A connector without a source, which what is tested here has no need of."""
    return Built("shop", cast("Any", None), Chain(), of, True, str, Path())


PLAIN = partial(converters, "json", **{"schemas.enable": "false"})
ENVELOPED = partial(converters, "json")


def flattened(schema: Schema, *rows: dict[str, Any]) -> Messages:
    message = MessageType("shop.items")
    message.value.add(schema, rows)
    return Messages("db.items", [message], len(rows))


def module_of(found: Messages, style: Style, of: Converters) -> Any:
    return as_module(python_source(found, built(of), style))


def read(reader: ChangeEvents[Any], of: Converters, schema: Schema, row: dict[str, Any]) -> Any:
    event = reader.read(Message("shop.items", 0, 0, None, of.value.convert("shop.items", schema, row)))
    assert event is not None
    return event.after


@given(names=st.lists(NAMES, unique=True, min_size=1, max_size=8), numbers=st.lists(st.integers(0, 99), min_size=8))
@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("of", [PLAIN(), ENVELOPED()], ids=["plain", "enveloped"])
def test_columns_of_any_name_are_read(style: Style, of: Converters, names: list[str], numbers: list[int]) -> None:
    names = [name for name in names if not name.startswith("__") and name.isascii() | name.isprintable()]
    schema = struct("row", *((name, Schema(Type.INT32)) for name in names))
    row = dict(zip(names, numbers, strict=False))
    module = module_of(flattened(schema, row), style, of)
    found = read(module.items_events, of, schema, row)
    fields = found.__dataclass_fields__ if style is Style.DATACLASS else type(found).model_fields
    assert [getattr(found, name) for name in fields] == list(row.values())


def test_a_name_says_nothing_but_a_name() -> None:
    hostile = 'a"""\nimport os\nos.abort()\n"""\\'
    schema = struct(
        hostile, (hostile, Schema(Type.STRING, name="io.debezium.data.Enum", parameters=(("allowed", hostile),)))
    )
    found = flattened(schema, {hostile: "x"})
    found.types[0].topic, found.table = f"{hostile}.{hostile}", f"db.{hostile}"
    for style in Style:
        module = module_of(found, style, PLAIN())
        assert read(next(v for k, v in vars(module).items() if k.endswith("_events")), PLAIN(), schema, {hostile: "x"})


@given(schemas, st.data())
@pytest.mark.parametrize("decimal_format", ["BASE64", "NUMERIC"])
@pytest.mark.parametrize("enveloped", ["true", "false"])
def test_json_of_any_schema_is_what_the_document_says(
    enveloped: str, decimal_format: str, schema: Schema, data: st.DataObject
) -> None:
    of = converters("json", **{"schemas.enable": enveloped, "decimal.format": decimal_format})
    value = data.draw(values(schema))
    found = flattened(schema)
    document = asyncapi(found, built(of))
    check_asyncapi(document)
    ((_, message),) = document["components"]["messages"].items()
    written = of.value.convert("shop.items", schema, value)
    assert written is not None
    if b'"NaN"' not in written and b'Infinity"' not in written:
        Draft7Validator(message["payload"]).validate(json.loads(written))


ROW = struct(
    "shop.items.Value",
    ("id", Schema(Type.INT32)),
    ("total", Schema(Type.BYTES, True, DECIMAL, 1, None, (("scale", "2"),))),
    ("at", Schema(Type.INT64, True, "io.debezium.time.MicroTimestamp", 1)),
    ("place", struct("place", ("x", Schema(Type.FLOAT64)), optional=True)),
    ("tags", Schema(Type.ARRAY, value_schema=Schema(Type.STRING))),
)
KEY = struct("shop.items.Key", ("id", Schema(Type.INT32)))


@pytest.mark.parametrize(
    ("name", "content_type", "format_"),
    [
        ("avro", "application/vnd.apache.avro", "application/vnd.apache.avro+json;version=1.9.0"),
        ("protobuf", "application/vnd.google.protobuf", "application/vnd.google.protobuf;version=3"),
        ("jsonschema", "application/json", "application/schema+json;version=draft-07"),
    ],
)
def test_what_is_registered_stands_in_the_document(tmp_path: Path, name: str, content_type: str, format_: str) -> None:
    of = converters(name, **{"schema.registry.url": tmp_path.as_uri()})
    found = flattened(ROW)
    found.types[0].key.add(KEY, ())
    found.types[0].tombstones = True
    document = asyncapi(found, built(of))
    check_asyncapi(document)
    message, tombstone = document["components"]["messages"].values()
    assert (message["contentType"], message["payload"]["schemaFormat"]) == (content_type, format_)
    assert message["bindings"]["kafka"]["schemaIdLocation"] == "payload"
    assert tombstone["payload"] == {"type": "null"}
    schema = message["payload"]["schema"]
    of.value.convert("shop.items", ROW, {"id": 1, "total": 1, "at": 1, "place": None, "tags": []})
    (registered,) = (tmp_path / "ids").iterdir()
    assert (schema if isinstance(schema, str) else json.dumps(schema, separators=(",", ":"))) == registered.read_text()


@pytest.mark.parametrize(
    ("name", "rows", "content_type", "type_"),
    [
        ("string", ['{"a": 1}'], "application/json", "object"),
        ("string", ["a"], "text/plain", "string"),
        ("string", [], "text/plain", "string"),
        ("bytes", [b'{"a": 1}'], "application/json", "object"),
        ("bytes", [b"\xff"], "application/octet-stream", "string"),
    ],
)
def test_text_and_bytes_are_json_where_all_that_was_seen_is(
    name: str, rows: list[Any], content_type: str, type_: str
) -> None:
    found = flattened(Schema(Type.STRING if name == "string" else Type.BYTES))
    found.types[0].value.values += rows
    document = asyncapi(found, built(converters(name)))
    check_asyncapi(document)
    (message,) = document["components"]["messages"].values()
    assert (message["contentType"], message["payload"]["type"]) == (content_type, type_)


def test_pydantics_names_are_all_kept() -> None:
    assert {name for name in dir(BaseModel) if not name.startswith("_")} <= OF_BASE_MODEL


@pytest.mark.parametrize(
    ("documents", "wanted"),
    [
        ([1, 2], INTEGER),
        ([1, 2.5], NUMBER),
        ([1, "a"], ValueType(Anything())),
        ([True, 1], ValueType(Anything())),
        ([1, None], ValueType(Scalar(Type.INT64), nullable=True)),
        ([None], ValueType(Unknown(), nullable=True)),
        ([[], [1]], ValueType(Array(INTEGER))),
        ([[1, None]], ValueType(Array(ValueType(Scalar(Type.INT64), nullable=True)))),
        ([{"a": 1}, {"b": "x"}], ValueType(Struct((Member("a", INTEGER, False), Member("b", TEXT, False))))),
        ([{"a": 1}, {"a": 2}], ValueType(Struct((Member("a", INTEGER),)))),
        ([{"a": 1}, {}, {"a": 2}], ValueType(Struct((Member("a", INTEGER, False),)))),
        ([{"$timestamp": {"t": 1, "i": 1}}], ValueType(Map(TEXT, ANYTHING))),
        ([Decimal(1)], ValueType(Scalar(Type.BYTES, DECIMAL))),
    ],
)
def test_documents_have_the_type_that_fits_all_of_them(documents: list[Any], wanted: ValueType) -> None:
    assert merged(map(of_document, documents)) == wanted


def test_schemas_that_have_nothing_in_common_are_anything() -> None:
    assert merged(map(of_schema, (Schema(Type.STRING), struct("a", optional=True)))) == ValueType(Anything(), True)


@pytest.mark.parametrize(
    ("text", "of_class", "of_field", "variable"),
    [
        ("order_items", "OrderItems", "order_items", "order_items"),
        ("CoursePostedEvent", "CoursePostedEvent", "CoursePostedEvent", "course_posted_event"),
        ("order.created", "OrderCreated", "order_created", "order_created"),
        ("2fast", "Model_2fast", "field_2fast", "model_2fast"),
        ("-", "Model", "field", "model"),
        ("名前", "名前", "名前", "名前"),
    ],
)
def test_names_are_what_python_and_people_take(text: str, of_class: str, of_field: str, variable: str) -> None:
    assert (class_name(text), field_name(text), variable_name(text)) == (of_class, of_field, variable)


@given(st.text())
def test_a_literal_is_the_text(text: str) -> None:
    assert eval(literal(text)) == text
