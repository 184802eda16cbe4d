"""Kafka Connect's StringConverter: a value's ``toString``, without a schema.

Made for strings. Bytes are refused: Java writes the address of the array. Dates are in UTC, where Connect takes
the time zone of its machine.

Source: ``org.apache.kafka.connect.storage.StringConverter`` (Kafka 4.3).
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from functools import partial
from typing import Any

from headwater.config import ConfigDef, Importance, Option, OptionType
from headwater.converter import ConversionError, Scope
from headwater.converters import java_text
from headwater.converters.plain_code import plan_call
from headwater.record import DECIMAL, Schema, Type
from headwater.shape import Node, Slot


def _known_encoding(name: str) -> str | None:
    try:
        codecs.lookup(name)
    except LookupError:
        return "is no character set known here"
    return None


OPTIONS = ConfigDef(
    Option(
        "converter.encoding",
        OptionType.STRING,
        "UTF-8",
        "The character set to write strings in.",
        Importance.HIGH,
        _known_encoding,
    ),
)


def create(options: Mapping[str, str], *, is_key: bool) -> StringConverter:  # noqa: ARG001 - keys are written as values are
    """The converter for ``options``, their ``key.converter.`` prefix or the like taken off. Raises `ConfigError`."""
    return StringConverter(OPTIONS.parse(options)["converter.encoding"])


class StringConverter:
    """`headwater.converter.Converter`, for keys, values and headers alike."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding

    def convert(self, topic: str, schema: Schema | None, value: Any) -> bytes | None:
        """As `Converter.convert`; null is a null message, whatever the schema's default."""
        if value is None:
            return None
        try:
            return _to_string(schema, value).encode(self._encoding, "replace")
        except ConversionError as error:
            raise ConversionError(f"topic {topic}: {error}") from None

    def plan(self, topic: str, schema: Schema | None, node: Node, scope: Scope) -> str:
        """As `Converter.plan`."""
        if isinstance(node, Slot) and schema is not None and schema.type is Type.STRING:
            encoded = f"{node.name}.encode({self._encoding!r}, 'replace')"
            return f"(None if {node.name} is None else {encoded})" if schema.optional else encoded
        return plan_call(partial(self.convert, topic, schema), schema, node, scope)


def _to_string(schema: Schema | None, value: Any) -> str:
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
            return value
        case list():
            return f"[{', '.join(_to_string(schema and schema.value_schema, item) for item in value)}]"
        case dict() if schema is not None and schema.type is Type.STRUCT:
            present = (field for field in schema.fields if value.get(field.name) is not None)
            return f"Struct{{{','.join(f'{f.name}={_to_string(f.schema, value[f.name])}' for f in present)}}}"
        case dict():
            keys, values = (schema.key_schema, schema.value_schema) if schema else (None, None)
            return f"{{{', '.join(f'{_to_string(keys, k)}={_to_string(values, v)}' for k, v in value.items())}}}"
        case _:
            raise ConversionError(f"StringConverter can't write {type(value).__name__}")


def _integer(schema: Schema | None, value: int) -> str:
    if schema is None:
        return str(value)
    if schema.name == DECIMAL:
        return java_text.big_decimal(value, schema)
    moment = java_text.utc(value, schema)
    return str(value) if moment is None else f"{moment:%a %b %d %H:%M:%S} UTC {moment:%Y}"
