"""Protobuf and JSON Schema through a schema registry, from a real table to independent clients."""

from __future__ import annotations

import json

import pytest
from confluent_kafka.schema_registry.json_schema import JSONDeserializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.json_format import MessageToDict
from grpc_tools import protoc
from jsonschema import Draft7Validator

from tests.topic import read_topic


def written_by(converter, worker, items, config, url, topic, kafka_bootstrap):
    """The messages of two rows, keys and values by that converter."""
    del config["value.converter.schemas.enable"]
    for part in ("key", "value"):
        config[f"{part}.converter"] = converter
        config[f"{part}.converter.schema.registry.url"] = url
    worker.create("c", config)
    items("Anna")
    items(None)
    return read_topic(kafka_bootstrap, topic, lambda messages: len(messages) >= 2)


def parts(message):
    return ((message.key(), MessageField.KEY), (message.value(), MessageField.VALUE))


def compiled(schema, folder):
    """The class of the first message in a schema, by protoc."""
    (folder / "registered.proto").write_text(schema)
    descriptors = folder / "descriptors"
    assert protoc.main(["protoc", f"-I{folder}", f"--descriptor_set_out={descriptors}", "registered.proto"]) == 0
    (file,) = descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes()).file
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.{file.message_type[0].name}"))


@pytest.mark.parametrize(
    "nullables", [{}, {"value.converter.optional.for.nullables": "true"}], ids=["plain", "optional"]
)
def test_protobuf(
    worker, items, config, topic, kafka_bootstrap, registry, schema_registry_url, tmp_path, mysql_engine, nullables
):
    converter = "io.confluent.connect.protobuf.ProtobufConverter"
    names = {f"{part}.converter.scrub.invalid.names": "true" for part in ("key", "value")}
    messages = written_by(
        converter, worker, items, config | names | nullables, schema_registry_url, topic, kafka_bootstrap
    )
    read = []
    for message in messages:
        for data, field in parts(message):
            registered = registry.get_latest_version(f"{topic}-{field}")
            assert (registered.schema.schema_type, registered.schema_id) == (
                "PROTOBUF",
                int.from_bytes(data[1:5], "big"),
            )
            type_ = compiled(registered.schema.schema_str, tmp_path)
            deserialize = ProtobufDeserializer(type_, {"use.deprecated.format": False})
            read.append(MessageToDict(deserialize(data, SerializationContext(topic, field))))
    (first_key, first, second_key, second) = read
    assert (first_key, second_key) == ({"id": 1}, {"id": 2})
    assert (first["after"], second["after"]) == ({"id": 1, "name": "Anna"}, {"id": 2})
    assert (first["op"], first["source"]["table"]) == ("c", "items")
    assert "before" not in first


def test_json_schema(worker, items, config, topic, kafka_bootstrap, registry, schema_registry_url):
    converter = "io.confluent.connect.json.JsonSchemaConverter"
    messages = written_by(converter, worker, items, config, schema_registry_url, topic, kafka_bootstrap)
    read = []
    for message in messages:
        for data, field in parts(message):
            registered = registry.get_latest_version(f"{topic}-{field}")
            assert (registered.schema.schema_type, registered.schema_id) == ("JSON", int.from_bytes(data[1:5], "big"))
            Draft7Validator(json.loads(registered.schema.schema_str)).validate(json.loads(data[5:]))
            deserialize = JSONDeserializer(None, schema_registry_client=registry)
            read.append(deserialize(data, SerializationContext(topic, field)))
    (first_key, first, second_key, second) = read
    assert (first_key, second_key) == ({"id": 1}, {"id": 2})
    assert (first["after"], second["after"]) == ({"id": 1, "name": "Anna"}, {"id": 2, "name": None})
    assert (first["op"], first["before"], first["source"]["table"]) == ("c", None, "items")
