"""Kafka Connect's SimpleHeaderConverter, its default for headers: the value as text, without a schema.

Strings as they are, numbers as Java writes them, bytes as base64, lists, maps and structs like JSON:
``{"id":1004,"name":"Anne"}``. Dates are in UTC, where Connect takes the time zone of its machine.

Source: ``org.apache.kafka.connect.storage.SimpleHeaderConverter`` and ``Values.append`` (Kafka 4.3).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from headwater.config import ConfigDef
from headwater.converter import ConversionError, Scope
from headwater.converters import java_text
from headwater.converters.plain_code import plan_call
from headwater.record import DECIMAL, Schema, Type
from headwater.shape import Node, Slot

OPTIONS = ConfigDef()


def create(options: Mapping[str, str], *, is_key: bool) -> SimpleHeaderConverter:  # noqa: ARG001 - it has no options
    """The converter; it has no options."""
    return SimpleHeaderConverter()


class SimpleHeaderConverter:
    """`headwater.converter.Converter` for headers."""

    def convert(self, topic: str, schema: Schema | None, value: Any) -> bytes | None:
        """As `Converter.convert`; null is null whatever the schema's default."""
        if value is None:
            return None
        try:
            return _text(schema, value, embedded=False).encode("utf-8", "replace")
        except ConversionError as error:
            raise ConversionError(f"topic {topic}: {error}") from None

    def plan(self, topic: str, schema: Schema | None, node: Node, scope: Scope) -> str:
        """As `Converter.plan`."""
        if isinstance(node, Slot) and schema is not None and schema.type is Type.STRING:
            encoded = f"{node.name}.encode('utf-8', 'replace')"
            return f"(None if {node.name} is None else {encoded})" if schema.optional else encoded
        return plan_call(partial(self.convert, topic, schema), schema, node, scope)


def _text(schema: Schema | None, value: Any, *, embedded: bool) -> str:
    """``Values.append``; a string within something else stands in quotes."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return _integer(schema, value)
        case float():
            return java_text.floating(value, schema)
        case str():
            return _quoted(value) if embedded else value
        case bytes():
            text = b64encode(value).decode()
            return f'"{text}"' if embedded else text
        case list():
            items = (_text(schema and schema.value_schema, item, embedded=True) for item in value)
            return f"[{','.join(items)}]"
        case dict():
            return f"{{{','.join(_struct(schema, value) if _is_struct(schema) else _map(schema, value))}}}"
        case _:
            raise ConversionError(f"{type(value).__name__} is not a type of Connect values")


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _integer(schema: Schema | None, value: int) -> str:
    if schema is None:
        return str(value)
    if schema.name == DECIMAL:
        return java_text.big_decimal(value, schema)
    moment = java_text.utc(value, schema)
    return str(value) if moment is None else java_text.iso_8601(moment)


def _is_struct(schema: Schema | None) -> bool:
    return schema is not None and schema.type is Type.STRUCT


def _struct(schema: Schema | None, value: dict[str, Any]) -> Iterable[str]:
    for field in schema.fields if schema else ():
        member = value.get(field.name)
        if member is None:
            member = field.schema.default
        yield f"{_quoted(field.name)}:{_text(field.schema, member, embedded=True)}"


def _map(schema: Schema | None, value: dict[Any, Any]) -> Iterable[str]:
    key_schema, value_schema = (schema.key_schema, schema.value_schema) if schema else (None, None)
    for key, member in value.items():
        yield f"{_text(key_schema, key, embedded=True)}:{_text(value_schema, member, embedded=True)}"
