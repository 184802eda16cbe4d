"""A worker, a table and a connector's configuration for each test."""

import json
import uuid

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from sqlalchemy import text

from tests.worker_process import WorkerProcess


@pytest.fixture(scope="module")
def shared_worker(tmp_path_factory, kafka_bootstrap):
    with WorkerProcess(tmp_path_factory.mktemp("worker"), kafka_bootstrap) as worker:
        yield worker


@pytest.fixture
def worker(shared_worker):
    """A running worker without connectors."""
    yield shared_worker
    for name in shared_worker.request("GET", "/connectors").json():
        shared_worker.request("DELETE", f"/connectors/{name}")


@pytest.fixture
def own_worker(tmp_path, kafka_bootstrap):
    """A running worker that the test may stop and kill."""
    with WorkerProcess(tmp_path, kafka_bootstrap) as worker:
        yield worker


@pytest.fixture
def items(mysql_engine):
    """A table of its own for the test; gives a function that commits one more row."""
    with mysql_engine.begin() as connection:
        connection.execute(text("CREATE TABLE items (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20))"))

    def add(name):
        with mysql_engine.begin() as connection:
            connection.execute(text("INSERT INTO items (name) VALUES (:name)"), {"name": name})

    return add


@pytest.fixture
def config(mysql_url, mysql_engine):
    """A connector's configuration that captures the test's table."""
    prefix = f"w{uuid.uuid4().hex[:10]}"
    return {
        "connector.class": "MySqlConnector",
        "topic.prefix": prefix,
        "database.hostname": mysql_url.host,
        "database.port": str(mysql_url.port),
        "database.user": mysql_url.username,
        "database.password": mysql_url.password,
        "database.server.id": str(uuid.uuid4().int % 2**31 + 1),
        "table.include.list": f"{mysql_engine.url.database}.items",
        "snapshot.mode": "no_data",
        "include.schema.changes": "false",
        "value.converter": "json",
        "value.converter.schemas.enable": "false",
    }


@pytest.fixture
def topic(config, mysql_engine):
    """The topic of the test's table."""
    return f"{config['topic.prefix']}.{mysql_engine.url.database}.items"


@pytest.fixture
def registry(schema_registry_url):
    """Confluent's client of the schema registry."""
    with SchemaRegistryClient({"url": schema_registry_url}) as client:
        yield client


@pytest.fixture
def names(kafka_bootstrap, config, mysql_engine):
    """Reads the names of all rows that were created, as they are in the table's topic by now."""
    topic = f"{config['topic.prefix']}.{mysql_engine.url.database}.items"
    consumer = Consumer({"bootstrap.servers": kafka_bootstrap, "group.id": topic, "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    seen = []

    def read():
        while (message := consumer.poll(0.2)) is not None:
            if message.error() is None:
                seen.append(json.loads(message.value())["after"]["name"])
        return seen

    yield read
    consumer.close()
