import base64
from typing import Any

import pytest

from headwater.record import DECIMAL, Schema, Type
from headwater.source import SourceError
from headwater.sources.mysql.table import Column
from headwater.sources.mysql.types import DecimalMode, ValueOptions, column_schema, key_schema, row_schema
from tests.recordings.mysql_structure import recorded


def shown(schema: Schema, field: str | None = None) -> dict[str, Any]:
    """A schema as JsonConverter writes it."""
    document: dict[str, Any] = {"type": str(schema.type), "optional": schema.optional}
    if schema.type is Type.STRUCT:
        document["fields"] = [shown(member.schema, member.name) for member in schema.fields]
    if schema.value_schema:
        document["items"] = shown(schema.value_schema)
    if schema.parameters:
        document["parameters"] = dict(schema.parameters)
    if schema.default is not None:
        document["default"] = shown_value(schema, schema.default)
    named = {"name": schema.name, "version": schema.version, "doc": schema.doc, "field": field}
    return document | {name: value for name, value in named.items() if value is not None}


def shown_value(schema: Schema, value: Any) -> Any:
    if schema.name == DECIMAL:
        value = value.to_bytes((value.bit_length() + 8) // 8, "big", signed=True)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return pytest.approx(value, rel=1e-7) if schema.type is Type.FLOAT32 else value


@pytest.mark.parametrize("mode", DecimalMode)
@pytest.mark.parametrize("table", recorded())
def test_schemas_are_those_of_debezium(table: str, mode: DecimalMode) -> None:
    structure, expected = recorded()[table].structure, recorded()[table].debezium[mode]
    topic, options = f"x.recorded.{table}", ValueOptions(mode)
    row = shown(row_schema(structure, topic, options).as_optional(), "after")
    for ours, theirs in zip(row["fields"], expected["row"]["fields"], strict=True):
        assert ours == theirs
    assert row == expected["row"]
    key = shown(key_schema(structure, topic, options)) if structure.key else None
    assert key == expected["key"]


def default(kind: str, text: str, **attributes: Any) -> Any:
    return column_schema(Column("c", kind, nullable=True, default=text, **attributes), ValueOptions()).default


@pytest.mark.parametrize(
    ("kind", "text", "attributes", "value"),
    [
        ("varchar", "it's \\ two\nlines", {}, "it's \\ two\nlines"),
        ("enum", "a'b", {"values": ("a'b",)}, "a'b"),
        ("binary", "0x61", {"length": 3}, b"a\0\0"),
        ("varbinary", "0x69742773", {"length": 20}, b"it's"),
        ("bigint", "9007199254740993", {}, 9007199254740993),
        ("bigint", "18446744073709551615", {"unsigned": True}, -1),
    ],
)
def test_a_default_is_the_value_that_a_row_gets(kind: str, text: str, attributes: dict[str, Any], value: Any) -> None:
    """Where Debezium's is not: it leaves escapes in text and rounds big numbers."""
    assert default(kind, text, **attributes) == value


def test_a_decimal_default_keeps_every_digit() -> None:
    digits = "12345678901234567890123456789012345.123456789012345678901234567890"
    assert default("decimal", digits, length=65, scale=30) == int(digits.replace(".", ""))
    assert default("decimal", "-0.05", length=10, scale=2) == -5


def test_a_default_that_can_not_be_read_is_named() -> None:
    with pytest.raises(SourceError, match=r"'soon' of column c can't be read as date.*column\.exclude\.list"):
        default("date", "soon")


def test_a_type_that_is_not_known_is_named() -> None:
    with pytest.raises(SourceError, match=r"column c has type hologram\(3\).*column\.exclude\.list"):
        column_schema(Column("c", "hologram", nullable=True, type_text="hologram(3)"), ValueOptions())
