"""What every consumer must do (`headwater.consumer`), on each broker there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.consumer import TopicPartition
from tests.brokers import Broker, Reader, kafka_broker, local_broker
from tests.worker_process import wait_until


@pytest.fixture(params=["local", "kafka"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """Each broker in turn."""
    if request.param == "local":
        broker = local_broker(tmp_path)
    else:
        broker = kafka_broker(request.getfixturevalue("kafka_bootstrap"))
    yield broker
    for each in broker.opened:
        each.close()


def poll_all(*readers: Reader) -> bool:
    """Every one of them once; true, for conditions."""
    for reader in readers:
        reader.poll()
    return True


def test_messages_come_with_all_that_was_sent_in_the_order_of_their_partition(broker: Broker) -> None:
    topic = broker.topic()
    broker.send(topic, "a", None, "c", partition=1, key=b"k")
    reader = broker.reader(topic)
    assert reader.read(3) == ["a", None, "c"]
    first = reader.messages[0]
    assert (first.topic, first.partition, first.offset, first.key) == (topic, 1, 0, b"k")
    assert first.headers == (("id", b"\xff1"), ("none", None))
    assert first.timestamp is not None
    assert [m.offset for m in reader.messages] == [0, 1, 2]


def test_a_key_has_one_partition_on_every_broker(broker: Broker) -> None:
    """As Kafka's Java producer chooses it."""
    topic = broker.topic()
    for key in (b"21", b"foobar", b"abc"):
        broker.send(topic, key.decode(), key=key)
    reader = broker.reader(topic)
    reader.read(3)
    partitions = {m.key: m.partition for m in reader.messages}
    assert partitions == {b"21": 0, b"foobar": 0, b"abc": 1}


def test_a_group_goes_on_behind_what_it_committed(broker: Broker) -> None:
    topic = broker.topic()
    broker.send(topic, "a", "b", "c", partition=0)
    first = broker.reader(topic, f"{topic}-group")
    first.read(3)
    place = TopicPartition(topic, 0)
    first.consumer.commit({place: 2})
    first.close()
    second = broker.reader(topic, f"{topic}-group")
    assert second.read(1) == ["c"]
    other = broker.reader(topic)
    assert other.read(3) == ["a", "b", "c"]


def test_what_is_not_committed_is_read_again(broker: Broker) -> None:
    topic = broker.topic()
    broker.send(topic, "a", "b", partition=0)
    first = broker.reader(topic, f"{topic}-group")
    first.read(2)
    first.close()
    assert broker.reader(topic, f"{topic}-group").read(2) == ["a", "b"]


def test_messages_that_are_sent_later_come(broker: Broker) -> None:
    topic = broker.topic()
    broker.send(topic, "a", partition=0)
    reader = broker.reader(topic)
    reader.read(1)
    broker.send(topic, "b", partition=0)
    broker.send(topic, "c", partition=1)
    assert sorted(map(str, reader.read(3))) == ["a", "b", "c"]


def test_seek_pause_and_resume(broker: Broker) -> None:
    topic = broker.topic()
    broker.send(topic, "a", "b", "c", partition=0)
    broker.send(topic, "x", partition=1)
    reader = broker.reader(topic)
    reader.read(4)
    place = TopicPartition(topic, 0)
    reader.messages.clear()
    reader.consumer.seek(place, 1)
    assert reader.read(2) == ["b", "c"]
    reader.messages.clear()
    reader.consumer.pause(place)
    reader.consumer.seek(place, 0)
    broker.send(topic, "y", partition=1)
    assert reader.read(1) == ["y"]
    reader.consumer.resume(place)
    assert reader.read(4) == ["y", "a", "b", "c"]


def test_ends_tell_how_far_topics_reach(broker: Broker) -> None:
    topic = broker.topic()
    broker.send(topic, "a", "b", partition=1)
    reader = broker.reader(topic)
    assert reader.consumer.ends([topic]) == {TopicPartition(topic, 0): (0, 0), TopicPartition(topic, 1): (0, 2)}


def test_members_share_partitions_and_what_is_committed_in_revoked_holds(broker: Broker) -> None:
    topic, group = broker.topic(), None
    broker.send(topic, "a", partition=0)
    broker.send(topic, "x", partition=1)
    group = f"{topic}-group"
    first = broker.reader(topic, group)
    first.before_revoke = first.commit
    first.read(2)
    assert first.owned == {0, 1}
    second = broker.reader(topic, group)
    wait_until("one partition each", lambda: poll_all(first, second) and len(first.owned) == len(second.owned) == 1)
    assert first.owned | second.owned == {0, 1}
    broker.send(topic, "b", partition=0)
    broker.send(topic, "y", partition=1)
    wait_until("both", lambda: poll_all(first, second) and len(first.messages) + len(second.messages) >= 4)
    assert sorted(map(str, [*first.values, *second.values])) == ["a", "b", "x", "y"]
    second.before_revoke = second.commit
    second.close()
    wait_until("all partitions", lambda: poll_all(first) and first.owned == {0, 1})
    broker.send(topic, "c", partition=0)
    broker.send(topic, "z", partition=1)
    wait_until("what came since", lambda: poll_all(first) and {"c", "z"} <= set(first.values))
    assert len(first.values) == len(set(first.values)), "nothing is read twice"
