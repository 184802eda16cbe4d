"""The Kafka sink on a real broker: what arrives, in which order, and what is said when something can't arrive."""

import dataclasses
import time
import uuid
from collections.abc import Callable, Iterator, Mapping

import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from structlog.testing import capture_logs

from headwater.sink import ANY_PARTITION, NOW, RetriableSinkError, SinkError
from headwater.sinks.kafka import KafkaSink
from headwater.sinks.kafka.producer_config import ProducerConfig
from tests.kafka_proxy import KafkaProxy
from tests.topic import read_topic, topic_names

SECONDS = 30.0
OpenSink = Callable[..., KafkaSink]


@pytest.fixture
def topic() -> str:
    return f"sink-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def open_sink(kafka_bootstrap: str) -> Iterator[OpenSink]:
    """Opens sinks with the given options of a connector, and closes them after the test."""
    opened: list[KafkaSink] = []

    def build(connector: Mapping[str, str] = {}, bootstrap: str = kafka_bootstrap) -> KafkaSink:
        sink = KafkaSink.from_config({"bootstrap.servers": bootstrap}, connector, "test")
        opened.append(sink)
        sink.open()
        return sink

    yield build
    for sink in opened:
        sink.close(0)


def message(topic, value, key=b"k", headers=None, partition=ANY_PARTITION, timestamp=NOW):
    return (0, topic, key, value, headers, partition, timestamp)


def deliver(sink: KafkaSink, *messages) -> None:
    sink.send(messages)
    assert sink.flush(SECONDS)


def send_on(sink: KafkaSink, again) -> None:
    """Send the same message over and over, for as long as a test may take."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        sink.send([again])


def creation(**options):
    given = {"partitions": "1", "replication.factor": "1", **options}
    return {f"topic.creation.default.{name.replace('_', '.')}": value for name, value in given.items()}


def received(bootstrap: str, topic: str, count: int) -> list[Message]:
    return read_topic(bootstrap, topic, lambda messages: len(messages) >= count)


def topic_config(bootstrap: str, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    found = admin.describe_configs([resource])[resource].result()
    return {name: entry.value for name, entry in found.items()}


def partitions(bootstrap: str, topic: str) -> int:
    return len(AdminClient({"bootstrap.servers": bootstrap}).list_topics(topic, timeout=10).topics[topic].partitions)


def test_what_is_sent_arrives_whole(open_sink, kafka_bootstrap, topic):
    headers = [("id", b"1"), ("id", b"2"), ("nothing", None)]
    sink = open_sink()
    deliver(sink, message(topic, b"value", b"key", headers), message(topic, None, b"key"), message(topic, b"", None))
    first, tombstone, last = received(kafka_bootstrap, topic, 3)
    assert (first.key(), first.value(), first.headers()) == (b"key", b"value", headers)
    assert (tombstone.key(), tombstone.value(), tombstone.headers()) == (b"key", None, None)
    assert (last.key(), last.value()) == (None, b"")


def test_each_key_keeps_its_order_over_partitions(open_sink, kafka_bootstrap, topic):
    sink = open_sink(creation(partitions="5"))
    keys = [b"key-%d" % number for number in range(20)]
    for start in range(0, 5000, 50):
        sink.send([message(topic, b"%d" % number, keys[number * 7 % 20]) for number in range(start, start + 50)])
    assert sink.flush(SECONDS)
    arrived: dict[bytes, list[int]] = {}
    for found in received(kafka_bootstrap, topic, 5000):
        arrived.setdefault(found.key(), []).append(int(found.value()))
    assert arrived == {key: [n for n in range(5000) if keys[n * 7 % 20] == key] for key in keys}


def test_brokers_may_be_named_as_kafka_s(open_sink, kafka_bootstrap, topic):
    deliver(open_sink(creation(), f"kafka://{kafka_bootstrap}"), message(topic, b"v"))
    assert [message.value() for message in received(kafka_bootstrap, topic, 1)] == [b"v"]


def test_a_partition_that_is_asked_for_is_taken(open_sink, kafka_bootstrap, topic):
    sink = open_sink(creation(partitions="5"))
    sink.send([message(topic, b"%d" % n, key=b"%d" % n, partition=3) for n in range(20)])
    assert sink.flush(SECONDS)
    assert {message.partition() for message in received(kafka_bootstrap, topic, 20)} == {3}


def test_a_time_that_is_given_is_the_message_s(open_sink, kafka_bootstrap, topic):
    deliver(open_sink(creation()), message(topic, b"v", timestamp=1_700_000_000_123))
    assert [message.timestamp()[1] for message in received(kafka_bootstrap, topic, 1)] == [1_700_000_000_123]


def test_topics_are_made_as_the_connector_says(open_sink, kafka_bootstrap, topic):
    sink = open_sink(
        creation(partitions="2", **{"cleanup.policy": "compact"})
        | {
            "topic.creation.groups": "audit,wide",
            "topic.creation.audit.include": r".*\.audit, .*\.log",
            "topic.creation.audit.exclude": r".*\.not\.audit",
            "topic.creation.audit.retention.ms": "1000000",
            "topic.creation.wide.include": r".*\.wide",
            "topic.creation.wide.partitions": "3",
        }
    )
    names = [topic, f"{topic}.audit", f"{topic}.not.audit", f"{topic}.wide"]
    sink.send([message(name, b"v") for name in names])
    assert sink.flush(SECONDS)
    assert [partitions(kafka_bootstrap, name) for name in names] == [2, 2, 2, 3]
    policies = [topic_config(kafka_bootstrap, name)["cleanup.policy"] for name in names]
    assert policies == ["compact", "delete", "compact", "delete"]
    assert topic_config(kafka_bootstrap, names[1])["retention.ms"] == "1000000"


def test_a_topic_that_exists_is_left_as_it_is(open_sink, kafka_bootstrap, topic):
    for wanted in ("2", "4"):
        sink = open_sink(creation(partitions=wanted))
        deliver(sink, message(topic, b"v"))
    assert partitions(kafka_bootstrap, topic) == 2


def test_the_worker_can_forbid_making_topics(kafka_bootstrap, topic):
    worker = {"bootstrap.servers": kafka_bootstrap, "topic.creation.enable": "false"}
    with capture_logs() as logs:
        sink = KafkaSink.from_config(worker, creation(partitions="3"), "test")
    assert "topic.creation.enable=false" in logs[0]["event"]
    sink.open()
    deliver(sink, message(topic, b"v"))
    sink.close(SECONDS)
    assert partitions(kafka_bootstrap, topic) == 1  # the broker's num.partitions


@pytest.mark.parametrize(
    ("options", "name", "cause", "mend"),
    [
        ({"replication.factor": "99"}, "", "INVALID_REPLICATION_FACTOR", "number of brokers"),
        ({"no.such.option": "1"}, "", "INVALID_CONFIG", "topic.creation"),
        ({}, "not a name", "TOPIC_EXCEPTION", "by --topic or the aggregate's type where a relay does"),
    ],
)
def test_a_topic_that_cannot_be_made_names_the_cause_and_the_mend(open_sink, topic, options, name, cause, mend):
    sink = open_sink(creation(**options))
    with pytest.raises(SinkError) as raised:
        sink.send([message(name or topic, b"v")])
    assert not isinstance(raised.value, RetriableSinkError)
    for part in (name or topic, cause, mend):
        assert part in str(raised.value)


@pytest.mark.parametrize("name", ["", "a b", "nul\0", "\udc80", "x" * 300])
def test_a_name_that_no_topic_can_have_stops_the_task(open_sink, name):
    sink = open_sink()
    with pytest.raises(SinkError, match="249 letters") as raised:
        deliver(sink, message(name, b"v"))
    assert not isinstance(raised.value, RetriableSinkError)


def test_a_cluster_that_makes_no_topics_is_named_as_the_cause(kafka_bootstrap, topic):
    config = ProducerConfig.from_config({"bootstrap.servers": kafka_bootstrap}, {}, "test")
    # As on brokers with auto.create.topics.enable=false: the client asks for no creation either.
    no_creation = {"allow.auto.create.topics": False, "topic.metadata.propagation.max.ms": 500}
    sink = KafkaSink(dataclasses.replace(config, settings=config.settings | no_creation), None)
    sink.open()
    sink.send([message(topic, b"v")])
    with pytest.raises(SinkError, match=f"'{topic}' does not exist.*auto.create.topics.enable"):
        sink.flush(SECONDS)
    sink.close(0)
    assert topic not in topic_names(kafka_bootstrap)


def test_a_message_over_the_producers_limit_is_refused_with_its_sizes(open_sink, topic):
    sink = open_sink({"producer.override.max.request.size": "2000"})
    with pytest.raises(SinkError) as raised:
        sink.send([message(topic, b"v" * 3000, b"k" * 10)])
    assert not isinstance(raised.value, RetriableSinkError)
    for part in (topic, "3010 bytes", "key 10", "2000", "producer.override.max.request.size"):
        assert part in str(raised.value)


def test_a_message_over_the_topics_limit_is_refused_with_its_sizes(open_sink, topic):
    sink = open_sink(creation(**{"max.message.bytes": "1000"}))
    sink.send([message(topic, b"v" * 3000, b"k" * 10)])
    with pytest.raises(SinkError) as raised:
        sink.flush(SECONDS)
    assert not isinstance(raised.value, RetriableSinkError)
    for part in (topic, "3010 bytes", "max.message.bytes", "producer.override.batch.size"):
        assert part in str(raised.value)


def test_a_failure_surfaces_without_a_flush(open_sink, topic):
    sink = open_sink(creation(**{"max.message.bytes": "1000"}))
    sink.send([message(topic, b"v" * 3000)])
    with pytest.raises(SinkError, match="too large"):
        send_on(sink, message(topic, b"v"))


def test_a_compacted_topic_refuses_a_message_without_a_key(open_sink, topic):
    sink = open_sink(creation(**{"cleanup.policy": "compact"}))
    sink.send([message(topic, b"v", None)])
    with pytest.raises(SinkError, match="needs a key"):
        sink.flush(SECONDS)


def test_a_full_queue_holds_the_task_back_and_loses_nothing(open_sink, kafka_bootstrap, topic):
    sink = open_sink({"producer.override.max.request.size": "2000", "producer.override.buffer.memory": "4096"})
    for number in range(500):
        sink.send([message(topic, b"%04d" % number * 200)])
    assert sink.flush(SECONDS)
    assert [int(m.value()[:4]) for m in received(kafka_bootstrap, topic, 500)] == list(range(500))


def test_a_broker_that_goes_away_and_comes_back_costs_nothing(open_sink, kafka_bootstrap, topic):
    with KafkaProxy(kafka_bootstrap) as proxy:
        sink = open_sink(bootstrap=proxy.address)
        sink.send([message(topic, b"%d" % number) for number in range(1000)])
        proxy.cut()
        sink.send([message(topic, b"%d" % number) for number in range(1000, 2000)])
        assert not sink.flush(0.2)  # the barrier holds
        proxy.mend()
        deliver(sink, *(message(topic, b"%d" % number) for number in range(2000, 3000)))
    assert [int(m.value()) for m in received(kafka_bootstrap, topic, 3000)] == list(range(3000))


def test_a_wait_can_be_bounded(open_sink, kafka_bootstrap, topic):
    options = {"max.request.size": "2000", "buffer.memory": "4096", "max.block.ms": "300"}
    with KafkaProxy(kafka_bootstrap) as proxy:
        sink = open_sink({f"producer.override.{name}": value for name, value in options.items()}, proxy.address)
        proxy.cut()
        with pytest.raises(RetriableSinkError, match="queue is full"):
            send_on(sink, message(topic, b"v" * 1000))


def test_a_delivery_timeout_that_is_set_opens_the_sink_again(open_sink, kafka_bootstrap, topic):
    with KafkaProxy(kafka_bootstrap) as proxy:
        sink = open_sink({"producer.override.delivery.timeout.ms": "500"}, proxy.address)
        deliver(sink, message(topic, b"v"))
        proxy.cut()
        sink.send([message(topic, b"v")])
        with pytest.raises(RetriableSinkError, match=topic):
            sink.flush(SECONDS)


def test_brokers_that_cannot_be_reached_are_tried_again(open_sink, kafka_bootstrap, topic, monkeypatch):
    monkeypatch.setattr("headwater.sinks.kafka.sink.OPEN_SECONDS", 0.5)
    with KafkaProxy(kafka_bootstrap, cut=True) as proxy:
        with pytest.raises(RetriableSinkError, match="no Kafka broker answers"):
            open_sink(bootstrap=proxy.address)
        proxy.mend()
        sink = open_sink(bootstrap=proxy.address)
        deliver(sink, message(topic, b"v"))


def test_a_refused_sign_in_stops_the_task_and_shows_no_secret(kafka_bootstrap):
    jaas = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="s3cret";'
    worker = {
        "bootstrap.servers": kafka_bootstrap,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": jaas,
    }
    sink = KafkaSink.from_config(worker, {}, "test")
    with capture_logs() as logs, pytest.raises(SinkError, match="refuse the sign-in") as raised:
        sink.open()
    sink.close(0)
    assert not isinstance(raised.value, RetriableSinkError)
    assert "s3cret" not in f"{raised.value}{logs}"


def test_closing_delivers_what_is_under_way(kafka_bootstrap, topic):
    sink = KafkaSink.from_config({"bootstrap.servers": kafka_bootstrap}, {}, "test")
    sink.open()
    sink.send([message(topic, b"v")])
    sink.close(SECONDS)
    assert [found.value() for found in received(kafka_bootstrap, topic, 1)] == [b"v"]


def test_closing_does_not_wait_for_a_broker_that_is_away(kafka_bootstrap, topic):
    with KafkaProxy(kafka_bootstrap) as proxy:
        sink = KafkaSink.from_config({"bootstrap.servers": proxy.address}, {}, "test")
        sink.open()
        proxy.cut()
        sink.send([message(topic, b"v")])
        with capture_logs() as logs:
            sink.close(0.2)
    assert [line["messages"] for line in logs if "dropped" in line["event"]] == [1]
