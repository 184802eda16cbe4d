"""Messages as an AsyncAPI document: what a connector sends to its topics, whoever reads it.

Source: AsyncAPI 3.0.0, and version 0.4.0 of its bindings for Kafka, whose keys may be Avro.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from headwater.cli.connector_file import Built
from headwater.cli.schema.json_schema import Document, JsonForm
from headwater.cli.schema.messages import Messages, MessageType, Part
from headwater.cli.schema.names import Namer
from headwater.converter import Converter
from headwater.converters.avro.converter import AvroConverter
from headwater.converters.binary_data import BinaryDataConverter
from headwater.converters.byte_array import ByteArrayConverter
from headwater.converters.json import JsonConverter
from headwater.converters.json_schema.converter import JsonSchemaConverter
from headwater.converters.schema_registry.converter import RegistryConverter
from headwater.converters.string import StringConverter
from headwater.record import Type

_BINDING = {"bindingVersion": "0.4.0"}
_JSON = "application/json"
_IN_REGISTRY = {"schemaIdLocation": "payload", "schemaIdPayloadEncoding": "confluent"}


class _Written(NamedTuple):
    """Keys or values as they are in messages.

    ``schema``  an AsyncAPI schema, or one of another format
    ``plain``   the same where another format can't be named
    """

    content_type: str
    schema: Document
    plain: Document


def asyncapi(found: Messages, parts: Built) -> Document:
    """The document. Raises `ConversionError` where a converter can't write what is sent."""
    document = _Document(parts)
    for message in found.types:
        document.add(message)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": parts.name,
            "version": "1.0.0",
            "description": f"What the connector {parts.name} sends of {found.table}.",
        },
        "channels": document.channels,
        "operations": document.operations,
        "components": {"messages": document.messages},
    }


@dataclass(slots=True)
class _Document:
    """The parts of a document while it is being written."""

    parts: Built
    channels: dict[str, Document] = field(default_factory=dict)
    operations: dict[str, Document] = field(default_factory=dict)
    messages: dict[str, Document] = field(default_factory=dict)
    _message_names: Namer = field(default_factory=Namer)
    _channel_names: Namer = field(default_factory=Namer)
    _by_topic: dict[str, str] = field(default_factory=dict)

    def add(self, message: MessageType) -> None:
        """Describe messages, and their topic where it is a new one."""
        channel = self._channel(message.topic)
        name = message.event_type or message.topic
        for written in _written(self.parts.converters.value, message.topic, message.value):
            self._message(channel, name, message, {"contentType": written.content_type, "payload": written.schema})
        if message.tombstones:
            self._message(channel, f"{name}.tombstone", message, {"payload": {"type": "null"}})

    def _channel(self, topic: str) -> str:
        if topic not in self._by_topic:
            name = self._by_topic[topic] = self._channel_names.name(_identifier(topic))
            self.channels[name] = {
                "address": topic,
                "messages": {},
                "bindings": {"kafka": {"topic": topic, **_BINDING}},
            }
            self.operations[f"send.{name}"] = {
                "action": "send",
                "channel": {"$ref": f"#/channels/{name}"},
                "messages": [],
            }
        return self._by_topic[topic]

    def _message(self, channel: str, name: str, message: MessageType, content: Document) -> None:
        identifier = self._message_names.name(_identifier(name))
        self.messages[identifier] = {
            "name": name,
            **content,
            **({"headers": _headers(message)} if message.headers else {}),
            "bindings": {"kafka": self._binding(message)},
        }
        self.channels[channel]["messages"][identifier] = {"$ref": f"#/components/messages/{identifier}"}
        sent = {"$ref": f"#/channels/{channel}/messages/{identifier}"}
        self.operations[f"send.{channel}"]["messages"].append(sent)

    def _binding(self, message: MessageType) -> Document:
        keys = list(_written(self.parts.converters.key, message.topic, message.key)) if message.key.schemas else []
        registry = _IN_REGISTRY if isinstance(self.parts.converters.value, RegistryConverter) else {}
        return {**({"key": keys[0].plain} if keys else {}), **registry, **_BINDING}


def _written(converter: Converter, topic: str, part: Part) -> Iterator[_Written]:
    """What a converter writes; several where it writes each schema by itself."""
    match converter:
        case RegistryConverter():
            for schema in part.schemas:
                yield _registered(converter, converter.own_schema(topic, schema).text)
        case JsonConverter():
            yield _json(converter, part)
        case StringConverter() | ByteArrayConverter() | BinaryDataConverter():
            yield _as_it_is(converter, part)
        case _:
            described = {"description": f"as {type(converter).__name__} writes it"}
            yield _Written("application/octet-stream", described, described)


def _registered(converter: RegistryConverter, text: str) -> _Written:
    match converter:
        case AvroConverter():
            schema = json.loads(text)
            media_type = "application/vnd.apache.avro"
            return _Written(
                media_type, {"schemaFormat": f"{media_type}+json;version=1.9.0", "schema": schema}, _as_object(schema)
            )
        case JsonSchemaConverter():
            schema = json.loads(text)
            return _Written(
                _JSON, {"schemaFormat": "application/schema+json;version=draft-07", "schema": schema}, schema
            )
        case _:
            media_type = "application/vnd.google.protobuf"
            return _Written(
                media_type, {"schemaFormat": f"{media_type};version=3", "schema": text}, {"description": text}
            )


def _as_object(avro: Any) -> Document:
    """An Avro schema where an object is wanted."""
    return avro if isinstance(avro, dict) else {"type": avro} if isinstance(avro, str) else {"description": str(avro)}


def _json(converter: JsonConverter, part: Part) -> _Written:
    payload = JsonForm(converter.numeric_decimals).document(part.type)
    if not converter.in_envelope:
        return _Written(_JSON, payload, payload)
    envelope = {
        "type": "object",
        "properties": {
            "schema": {"type": ["object", "null"], "description": "Kafka Connect's schema of the payload"},
            "payload": payload,
        },
        "required": ["schema", "payload"],
    }
    return _Written(_JSON, envelope, envelope)


def _as_it_is(converter: Converter, part: Part) -> _Written:
    """Text or bytes, which may be JSON."""
    type_ = Type.STRING if isinstance(converter, StringConverter) else Type.BYTES
    documents = part.documents(type_, orjson.loads)
    if documents is not None:
        schema = JsonForm().document(documents)
        return _Written(_JSON, schema, schema)
    text: Document = {"type": "string"}
    return _Written("text/plain" if type_ is Type.STRING else "application/octet-stream", text, text)


def _headers(message: MessageType) -> Document:
    return {"type": "object", "properties": {name: {"type": "string"} for name in message.headers}}


def _identifier(text: str) -> str:
    """A name for a component."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", text) or "_"
