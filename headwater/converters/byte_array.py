"""Kafka Connect's ByteArrayConverter: bytes as they are.

Source: ``org.apache.kafka.connect.converters.ByteArrayConverter`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.config import ConfigDef
from headwater.converter import ConversionError, Scope
from headwater.record import DECIMAL, Schema, Type
from headwater.shape import Const, Node, Slot

OPTIONS = ConfigDef()


def create(options: Mapping[str, str], *, is_key: bool) -> ByteArrayConverter:  # noqa: ARG001 - it has no options
    """The converter; it has no options."""
    return ByteArrayConverter()


class ByteArrayConverter:
    """`headwater.converter.Converter`, for keys, values and headers alike."""

    def convert(self, topic: str, schema: Schema | None, value: Any) -> bytes | None:
        """As `Converter.convert`; null is a null message, whatever the schema's default."""
        if schema is not None and schema.type is not Type.BYTES:
            raise _refusal(topic, schema.type)
        if value is not None and type(value) is not bytes:
            raise _refusal(topic, type(value).__name__)
        return value

    def plan(self, topic: str, schema: Schema | None, node: Node, scope: Scope) -> str:
        """As `Converter.plan`."""
        match node:
            case Const(value):
                converted = self.convert(topic, schema, value)
                return "None" if converted is None else scope.bind(converted)
            case Slot(name) if schema is not None and schema.type is Type.BYTES and schema.name != DECIMAL:
                return name
        raise _refusal(topic, "what has no schema" if schema is None else schema.name or schema.type)


def _refusal(topic: str, given: str) -> ConversionError:
    return ConversionError(f"topic {topic}: ByteArrayConverter writes bytes, not {given}")
