"""The contract of messages in Avro: a schema file for each topic.

Whoever publishes to a topic registers its schema, and messages are written with that one: a message that doesn't fit
is not sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from examples.food_orders.settings import Settings
from headwater.converters.avro.converter import registry_at
from headwater.converters.avro.reader import AvroDeserializer
from headwater.converters.json_reader import JsonDeserializer
from headwater.deserializer import Deserializer

SCHEMAS = Path(__file__).parent / "schemas"


def register(settings: Settings, topics: Iterable[str]) -> None:
    """Register the schemas of these topics, where messages are in Avro. Raises `RegistryError`."""
    if not settings.schema_registry_url:
        return
    registry = registry_at(settings.schema_registry_url)
    for topic in topics:
        registry.register(f"{settings.prefix}{topic}-value", (SCHEMAS / f"{topic}.avsc").read_text())


def deserializer(settings: Settings) -> Deserializer:
    """What reads messages."""
    return AvroDeserializer.at(settings.schema_registry_url) if settings.schema_registry_url else JsonDeserializer()


def value_converter(settings: Settings) -> dict[str, str]:
    """What writes them: the options of a relay or a worker."""
    if not settings.schema_registry_url:
        return {
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
        }
    return {
        "value.converter": "io.confluent.connect.avro.AvroConverter",
        "value.converter.schema.registry.url": settings.schema_registry_url,
        "value.converter.auto.register.schemas": "false",
        "value.converter.use.latest.version": "true",
        "value.converter.latest.compatibility.strict": "false",  # the payload's own schema is made of its JSON
    }
