"""Messages as Avro schemas: those that the Avro converter registers, by the subjects that it registers them under."""

from __future__ import annotations

import json
from typing import Any

from headwater.cli.connector_file import Built
from headwater.cli.schema.messages import Messages
from headwater.converter import Converter
from headwater.converters.avro import converter as avro_converter
from headwater.converters.avro.converter import AvroConverter


def avro(found: Messages, parts: Built) -> list[dict[str, Any]]:
    """Each schema with its topic and subject, which may have several. Raises `ConversionError`.

    The connector's own Avro converters say what they are, with their options; otherwise one with defaults.
    """
    registry = (parts.schemas / "avro").as_uri()

    def converter(configured: Converter, *, is_key: bool) -> AvroConverter:
        if isinstance(configured, AvroConverter):
            return configured
        return avro_converter.create({"schema.registry.url": registry}, is_key=is_key)

    keys, values = converter(parts.converters.key, is_key=True), converter(parts.converters.value, is_key=False)
    found_schemas = {
        (message.topic, *writer.own_schema(message.topic, schema)): None
        for message in found.types
        for writer, part in ((keys, message.key), (values, message.value))
        for schema in part.schemas
    }
    return [{"topic": topic, "subject": subject, "schema": json.loads(text)} for topic, subject, text in found_schemas]
