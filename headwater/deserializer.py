"""What a deserializer is: it reads what a converter wrote, Kafka Connect's ``Converter.toConnectData``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from headwater.record import Schema


class DeserializationError(Exception):
    """Bytes are not what they are said to be: says why."""


class RetriableDeserializationError(DeserializationError):
    """What reads the bytes can't for now, whatever they say: a schema registry doesn't answer."""


class SchemaAndValue(NamedTuple):
    """A Connect value (see `headwater.record`); without a schema, what plain JSON has."""

    schema: Schema | None
    value: Any


class Deserializer(Protocol):
    """For keys or values; used by one thread at a time."""

    def read(self, topic: str, data: bytes) -> SchemaAndValue:
        """What the bytes of one key or value say. Raises `DeserializationError`."""
