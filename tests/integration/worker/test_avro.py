"""Avro through a schema registry, from a real table to independent clients, and what a registry can refuse."""

from __future__ import annotations

import io
import json
from urllib.parse import urlsplit

import fastavro
import httpx
import pytest
from bson import Int64, json_util
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from sqlalchemy import text

from tests.faults.proxy import Proxy
from tests.topic import read_topic
from tests.worker_process import wait_until


@pytest.fixture
def avro(config, schema_registry_url):
    """The configuration with keys and values in Avro."""
    del config["value.converter.schemas.enable"]
    for part in ("key", "value"):
        config[f"{part}.converter"] = "io.confluent.connect.avro.AvroConverter"
        config[f"{part}.converter.schema.registry.url"] = schema_registry_url
        config[f"{part}.converter.max.retries"] = "0"
    return config


def set_compatibility(url, subject, level):
    answer = httpx.put(f"{url}/config/{subject}", json={"compatibility": level})
    assert answer.status_code == httpx.codes.OK, answer.text


def read_names(kafka_bootstrap, topic, registry, count):
    """The names in the topic's first messages, by Confluent's deserializer."""
    read = AvroDeserializer(registry)
    context = SerializationContext(topic, MessageField.VALUE)
    messages = read_topic(kafka_bootstrap, topic, lambda messages: len(messages) >= count)
    return [read(message.value(), context)["after"]["name"] for message in messages]


def test_rows_are_read_by_independent_clients(worker, items, avro, topic, kafka_bootstrap, registry):
    worker.create("c", avro)
    items("Anna")
    items(None)
    (first, second) = read_topic(kafka_bootstrap, topic, lambda messages: len(messages) >= 2)
    read = AvroDeserializer(registry)
    keys = [read(m.key(), SerializationContext(topic, MessageField.KEY)) for m in (first, second)]
    values = [read(m.value(), SerializationContext(topic, MessageField.VALUE)) for m in (first, second)]
    assert keys == [{"id": 1}, {"id": 2}]
    assert [value["after"] for value in values] == [{"id": 1, "name": "Anna"}, {"id": 2, "name": None}]
    assert values[0]["before"] is None
    assert values[0]["op"] == "c"
    assert values[0]["source"]["table"] == "items"

    registered = registry.get_latest_version(f"{topic}-value")
    assert int.from_bytes(first.value()[1:5], "big") == registered.schema_id
    assert read_by_fastavro(registry, first.value()) == values[0]


def read_by_fastavro(registry, message):
    """The value in a message, whose schema is asked of the registry by its number."""
    schema = fastavro.parse_schema(json.loads(registry.get_schema(int.from_bytes(message[1:5], "big")).schema_str))
    rest = io.BytesIO(message[5:])
    value = fastavro.schemaless_reader(rest, schema, None)
    assert rest.read() == b""
    return value


ORDER = {
    "customerId": "65e000000000000000001000",
    "price": Int64(109900),
    "paymentOrderStatus": "PENDING",
    "items": [{"productId": "65e000000000000000001001", "quantity": 1}, {"productId": "65e0", "quantity": 8}],
    "address": {"street": "Rua das Flores 12", "city": "São Paulo"},
    "paid": True,
    "discount": 0.5,
}
EVENT = {"_id": "e1", "aggregatetype": "Order", "aggregateid": "o1", "type": "OrderCreated", "payload": ORDER}


@pytest.mark.parametrize(
    ("transform", "topic", "key", "wanted"),
    [
        (
            {"type": "MongoEventRouter", "collection.expand.json.payload": "true"},
            "{prefix}.Order",
            "o1",
            ORDER,
        ),
        ({"type": "MongoEventRouter"}, "{prefix}.Order", "o1", ORDER),
        ({"type": "ExtractNewDocumentState"}, "{prefix}.{database}.outbox", {"id": "e1"}, EVENT),
    ],
    ids=["routed", "routed-as-text", "flattened"],
)
def test_an_outboxs_documents_are_read_by_independent_clients(
    worker, avro, mongodb_url, mongodb_database, kafka_bootstrap, registry, transform, topic, key, wanted
):
    prefix = avro["topic.prefix"]
    mongodb = {
        "connector.class": "MongoDbConnector",
        "topic.prefix": prefix,
        "mongodb.connection.string": mongodb_url,
        "collection.include.list": f"{mongodb_database.name}.outbox",
        "transforms": "t",
        **{f"transforms.t.{name}": value for name, value in transform.items()},
        **{name: value for name, value in avro.items() if ".converter" in name},
    }
    if transform["type"] == "MongoEventRouter":
        mongodb |= {"transforms.t.route.topic.replacement": f"{prefix}.${{routedByValue}}"}
    mongodb_database.outbox.insert_one(EVENT)
    worker.create("c", mongodb)
    topic = topic.format(prefix=prefix, database=mongodb_database.name)
    (message,) = read_topic(kafka_bootstrap, topic, lambda messages: len(messages) >= 1)
    read = AvroDeserializer(registry)
    value = read(message.value(), SerializationContext(topic, MessageField.VALUE))
    assert read_by_fastavro(registry, message.value()) == value
    assert (json_util.loads(value) if isinstance(value, str) else value) == wanted
    assert read(message.key(), SerializationContext(topic, MessageField.KEY)) == key
    assert read_by_fastavro(registry, message.key()) == key


@pytest.mark.parametrize("row_metadata", ["FULL"], indirect=True)
@pytest.mark.parametrize("tolerance", ["none", "all"])
def test_a_refused_schema_stops_the_task_which_goes_on_once_it_is_let_pass(
    worker, items, avro, topic, tolerance, mysql_engine, row_metadata, kafka_bootstrap, registry, schema_registry_url
):
    subject = f"{topic}-value"
    worker.create("c", {**avro, "errors.tolerance": tolerance})
    items("Anna")
    read_topic(kafka_bootstrap, topic, lambda messages: len(messages) >= 1)
    set_compatibility(schema_registry_url, subject, "FULL")
    with mysql_engine.begin() as connection:
        connection.execute(text("ALTER TABLE items ADD COLUMN grade INT NOT NULL"))
        connection.execute(text("INSERT INTO items (name, grade) VALUES ('Ben', 1)"))
    task = worker.wait_for_state("c", "RESTARTING")
    assert f"subject {subject}" in task["trace"]
    assert "after.grade: is new, int, without a default" in task["trace"]
    with mysql_engine.begin() as connection:
        connection.execute(text("INSERT INTO items (name, grade) VALUES ('Cleo', 2)"))
    set_compatibility(schema_registry_url, subject, "NONE")
    worker.wait_running("c")
    assert read_names(kafka_bootstrap, topic, registry, 3) == ["Anna", "Ben", "Cleo"]


def test_a_registry_that_is_down_is_waited_for(
    worker, items, avro, topic, kafka_bootstrap, registry, schema_registry_url
):
    address = urlsplit(schema_registry_url)
    with Proxy((address.hostname, address.port)) as proxy:
        proxy.refuse()
        for part in ("key", "value"):
            url = f"http://someone:a-secret@127.0.0.1:{proxy.port}{address.path}"
            avro[f"{part}.converter.schema.registry.url"] = url
        worker.create("c", avro)
        items("Anna")
        task = worker.wait_for_state("c", "RESTARTING")
        assert f"http://127.0.0.1:{proxy.port}{address.path} can't be asked" in task["trace"]
        items("Ben")
        accepted = proxy.accepted
        wait_until("another attempt", lambda: proxy.accepted > accepted)
        proxy.flow()
        worker.wait_running("c")
        assert read_names(kafka_bootstrap, topic, registry, 2) == ["Anna", "Ben"]
    assert "a-secret" not in worker.log.read_text()
