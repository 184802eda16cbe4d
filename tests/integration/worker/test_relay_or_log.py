"""An outbox's message is the same whether the relay or log capture delivers it."""

from __future__ import annotations

import json
import uuid
from typing import Any

from confluent_kafka import Message
from pymongo.database import Database

from headwater.outbox import Event
from tests.outboxes import MongoOutbox, RelayProcess
from tests.topic import read_topic
from tests.worker_process import WorkerProcess

TRACE = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "vendor=1"}
HEADERS = ({"saga-id": "42", "tenant": "Müller"}, {}, TRACE, {"tenant": "a", **TRACE})


def test_mongodb(
    worker: WorkerProcess, mongodb_database: Database[dict[str, Any]], mongodb_url: str, kafka_bootstrap: str
) -> None:
    """Of one and the same document; the order of headers says nothing."""
    prefix = f"w{uuid.uuid4().hex[:10]}"
    outbox = MongoOutbox(mongodb_url, mongodb_database)
    router = {
        "type": "io.debezium.connector.mongodb.transforms.outbox.MongoEventRouter",
        "route.topic.replacement": f"{prefix}.log.${{routedByValue}}",
        "collection.expand.json.payload": "true",
        "collection.field.event.headers": "headers",
        "collection.fields.additional.placement": "type:header:eventType,traceparent:header,tracestate:header",
        "collection.field.additional.missing": "ignore",
    }
    config = {
        "connector.class": "MongoDbConnector",
        "topic.prefix": prefix,
        "mongodb.connection.string": mongodb_url,
        "collection.include.list": f"{mongodb_database.name}.outbox",
        "snapshot.mode": "no_data",
        "skipped.operations": "u,d,t",  # what the relay writes down is no event
        "extended.headers.enabled": "false",  # those that tell of the connector
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "json",
        "value.converter.schemas.enable": "false",
        "transforms": "outbox",
        **{f"transforms.outbox.{name}": value for name, value in router.items()},
    }
    worker.create("outbox", config)
    for number, headers in enumerate(HEADERS):
        outbox.publish(Event("Order", str(number), "OrderPaid", {"price": number, "items": ["a"]}), headers=headers)
    relay = RelayProcess(outbox.url, f"{prefix}.relay.${{routedByValue}}", kafka_bootstrap)
    relayed, captured = (
        sorted(_parts(message) for message in read_topic(kafka_bootstrap, f"{prefix}.{by}.Order", _all_are_there))
        for by in ("relay", "log")
    )
    relay.stop()
    assert relayed == captured
    for (_, _, names), headers in zip(relayed, HEADERS, strict=True):
        assert names.keys() == {"id", "eventType", *headers}
        assert names.items() >= headers.items()


def _all_are_there(messages: list[Message]) -> bool:
    return len(messages) == len(HEADERS)


def _parts(message: Message) -> tuple[str, Any, dict[str, str]]:
    key, value = (message.key() or b"").decode(), json.loads(message.value() or b"")
    pairs = [(name, (text or b"").decode()) for name, text in message.headers() or ()]
    assert len(dict(pairs)) == len(pairs)  # none twice
    return key, value, dict(pairs)
