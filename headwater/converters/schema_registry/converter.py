"""What all converters have in common whose messages name a schema in a registry.

A message begins with a zero byte and the schema's number in four bytes, the highest first; the schema itself stands
in the registry alone.

Source: Confluent's documentation, Wire Format.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

from headwater.converter import ConversionError, RetriableConversionError, Scope
from headwater.record import Schema
from headwater.shape import Const, Node

MAGIC = b"\x00"
"""The first byte of a message in Confluent's wire format."""


def header(number: int) -> bytes:
    """What a message begins with whose schema has this number."""
    return MAGIC + number.to_bytes(4, "big")


class OwnSchema(NamedTuple):
    """The schema of messages as their converter would register it, and the subject to register it under."""

    subject: str
    text: str


class Prepared(NamedTuple):
    """How values of a schema, other than null, are written to a topic.

    ``number``  that of the schema that messages name
    ``write``   a value's message
    ``plan``    the expression of it, as `headwater.converter.Converter.plan`
    """

    schema: Schema | None  # kept, so that its id stays its own
    number: int
    write: Callable[[Any], bytes]
    plan: Callable[[Node, Scope], str]


class RegistryConverter(ABC):
    """`headwater.converter.Converter`, for keys or for values."""

    def __init__(self, cache_size: int) -> None:
        self._cache_size = max(1, cache_size)
        self._prepared: dict[tuple[str, int], Prepared] = {}

    @abstractmethod
    def prepare(self, topic: str, schema: Schema | None) -> Prepared:
        """Register the schema and say how it is written. Raises as `Converter.plan` does."""

    @abstractmethod
    def own_schema(self, topic: str, schema: Schema | None) -> OwnSchema:
        """What `prepare` would register; the registry is not asked. Raises `ConversionError`."""

    def convert(self, topic: str, schema: Schema | None, value: Any) -> bytes | None:
        """As `Converter.convert`; null is a null message where the schema allows it, whatever its default."""
        if value is None and (schema is None or schema.optional):
            return None
        try:
            return self._known(topic, schema).write(value)
        except RetriableConversionError:
            raise
        except ConversionError as error:
            raise ConversionError(f"topic {topic}: {error}") from None

    def plan(self, topic: str, schema: Schema | None, node: Node, scope: Scope) -> str:
        """As `Converter.plan`. A slot whose schema is required is trusted to hold no null."""
        if isinstance(node, Const):
            converted = self.convert(topic, schema, node.value)
            return "None" if converted is None else scope.bind(converted)
        if schema is None:
            raise ConversionError(f"topic {topic}: only a constant can be planned without a schema")
        try:
            return self._known(topic, schema).plan(node, scope)
        except RetriableConversionError:
            raise
        except ConversionError as error:
            raise ConversionError(f"topic {topic}: {error}") from None

    def schema_id(self, topic: str, schema: Schema | None) -> int:
        """The number of the schema that messages of ``schema`` name. Raises as `Converter.plan` does."""
        return self._known(topic, schema).number

    def _known(self, topic: str, schema: Schema | None) -> Prepared:
        prepared = self._prepared.get((topic, id(schema)))
        if prepared is None:
            prepared = self.prepare(topic, schema)
            if len(self._prepared) >= self._cache_size:
                del self._prepared[next(iter(self._prepared))]
            self._prepared[topic, id(schema)] = prepared
        return prepared
