"""Topics in a file: exactly once beside an offset, retention, members that die, and files that are something else."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from headwater.config import ConfigError
from headwater.consumer import ConsumerError
from headwater.consumers import open_consumer
from headwater.sink import NOW, Delivered, Message, SinkError
from headwater.sinks import local
from headwater.sinks.local import LocalSink
from headwater.topic_file import TopicFile, TopicFileError
from tests.brokers import local_broker
from tests.worker_process import wait_until

PARTITION = {"server": "s"}


def message(value: str, topic: str = "t", timestamp: int = NOW) -> Message:
    return (0, topic, b"k", value.encode(), None, 0, timestamp)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "topics.db"


def opened(file: Path, **options: str) -> LocalSink:
    sink = LocalSink(file, "connector", {name.replace("_", "."): value for name, value in options.items()})
    sink.open()
    return sink


def values(file: Path) -> list[str]:
    topics = TopicFile(file)
    found = [m.value.decode() for p in topics.partitions() for m in topics.read(p, 0, 10_000) if m.value]
    topics.close()
    return found


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("partitions=3&partitons=3", r"no option partitons, there are partitions, retention\.ms"),
        ("why/topics.db", "no option why/topics.db, .* is written %3F"),
        ("partitions=0", "Invalid value 0 for configuration partitions"),
    ],
)
def test_options_of_the_address_that_can_not_be_taken(file: Path, given: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        local.create(f"{file}?{given}", "connector", {})


def test_messages_are_there_with_their_offset_or_not_at_all(file: Path) -> None:
    sink = opened(file)
    assert sink.delivered(PARTITION) is None
    sink.send([message("a")])
    assert (values(file), sink.unacknowledged()) == ([], 1)
    first = Delivered({"pos": 1}, [{"ddl": "x"}], None)
    sink.commit(PARTITION, first)
    assert (values(file), sink.unacknowledged()) == (["a"], 0)
    sink.send([message("b")])
    sink.close(0)
    again = opened(file)
    assert again.delivered(PARTITION) == first
    assert values(file) == ["a"]


def test_what_is_written_ahead_shows_with_its_offset_only(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "MOST_WAITING", 3)
    sink = opened(file)
    sink.delivered(PARTITION)
    for number in range(10):
        sink.send([message(str(number))])
    assert (values(file), sink.unacknowledged()) == ([], 10)
    sink.close(0)
    assert values(file) == []
    sink = opened(file)
    sink.delivered(PARTITION)
    for number in range(10):
        sink.send([message(str(number))])
    sink.commit(PARTITION, Delivered({"pos": 1}, (), None))
    assert values(file) == [str(number) for number in range(10)]


def test_a_task_that_was_taken_for_dead_delivers_nothing_more(file: Path) -> None:
    zombie, task = opened(file), opened(file)
    zombie.delivered(PARTITION)
    task.delivered(PARTITION)
    task.send([message("a")])
    task.commit(PARTITION, Delivered({"pos": 1}, (), None))
    zombie.send([message("a")])
    with pytest.raises(SinkError, match="another task of connector connector delivers"):
        zombie.commit(PARTITION, Delivered({"pos": 1}, (), None))
    zombie.close(0)
    assert values(file) == ["a"]
    task.send([message("b")])
    task.commit(PARTITION, Delivered({"pos": 2}, (), None))
    assert values(file) == ["a", "b"]


def test_old_messages_go_and_offsets_stay(file: Path) -> None:
    sink = opened(file, retention_ms="60000")
    old = time.time_ns() // 1_000_000 - 120_000
    sink.send([message("old", timestamp=old), message("new")])
    sink.flush(1)
    assert values(file) == ["new"]
    topics = TopicFile(file)
    (partition,) = topics.partitions()
    assert (partition.oldest, partition.next) == (1, 2)
    topics.close()


def test_a_group_that_is_behind_what_is_kept_goes_on_with_the_oldest(tmp_path: Path) -> None:
    broker = local_broker(tmp_path)
    topic = broker.topic()
    broker.send(topic, "a", "b", partition=0)
    reader = broker.reader(topic, "g")
    reader.read(2)
    reader.consumer.commit({reader.messages[0].place: 1})
    reader.close()
    sink = opened(tmp_path / "topics.db", retention_ms="0")
    time.sleep(0.01)  # the clock's next millisecond
    sink.send([message("other", "another")])
    sink.flush(1)
    sink.close(0)
    broker.send(topic, "c", partition=0)
    again = broker.reader(topic, "g")
    assert again.read(1) == ["c"]
    again.close()


def _hold(file: Path) -> None:
    class Listener:
        def assigned(self, partitions: object) -> None:
            print("assigned", flush=True)

        revoked = lost = assigned

    consumer = open_consumer(f"local://{file}", "g")
    consumer.subscribe(["t"], Listener())
    while True:
        consumer.poll(0.1)


def test_partitions_of_a_member_that_was_killed_go_to_the_others(file: Path, tmp_path: Path) -> None:
    sink = opened(file, partitions="2")
    sink.send([message("a"), (0, "t", None, b"b", None, 1, NOW)])
    sink.flush(1)
    sink.close(0)
    member = multiprocessing.get_context("spawn").Process(target=_hold, args=(file,))
    member.start()
    topics = TopicFile(file)

    def owned() -> int:
        return topics.database.execute("SELECT count(*) FROM positions WHERE owner IS NOT NULL").fetchone()[0]

    wait_until("the member to have all partitions", lambda: owned() == 2)
    assert member.pid is not None
    os.kill(member.pid, signal.SIGKILL)
    member.join(30)
    broker = local_broker(tmp_path)
    reader = broker.reader("t", "g")
    assert sorted(map(str, reader.read(2))) == ["a", "b"]
    reader.close()
    topics.close()
    assert list((tmp_path / "topics.db.members").iterdir()) == []


def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "shop.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE item (id INTEGER)")
    database.close()
    with pytest.raises(TopicFileError, match="is a database of something else"):
        TopicFile(other)
    with pytest.raises(SinkError, match="is a database of something else"):
        opened(other)
    (tmp_path / "text").write_text("text " * 1000)
    with pytest.raises(ConsumerError, match="not a database"):
        open_consumer(f"local://{tmp_path / 'text'}", "g")


def test_a_partition_that_a_topic_has_not_is_refused(file: Path) -> None:
    sink = opened(file)
    sink.send([(0, "t", None, b"x", None, 3, NOW)])
    with pytest.raises(SinkError, match="topic t has no partition 3"):
        sink.flush(1)
    sink.close(0)
