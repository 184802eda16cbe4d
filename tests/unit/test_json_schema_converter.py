"""What JsonSchemaConverter writes, value by value and in plans, under schemas that a validator of JSON Schema reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from headwater.converter import ConversionError, RetriableConversionError
from headwater.converters.json_schema.converter import JsonSchemaConverter, create
from headwater.record import DECIMAL, Schema, Type, struct
from headwater.shape import Slot, Stage, Struct
from tests.connect_values import Planned, planned, run_planned

Make = Callable[..., JsonSchemaConverter]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "schemas"


@pytest.fixture
def make(folder: Path) -> Make:
    def make(*, is_key: bool = False, **options: str) -> JsonSchemaConverter:
        given = {name.replace("_", "."): value for name, value in options.items()}
        return create({"schema.registry.url": folder.as_uri(), **given}, is_key=is_key)

    return make


def schema_of(folder: Path, message: bytes | None) -> Any:
    assert message is not None
    return json.loads((folder / "ids" / f"{int.from_bytes(message[:5])}.json").read_text())


@settings(max_examples=200, deadline=None)
@given(planned())
def test_a_plan_writes_what_conversion_one_by_one_writes(case: Planned) -> None:
    with TemporaryDirectory() as folder:
        converter = create({"schema.registry.url": Path(folder).as_uri()}, is_key=False)
        expected = [converter.convert("topic", case.schema, value) for value in case.values()]
        assert run_planned(case, converter) == expected


_ROW = struct(
    "server.db.t.Value",
    ("id", Schema(Type.INT32)),
    ("name", Schema(Type.STRING, optional=True)),
    ("kind", Schema(Type.INT16, True, doc="its kind", default=5)),
    ("bytes", Schema(Type.BYTES)),
    ("at", Schema(Type.INT64, True, "org.apache.kafka.connect.data.Timestamp", 1)),
    ("tags", Schema(Type.ARRAY, value_schema=Schema(Type.STRING))),
    ("counts", Schema(Type.MAP, key_schema=Schema(Type.STRING), value_schema=Schema(Type.FLOAT64))),
    ("pairs", Schema(Type.MAP, key_schema=Schema(Type.INT32), value_schema=Schema(Type.BOOLEAN))),
)
_VALUE = {
    "id": 1,
    "name": None,
    "kind": None,
    "bytes": b"abc",
    "at": 1_700_000_000_123,
    "tags": ["é"],
    "counts": {"a": 0.5},
    "pairs": {1: True},
}


def test_what_is_written_is_what_its_schema_asks_for(make: Make, folder: Path) -> None:
    envelope = struct("server.db.t.Envelope", ("before", _ROW.as_optional()), ("after", _ROW.as_optional()))
    message = make(object_additional_properties="false").convert("t", envelope, {"before": None, "after": _VALUE})
    assert message is not None
    payload = json.loads(message[5:])
    assert payload["before"] is None
    assert payload["after"] == {
        **_VALUE,
        "kind": 5,
        "bytes": "YWJj",
        "pairs": [{"key": 1, "value": True}],
    }
    schema = schema_of(folder, message)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    validator.validate(payload)
    assert not validator.is_valid({"after": {**payload["after"], "id": "x"}})
    assert not validator.is_valid({"after": None, "other": 1})


def test_a_schema_says_what_json_has_no_place_for(make: Make, folder: Path) -> None:
    schema = struct("r", ("kind", Schema(Type.INT16, True, doc="its kind", default=5)), version=2)
    assert schema_of(folder, make().convert("t", schema, {"kind": 1})) == {
        "title": "r",
        "type": "object",
        "properties": {
            "kind": {
                "oneOf": [
                    {"type": "null"},
                    {"description": "its kind", "default": 5, "type": "integer", "connect.type": "int16"},
                ],
                "connect.index": 0,
            }
        },
        "connect.version": 2,
    }


@pytest.mark.parametrize(("form", "payload"), [("BASE64", b'"MDk="'), ("numeric", b"123.45")])
def test_decimals(make: Make, form: str, payload: bytes) -> None:
    price = Schema(Type.BYTES, name=DECIMAL, parameters=(("scale", "2"),))
    message = make(decimal_format=form).convert("t", price, 12345)
    assert message == b"\0\0\0\0\1" + payload


@pytest.mark.parametrize(
    ("schema", "value", "reason"),
    [
        (None, "x", "what has no schema"),
        (Schema(Type.INT8), 128, "out of the range of int8"),
        (Schema(Type.STRING, parameters=(("io.confluent.connect.json.Enum", ""),)), "x", "can't be written"),
        (struct("a", ("b", Schema(Type.ARRAY))), {"b": []}, "topic t: b: what has no schema"),
    ],
)
def test_what_does_not_fit_is_refused(make: Make, schema: Schema | None, value: Any, reason: str) -> None:
    with pytest.raises(ConversionError, match=reason):
        make().convert("t", schema, value)


def test_the_registrys_latest_schema_gives_its_number(make: Make) -> None:
    make().convert("topic", struct("r", ("n", Schema(Type.FLOAT64)), ("o", Schema(Type.STRING, True))), {"n": 1.5})
    latest = make(auto_register_schemas="false", use_latest_version="true")
    own = struct("r", ("n", Schema(Type.INT32)))
    assert latest.convert("topic", own, {"n": 1}) == b'\0\0\0\0\1{"n":1}'
    case = Planned(own, Struct((Slot("n", Stage.ROW),)), {}, [{"n": 2}])
    assert run_planned(case, latest) == [b'\0\0\0\0\1{"n":2}']


def test_a_latest_schema_that_cannot_stand_for_the_messages_is_refused_with_what_differs(make: Make) -> None:
    make(object_additional_properties="false").convert("t", struct("r", ("n", Schema(Type.STRING))), {"n": "x"})
    latest = make(auto_register_schemas="false", use_latest_version="true")
    with pytest.raises(RetriableConversionError) as raised:
        latest.convert("t", struct("r", ("n", Schema(Type.INT32)), ("m", Schema(Type.INT8))), {"n": 1, "m": 1})
    text = str(raised.value)
    assert "n: integer is not string; m: no such property is allowed" in text
    assert "n: was string, is integer; n: connect.type was None, is int32; m: is new, integer." in text
