"""A team's requests to Debezium's MongoDB connector, as they stand in its write-up, sent to Headwater.

Only the connection string is filled in, and the names that must be this test's own on shared servers. The document is
the one that the team's order service writes, the reading that of its payment service's listener.
"""

from __future__ import annotations

import datetime
import json
from typing import Any

import pymongo
import pytest
from bson import Int64, ObjectId
from pymongo.database import Database

from tests.topic import read_topic
from tests.worker_process import WorkerProcess

NAME = "order-payment-request-connector"


@pytest.fixture
def connector(mongodb_url: str, mongodb_database: Database[dict[str, Any]]) -> dict[str, Any]:
    """The body of the write-up's POST /connectors/."""
    return {
        "name": NAME,
        "config": {
            "connector.class": "io.debezium.connector.mongodb.MongoDbConnector",
            "tasks.max": "1",
            "mongodb.connection.string": mongodb_url,
            "mongodb.authSource": "admin",
            "collection.include.list": f"{mongodb_database.name}.payment_outboxes",
            "topic.prefix": "debezium",
            "tombstones.on.delete": "false",
        },
    }


def outbox_document(price: int) -> dict[str, Any]:
    return {
        "_id": ObjectId(),
        "payload": {
            "customerId": ObjectId(),
            "price": Int64(price),
            "paymentOrderStatus": "PENDING",
        },
        "createdAt": datetime.datetime(2024, 8, 17, 12, 30, tzinfo=datetime.UTC),
        "outboxStatus": "STARTED",
    }


def payment_request(after: dict[str, Any]) -> dict[str, Any]:
    """What the listener makes of a document: each value is taken as the listener takes it."""
    return {
        "id": ObjectId(after["_id"]["$oid"]),
        "customerId": ObjectId(after["payload"]["customerId"]["$oid"]),
        "price": int(after["payload"]["price"]["$numberLong"]),
        "createdAt": datetime.datetime.fromtimestamp(after["createdAt"]["$date"] // 1000, datetime.UTC),
        "paymentOrderStatus": after["payload"]["paymentOrderStatus"],
    }


def test_the_team_s_requests_and_its_listener(
    connector: dict[str, Any],
    mongodb_database: Database[dict[str, Any]],
    kafka_bootstrap: str,
    tmp_path: Any,
) -> None:
    outboxes: pymongo.collection.Collection[dict[str, Any]] = mongodb_database["payment_outboxes"]
    mongodb_database["orders"].insert_one({"total": 5})
    topic = f"debezium.{mongodb_database.name}.payment_outboxes"
    document = outbox_document(1099)
    with WorkerProcess(tmp_path, kafka_bootstrap) as worker:
        created = worker.request("POST", "/connectors/", connector)
        assert created.status_code == 201
        assert created.json()["config"] == {
            **connector["config"],
            "name": NAME,
            "mongodb.connection.string": "[hidden]",
        }
        worker.wait_running(NAME)
        assert worker.request("GET", "/connectors/").json() == [NAME]

        outboxes.insert_one(document)
        outboxes.update_one({"_id": document["_id"]}, {"$set": {"outboxStatus": "COMPLETED"}})
        outboxes.delete_one({"_id": document["_id"]})
        create, update, delete = read_topic(kafka_bootstrap, topic, lambda messages: len(messages) == 3)
        outboxes.insert_one(later := outbox_document(5))
        following = read_topic(kafka_bootstrap, topic, lambda messages: len(messages) == 4)[3]

        assert worker.request("DELETE", f"/connectors/{NAME}").status_code == 204
        assert worker.request("GET", "/connectors/").json() == []

    changes = [json.loads(message.value()) for message in (create, update, delete, following)]
    assert [change["payload"]["op"] for change in changes] == ["c", "u", "d", "c"]  # and no tombstone
    assert [change["schema"]["name"] for change in changes] == [f"{topic}.Envelope"] * 4
    heard = [
        payment_request(json.loads(change["payload"]["after"])) for change in changes if change["payload"]["op"] == "c"
    ]
    assert heard == [
        {
            "id": sent["_id"],
            "customerId": sent["payload"]["customerId"],
            "price": sent["payload"]["price"],
            "createdAt": sent["createdAt"],
            "paymentOrderStatus": "PENDING",
        }
        for sent in (document, later)
    ]
    key = {"id": json.dumps({"$oid": str(document["_id"])})}
    assert [json.loads(message.key())["payload"] for message in (create, update, delete)] == [key] * 3
