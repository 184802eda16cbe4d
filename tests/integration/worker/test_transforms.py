"""Transforms on a real worker: one outbox becomes three topics, and what can't be transformed."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from headwater.outbox.sqlalchemy import Outbox, outbox_table
from tests.topic import read_topic
from tests.worker_process import wait_until

STRING = "org.apache.kafka.connect.storage.StringConverter"
DOCS = Path(__file__).parents[3] / "docs" / "outbox.md"


@dataclass(frozen=True)
class Event:
    aggregate_type: str
    aggregate_id: str
    payload: dict[str, object]
    type: str = "Happened"


POSTED = Event("Course", "c-17", {"courseId": "c-17", "title": "Transactional outbox", "seats": 30, "room": None})


@pytest.fixture
def publish(mysql_engine):
    """An outbox of its own for the test; gives a function that commits events."""
    metadata = MetaData()
    outbox = Outbox(outbox_table(metadata))
    metadata.create_all(mysql_engine)

    def publish(*events):
        with mysql_engine.begin() as connection:
            return [str(outbox.publish(connection, event)) for event in events]

    return publish


@pytest.fixture
def routed(config, mysql_engine):
    """The connector's configuration of docs/outbox.md, for the test's table and topics."""
    return {
        **config,
        "table.include.list": f"{mysql_engine.url.database}.outbox",
        "key.converter": STRING,
        "value.converter": STRING,
        **documented_options(),
        "transforms.outbox.route.topic.replacement": f"{config['topic.prefix']}.${{routedByValue}}",
    }


def documented_options():
    """What docs/outbox.md says of transforms."""
    blocks = re.findall(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL)
    (block,) = (block for block in blocks if "transforms" in block)
    return {name: value for name, value in json.loads(f"{{{block}}}").items() if name.startswith("transforms")}


def start(worker, config):
    created = worker.request("POST", "/connectors", {"name": "outbox", "config": config})
    assert created.status_code == 201, created.text
    worker.wait_running("outbox")


def test_one_outbox_three_topics(worker, routed, publish, kafka_bootstrap):
    start(worker, routed)
    other = [Event("Order", "o-1", {"sum": 12.5}), Event("Customer", "k-1", {"name": "한글"})]
    ids = publish(POSTED, *other, Event("Order", "o-1", {"sum": 13}))
    topics = {kind: f"{routed['topic.prefix']}.{kind}" for kind in ("Course", "Order", "Customer")}
    found = {
        kind: read_topic(kafka_bootstrap, topic, lambda messages, n=n: len(messages) == n)
        for (kind, topic), n in zip(topics.items(), (1, 2, 1), strict=True)
    }
    (course,), orders, (customer,) = found["Course"], found["Order"], found["Customer"]
    assert (course.key(), json.loads(course.value())) == (b"c-17", POSTED.payload)
    assert [json.loads(order.value()) for order in orders] == [{"sum": 12.5}, {"sum": 13}]
    assert json.loads(customer.value()) == {"name": "한글"}
    headers = [dict(message.headers())["id"].decode() for message in (course, orders[0], customer, orders[1])]
    assert headers == ids

    def noted():
        return worker.request("GET", "/connectors/outbox/topics").json()["outbox"]["topics"]

    wait_until("the topics are noted", lambda: set(noted()) == set(topics.values()))


def test_a_message_that_can_not_be_transformed(worker, routed, publish, kafka_bootstrap):
    routed |= {"transforms.outbox.table.field.event.payload": "body"}
    start(worker, routed)
    publish(POSTED)
    trace = worker.wait_for_state("outbox", "FAILED")["trace"]
    assert "transform outbox: there is no field 'body'" in trace
    dead = f"{routed['topic.prefix']}.dead"
    routed |= {
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": dead,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
    }
    worker.request("PUT", "/connectors/outbox/config", routed)
    (letter,) = read_topic(kafka_bootstrap, dead, bool)
    headers = {name: value.decode() for name, value in letter.headers()}
    assert headers["__connect.errors.stage"] == "TRANSFORMATION"
    assert headers["__connect.errors.class.name"].endswith("EventRouter")
    assert json.loads(letter.value())["after"]["aggregate_id"] == "c-17"


def test_schema_changes_pass_through_the_transforms(worker, config, items, kafka_bootstrap):
    topic = f"changes-of-{config['topic.prefix']}"
    config |= {
        "snapshot.mode": "initial",
        "include.schema.changes": "true",
        "transforms": "route",
        "transforms.route.type": "RegexRouter",
        "transforms.route.regex": config["topic.prefix"],
        "transforms.route.replacement": topic,
    }
    created = worker.request("POST", "/connectors", {"name": "items", "config": config})
    assert created.status_code == 201, created.text
    messages = read_topic(kafka_bootstrap, topic, lambda found: b"CREATE TABLE" in b"".join(m.value() for m in found))
    assert messages
