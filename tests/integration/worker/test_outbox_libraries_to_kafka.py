"""What a service publishes with any of the libraries arrives in Kafka, by the relay and by log capture."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from pymongo.database import Database
from sqlalchemy import Engine

from headwater.outbox import mongodb
from headwater.outbox.table import Delivery
from tests.integration.test_outbox_libraries import (
    EVENTS,
    HEADERS,
    LIBRARIES,
    Make,
    MongoPublish,
    Publish,
    mongo_libraries,
)
from tests.outboxes import RelayProcess
from tests.sql_databases import plain
from tests.topic import read_topic
from tests.worker_process import WorkerProcess

TEXT = "org.apache.kafka.connect.storage.StringConverter"
PLACEMENT = "type:header:eventType,traceparent:header,tracestate:header"
deliveries = pytest.mark.parametrize("delivery", Delivery)


@contextmanager
def delivering(
    delivery: Delivery, prefix: str, kafka: str, relayed: str, worker: WorkerProcess, captured: Mapping[str, str]
) -> Iterator[None]:
    """A relay on the URL ``relayed``, or a connector with the configuration ``captured``."""
    if delivery is Delivery.LOG:
        worker.create("outbox", captured)
        yield
        return
    relay = RelayProcess(relayed, f"{prefix}.${{routedByValue}}", kafka)
    try:
        yield
    finally:
        relay.stop()


def routed(router: str, prefix: str, **options: str) -> dict[str, str]:
    """A connector's options for Debezium's router."""
    options |= {"type": router, "route.topic.replacement": f"{prefix}.${{routedByValue}}"}
    converters = {"key.converter": TEXT, "value.converter": "json", "value.converter.schemas.enable": "false"}
    return {
        **converters,
        "extended.headers.enabled": "false",  # those that tell of the connector
        "transforms": "outbox",
        **{f"transforms.outbox.{name.replace('_', '.')}": value for name, value in options.items()},
    }


def assert_arrived(kafka: str, prefix: str, ids: Iterable[object]) -> None:
    """The events that were committed, and none of those that were not."""
    messages = read_topic(kafka, f"{prefix}.Order", lambda messages: len(messages) >= len(EVENTS))
    found = {
        (message.key() or b"").decode(): (
            json.loads(message.value() or b""),
            {name: (text or b"").decode() for name, text in message.headers() or ()},
        )
        for message in messages
    }
    assert len(messages) == len(EVENTS)
    assert found == {
        event.aggregate_id: (event.payload, {"id": str(event_id), "eventType": event.type, **HEADERS})
        for event, event_id in zip(EVENTS, ids, strict=True)
    }


@deliveries
@pytest.mark.parametrize(("make", "publish"), LIBRARIES)
def test_mysql(
    worker: WorkerProcess,
    config: dict[str, str],
    mysql_engine: Engine,
    kafka_bootstrap: str,
    make: Make,
    publish: Publish,
    delivery: Delivery,
) -> None:
    url, prefix = mysql_engine.url, config["topic.prefix"]
    make(url)
    router = routed(
        "io.debezium.transforms.outbox.EventRouter",
        prefix,
        route_by_field="aggregate_type",
        table_field_event_key="aggregate_id",
        table_field_event_headers="headers",
        table_expand_json_payload="true",
        table_json_payload_null_behavior="optional_bytes",
        table_fields_additional_placement=PLACEMENT,
    )
    captured = config | router | {"table.include.list": f"{url.database}.outbox"}
    with delivering(delivery, prefix, kafka_bootstrap, plain(url), worker, captured):
        publish(url, delivery, False)
        assert_arrived(kafka_bootstrap, prefix, publish(url, delivery, True))


@deliveries
@mongo_libraries
def test_mongodb(
    worker: WorkerProcess,
    mongodb_database: Database[dict[str, Any]],
    mongodb_url: str,
    kafka_bootstrap: str,
    publish: MongoPublish,
    delivery: Delivery,
) -> None:
    prefix = f"w{uuid.uuid4().hex[:10]}"
    mongodb.create_outbox(mongodb_database["outbox"], delivery=delivery)
    router = routed(
        "io.debezium.connector.mongodb.transforms.outbox.MongoEventRouter",
        prefix,
        collection_expand_json_payload="true",
        collection_field_event_headers="headers",
        collection_fields_additional_placement=PLACEMENT,
        collection_field_additional_missing="ignore",
    )
    captured = router | {
        "connector.class": "MongoDbConnector",
        "topic.prefix": prefix,
        "mongodb.connection.string": mongodb_url,
        "collection.include.list": f"{mongodb_database.name}.outbox",
        "snapshot.mode": "no_data",
    }
    relayed = mongodb_url.replace("/?", f"/{mongodb_database.name}?authSource=admin&")
    with delivering(delivery, prefix, kafka_bootstrap, relayed, worker, captured):
        publish(mongodb_database, delivery, False)
        assert_arrived(kafka_bootstrap, prefix, publish(mongodb_database, delivery, True))
