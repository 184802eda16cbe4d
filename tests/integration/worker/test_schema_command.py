"""What ``headwater schema`` writes of real tables and collections, used on the messages that a worker then sends."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
import subprocess
import sys
from decimal import Decimal

import pytest
from bson import Decimal128, ObjectId
from jsonschema import Draft7Validator
from sqlalchemy import text

from headwater.consumer import Message
from tests.generated_source import as_module, check_asyncapi
from tests.topic import read_topic

TABLE = """
    CREATE TABLE items (
        id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20), total DECIMAL(9, 2) NOT NULL, at DATETIME(6), due DATE,
        cutoff TIME, stamp TIMESTAMP(3) NULL, state ENUM('open', 'a,b'), tags SET('x', 'y'), data VARBINARY(4),
        more JSON, open BIT(1), rate DOUBLE, made YEAR, big BIGINT UNSIGNED, `order-id` INT, class INT, `copy` INT
    )
"""
ROW = """
    INSERT INTO items VALUES (1, 'Ann', 12.5, '2024-05-06 07:08:09.000001', '2024-05-06', '-01:00:00',
    '2024-05-06 07:08:09.5', 'a,b', 'x,y', x'0001', '{"a": [1]}', 1, 0.5, 2024, 5, 7, 8, 9)
"""
WANTED = {
    "id": 1,
    "name": "Ann",
    "total": Decimal("12.50"),
    "at": dt.datetime(2024, 5, 6, 7, 8, 9, 1),  # noqa: DTZ001 - MySQL's DATETIME has no zone
    "due": dt.date(2024, 5, 6),
    "cutoff": dt.timedelta(hours=-1),
    "stamp": dt.datetime(2024, 5, 6, 7, 8, 9, 500_000, tzinfo=dt.UTC),
    "state": "a\\,b",  # as Debezium writes it
    "tags": {"x", "y"},
    "data": b"\0\1",
    "more": '{"a":[1]}',
    "open": True,
    "rate": 0.5,
    "made": 2024,
    "big": 5,
    "order-id": 7,
    "class": 8,
    "copy": 9,
}
RENAMED = {"order-id": "order_id", "class": "class_"}
STYLES = ("dataclass", "pydantic")
FLATTENED = {"transforms": "flat", "transforms.flat.type": "ExtractNewRecordState", "transforms.flat.add.fields": "op"}
PLAIN = {f"{part}.converter.schemas.enable": "false" for part in ("key", "value")} | {"key.converter": "json"}


@pytest.fixture
def schema(tmp_path):
    """Runs the command on a configuration and gives what it prints."""

    def run(config, table, form, *arguments, status=0):
        file = tmp_path / "connector.json"
        file.write_text(json.dumps({"name": "orders", "config": config}))
        command = [sys.executable, "-m", "headwater", "schema", str(file), "--table", table, "--as", form, *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == status, ran.stderr
        if status == 0:
            assert ran.stderr == ""
        return ran.stdout if status == 0 else ran.stderr

    return run


@pytest.fixture
def send(worker, kafka_bootstrap):
    """Starts a connector and gives a topic's first message."""

    def send(config, topic, write=lambda: None):
        worker.create("c", config)
        write()
        message = read_topic(kafka_bootstrap, topic, lambda messages: len(messages) >= 1)[0]
        headers = tuple(message.headers() or ())
        return Message(topic, message.partition(), message.offset(), message.key(), message.value(), headers)

    return send


@pytest.fixture
def typed_table(mysql_engine):
    """A table with columns of many types; gives a function that commits its row."""

    def write(statement):
        with mysql_engine.begin() as connection:
            connection.exec_driver_sql(statement)

    write(TABLE)
    return lambda: write(ROW)


def generated(source, tmp_path):
    """The source as a module, which has nothing that a linter finds."""
    file = tmp_path / "generated.py"
    file.write_text(source)
    lint = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=E,F,I,W", "--line-length=120", str(file)]
    subprocess.run(lint, check=True, cwd=tmp_path)
    return as_module(source)


def fields_of(row):
    fields = getattr(row, "__dataclass_fields__", None) or type(row).model_fields
    return {name: getattr(row, name) for name in fields}


def in_avro(config, url):
    avro = {"converter": "io.confluent.connect.avro.AvroConverter", "converter.schema.registry.url": url}
    scrubbed = {"converter.scrub.invalid.names": "true"}
    return config | {f"{part}.{name}": each for part in ("key", "value") for name, each in (avro | scrubbed).items()}


@pytest.mark.parametrize("how", [PLAIN, PLAIN | FLATTENED, {"value.converter.schemas.enable": "true"}])
def test_rows_of_every_type_are_read(schema, send, typed_table, config, topic, tmp_path, how):
    config |= how
    sources = {style: schema(config, "items", style) for style in STYLES}
    message = send(config, topic, typed_table)
    for style, source in sources.items():
        module = generated(source, tmp_path)
        assert f"# Topic {topic}\n" in source
        event = module.items_events.read(message)
        renamed = RENAMED | ({"copy": "copy_"} if style == "pydantic" else {})
        assert fields_of(event.after) == {renamed.get(name, name): value for name, value in WANTED.items()}
        assert event.key_as(module.ItemsKey) == module.ItemsKey(id=1)


def test_avro_is_what_is_registered_and_what_is_read(
    schema, send, typed_table, config, topic, tmp_path, registry, schema_registry_url
):
    del config["value.converter.schemas.enable"]
    config = in_avro(config, schema_registry_url)
    written = json.loads(schema(config, "items", "avro"))
    source = schema(config, "items", "dataclass")
    assert not {f"{topic}-key", f"{topic}-value"} & set(registry.get_subjects())
    message = send(config, topic, typed_table)
    assert [each["subject"] for each in written] == [f"{topic}-key", f"{topic}-value"]
    for each in written:
        assert each["topic"] == topic
        registered = registry.get_latest_version(each["subject"]).schema.schema_str
        assert json.dumps(each["schema"], separators=(",", ":"), ensure_ascii=False) == registered
    module = generated(source.replace("http://localhost:8081", schema_registry_url), tmp_path)
    row = module.items_events.read(message).after
    assert (row.total, row.at, row.tags) == (WANTED["total"], WANTED["at"], WANTED["tags"])
    check_asyncapi(json.loads(schema(config, "items", "asyncapi")))


@pytest.mark.parametrize("how", [PLAIN, {"value.converter.schemas.enable": "true"}])
def test_asyncapi_says_what_is_sent(schema, send, typed_table, config, topic, how):
    config |= how
    document = json.loads(schema(config, "items", "asyncapi"))
    message = send(config, topic, typed_table)
    check_asyncapi(document)
    assert [each["address"] for each in document["channels"].values()] == [topic]
    described = document["components"]["messages"][topic]
    Draft7Validator(described["payload"]).validate(json.loads(message.value))
    Draft7Validator(described["bindings"]["kafka"]["key"]).validate(json.loads(message.key))
    Draft7Validator(described["headers"]).validate({name: value.decode() for name, value in message.headers})
    assert described["payload"] != {}
    assert document["components"]["messages"][f"{topic}.tombstone"]["payload"] == {"type": "null"}


EVENTS = [
    ("1", "Course", "CoursePosted", {"courseId": "c1", "posted": True, "teacher": {"name": "Ann"}}),
    ("2", "Course", "CoursePosted", {"courseId": "c2", "posted": None, "teacher": {"name": "Bob", "age": 40}}),
    ("3", "Course", "CourseRenamed", {"courseId": "c1", "name": "Kafka"}),
    ("4", "Order", "order.created", {"total": 2.5}),
]


@pytest.mark.parametrize("expand", ["true", "false"])
def test_each_type_of_an_outboxs_events_is_read(schema, send, mysql_engine, config, tmp_path, expand):
    with mysql_engine.begin() as connection:
        columns = "id VARCHAR(9) PRIMARY KEY, aggregatetype TEXT, aggregateid TEXT, type TEXT, payload JSON"
        connection.execute(text(f"CREATE TABLE outbox ({columns})"))
        rows = [{"i": i, "a": a, "t": t, "p": json.dumps(p)} for i, a, t, p in EVENTS]
        connection.execute(text("INSERT INTO outbox VALUES (:i, :a, 'x', :t, :p)"), rows)
    prefix = config["topic.prefix"]
    config |= PLAIN | {
        "table.include.list": f"{mysql_engine.url.database}.outbox",
        "snapshot.mode": "initial",
        "transforms": "route",
        "transforms.route.type": "EventRouter",
        "transforms.route.route.topic.replacement": f"{prefix}.${{routedByValue}}",
        "transforms.route.table.expand.json.payload": expand,
        "transforms.route.table.fields.additional.placement": "type:header:kind",
    }
    message = send(config, f"{prefix}.Course")
    for style in STYLES:
        module = generated(schema(config, "outbox", style), tmp_path)
        event = getattr(module, f"{prefix}_course_events").read(message)
        assert (event.type, type(event.payload)) == ("CoursePosted", module.CoursePosted)
        teacher = module.CoursePostedTeacher(name="Ann")
        assert event.payload == module.CoursePosted(courseId="c1", posted=True, teacher=teacher)
    document = json.loads(schema(config, "outbox", "asyncapi", "--topic", f"{prefix}.Course"))
    check_asyncapi(document)
    assert list(document["components"]["messages"]) == ["CoursePosted", "CourseRenamed"]
    assert "has no messages for nowhere" in schema(config, "outbox", "avro", "--topic", "nowhere", status=1)


DOCUMENT = {
    "_id": ObjectId("65e000000000000000001000"),
    "at": dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=dt.UTC),
    "price": Decimal128("1.10"),
    "lines": [{"sku": "a", "n": 1}, {"sku": "b"}],
    "paid": True,
}


@pytest.mark.parametrize("how", [PLAIN, PLAIN | {"transforms": "t", "transforms.t.type": "ExtractNewDocumentState"}])
def test_documents_are_read(schema, send, config, mongodb_url, mongodb_database, tmp_path, how):
    mongodb_database.items.insert_many([DOCUMENT, {"_id": ObjectId(), "paid": None}])
    prefix = config["topic.prefix"]
    mongodb = {
        "connector.class": "mongodb",
        "topic.prefix": prefix,
        "mongodb.connection.string": mongodb_url,
        "collection.include.list": f"{mongodb_database.name}.items",
        "value.converter": "json",
        **how,
    }
    message = send(mongodb, f"{prefix}.{mongodb_database.name}.items")
    for style in STYLES:
        module = generated(schema(mongodb, "items", style), tmp_path)
        row = module.items_events.read(message).after
        lines = [module.ItemsLines(sku="a", n=1), module.ItemsLines(sku="b")]
        assert (row.id, row.lines, row.paid) == ("65e000000000000000001000", lines, True)
        assert row.at.replace(tzinfo=dt.UTC) == DOCUMENT["at"]
        if "transforms" not in how:
            assert row.price == Decimal("1.10")
    check_asyncapi(json.loads(schema(mongodb, "items", "asyncapi")))


def test_an_outboxs_documents_are_read(schema, send, config, mongodb_url, mongodb_database, tmp_path):
    event = {"_id": "e1", "aggregatetype": "Order", "aggregateid": "o1", "type": "Paid", "payload": {"n": 1}}
    mongodb_database.outbox.insert_one(event)
    prefix = config["topic.prefix"]
    mongodb = {
        "connector.class": "mongodb",
        "topic.prefix": prefix,
        "mongodb.connection.string": mongodb_url,
        "collection.include.list": f"{mongodb_database.name}.outbox",
        "key.converter": "string",
        "value.converter": "string",
        "transforms": "t",
        "transforms.t.type": "MongoEventRouter",
        "transforms.t.route.topic.replacement": f"{prefix}.${{routedByValue}}",
        "transforms.t.collection.fields.additional.placement": "type:header:eventType",
    }
    module = generated(schema(mongodb, "outbox", "dataclass"), tmp_path)
    read = getattr(module, f"{prefix}_order_events").read(send(mongodb, f"{prefix}.Order"))
    assert (read.aggregate_id, read.payload) == ("o1", module.Paid(n=1))


def test_an_empty_collection_tells_no_fields(schema, config, mongodb_url, mongodb_database):
    mongodb_database.create_collection("items")
    mongodb = {"connector.class": "mongodb", "topic.prefix": "p", "mongodb.connection.string": mongodb_url}
    mongodb["collection.include.list"] = f"{mongodb_database.name}.items"
    assert "it takes one at least" in schema(mongodb, "items", "dataclass", status=1)
    (_, value) = json.loads(schema(mongodb, "items", "avro"))
    assert value["subject"] == f"p.{mongodb_database.name}.items-value"


def test_rows_of_a_sqlite_file_are_read(schema, send, config, tmp_path):
    file = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, at DATETIME, total DECIMAL(9, 2))")
    command = [sys.executable, "-m", "headwater", "sqlite", "install", str(file), "items"]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    sqlite = {"connector.class": "sqlite", "topic.prefix": config["topic.prefix"], "database.file": str(file)} | PLAIN
    sqlite["value.converter"] = "json"
    module = generated(schema(sqlite, "items", "dataclass"), tmp_path)

    def write():
        with contextlib.closing(sqlite3.connect(file)) as database, database:
            database.execute("INSERT INTO items VALUES (1, '2024-05-06 07:08:09', '12.5')")

    event = module.items_events.read(send(sqlite, f"{config['topic.prefix']}.shop.items", write))
    at = dt.datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001 - SQLite's DATETIME has no zone
    assert event.after == module.Items(id=1, at=at, total=Decimal("12.50"))


def test_transforms_that_fail_or_drop_everything_are_told(schema, typed_table, config):
    failing = config | {"transforms": "t", "transforms.t.type": "EventRouter"}
    typed_table()
    assert "transform t: " in schema(failing, "items", "avro", status=1)
    dropping = config | {"transforms": "t", "transforms.t.type": "org.apache.kafka.connect.transforms.Filter"}
    assert "the transforms drop every message of " in schema(dropping, "items", "avro", status=1)
    assert "captures no table nothing" in schema(config, "nothing", "avro", status=1)


def test_an_empty_table_is_enough_unless_values_decide(schema, typed_table, config):
    assert "class Items:" in schema(config | FLATTENED, "items", "dataclass")
    routed = config | {"transforms": "t", "transforms.t.type": "ContentBasedRouter", "transforms.t.language": "cel"}
    routed["transforms.t.topic.expression"] = "value.after.name == 'x' ? 'y' : null"
    assert "it takes one row at least" in schema(routed, "items", "dataclass", status=1)
