"""Kafka Connect's converters of single numbers and truth values: fixed-width, the highest byte first.

Source: ``org.apache.kafka.connect.converters``: ``NumberConverter`` and those made of it, ``BooleanConverter``
(Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Any

from headwater.config import ConfigDef
from headwater.converter import ConversionError, Scope
from headwater.converters.expected import INTEGER_BITS, expect, integer_check
from headwater.record import Schema, Type
from headwater.shape import Const, Node, Slot


@dataclass(frozen=True, slots=True)
class NumberConverter:
    """`headwater.converter.Converter` for values of one type, and the `ConverterModule` that makes itself.

    ``natural`` says that a value without a schema is taken for one of this type.
    """

    type: Type
    pack: Callable[[Any], bytes]
    natural: bool = False

    OPTIONS = ConfigDef()

    def create(self, options: Mapping[str, str], *, is_key: bool) -> NumberConverter:  # noqa: ARG002 - it has no options
        """The converter; it has no options."""
        return self

    def convert(self, topic: str, schema: Schema | None, value: Any) -> bytes | None:
        """As `Converter.convert`; null is a null message, whatever the schema's default."""
        try:
            if value is None:
                if self.type is Type.BOOLEAN and schema is not None:
                    self._check(schema)
                return None
            self._check(schema)
            if self.type in INTEGER_BITS:
                integer_check(Schema(self.type))(value)
            else:
                expect(bool if self.type is Type.BOOLEAN else float, value, Schema(self.type))
        except ConversionError as error:
            raise ConversionError(f"topic {topic}: {error}") from None
        return self.pack(value)

    def plan(self, topic: str, schema: Schema | None, node: Node, scope: Scope) -> str:
        """As `Converter.plan`."""
        match node:
            case Const(value):
                converted = self.convert(topic, schema, value)
                return "None" if converted is None else scope.bind(converted)
            case Slot(name) if schema is not None and schema.type is self.type and schema.name not in _JAVA_DATES:
                packed = f"{scope.bind(self.pack)}({name})"
                return f"(None if {name} is None else {packed})" if schema.optional else packed
        raise ConversionError(f"topic {topic}: {self._refusal(schema)}")

    def _check(self, schema: Schema | None) -> None:
        if schema is None:
            if not self.natural:
                raise ConversionError(self._refusal(schema))
        elif schema.type is not self.type or schema.name in _JAVA_DATES:
            raise ConversionError(self._refusal(schema))

    def _refusal(self, schema: Schema | None) -> str:
        given = "a value without a schema" if schema is None else schema.name or schema.type
        return f"this converter writes {self.type} alone, not {given}"


_JAVA_DATES = {f"org.apache.kafka.connect.data.{name}" for name in ("Date", "Time", "Timestamp")}
"""Numbers here, objects in Java, where the converters of numbers refuse them."""

SHORT = NumberConverter(Type.INT16, Struct(">h").pack)
INTEGER = NumberConverter(Type.INT32, Struct(">i").pack)
LONG = NumberConverter(Type.INT64, Struct(">q").pack, natural=True)
FLOAT = NumberConverter(Type.FLOAT32, Struct(">f").pack)
DOUBLE = NumberConverter(Type.FLOAT64, Struct(">d").pack, natural=True)
BOOLEAN = NumberConverter(Type.BOOLEAN, Struct(">?").pack, natural=True)
