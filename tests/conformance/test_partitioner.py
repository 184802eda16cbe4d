"""A key goes to the partition that Kafka's Java producer chooses for it."""

import uuid
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.sink import ANY_PARTITION, NOW
from headwater.sinks.kafka import KafkaSink
from tests.conformance.reference import PartitionerReference
from tests.topic import read_topic

PARTITIONS = 7
KEYS = 500


@pytest.fixture(scope="module")
def java() -> Iterator[PartitionerReference]:
    with PartitionerReference() as reference:
        yield reference


@pytest.fixture(scope="module")
def sink(kafka_bootstrap: str) -> Iterator[KafkaSink]:
    creation = {
        "topic.creation.default.partitions": str(PARTITIONS),
        "topic.creation.default.replication.factor": "1",
    }
    opened = KafkaSink.from_config({"bootstrap.servers": kafka_bootstrap}, creation, "test")
    opened.open()
    yield opened
    opened.close(30)


@settings(max_examples=4, deadline=None)
@given(seeds=st.lists(st.binary(max_size=64), min_size=KEYS, max_size=KEYS))
def test_the_partition_is_that_of_java(
    kafka_bootstrap: str, sink: KafkaSink, java: PartitionerReference, seeds: list[bytes]
) -> None:
    topic = f"partitioner-{uuid.uuid4().hex[:12]}"
    sink.send([(0, topic, key, b"", None, ANY_PARTITION, NOW) for key in seeds])
    assert sink.flush(30)
    for message in read_topic(kafka_bootstrap, topic, lambda messages: len(messages) == len(seeds)):
        assert message.partition() == java.partition(message.key(), PARTITIONS), message.key().hex()
