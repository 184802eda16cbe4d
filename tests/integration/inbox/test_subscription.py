"""Messages in Kafka, handled by every library: once, in order, tried again, or dead letters."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from headwater.inbox import HandlerError, Message, RejectedMessageError, Retry, Subscription
from tests.integration.inbox import libraries
from tests.integration.inbox.conftest import Running, Send, wait_for
from tests.integration.inbox.libraries import Library
from tests.topic import read_topic

QUICK = Retry(attempts=3, first_wait=0.01, longest_wait=0.05)


@pytest.fixture(params=["sqlalchemy", "sqlalchemy_async", "dbapi", "mongodb", "mongodb_async"])
def library(request: pytest.FixtureRequest) -> Iterator[Library]:
    """Each library in turn, on an empty database."""
    make: Callable[..., AbstractContextManager[Library]] = getattr(libraries, request.param)
    if request.param.startswith("mongodb"):
        arguments = [request.getfixturevalue("mongodb_database")]
        if request.param == "mongodb_async":
            arguments.append(request.getfixturevalue("mongodb_url"))
    else:
        arguments = [request.getfixturevalue("mysql_database")]
    with make(*arguments) as library:
        yield library


@pytest.fixture
def subscribe(kafka_bootstrap: str, topic: str, library: Library) -> Callable[..., Subscription[Any]]:
    """A subscription to the test's topic, with these changes."""

    def subscribe(check: Callable[[Message], None] = lambda message: None, **changes: Any) -> Subscription[Any]:
        given: dict[str, Any] = {"group": topic, "retry": QUICK, **changes}
        return Subscription(
            broker=f"kafka://{kafka_bootstrap}",
            topics=[topic],
            inbox=library.inbox,
            handler=library.handler(check),
            **given,
        )

    return subscribe


def test_a_message_sent_twice_is_handled_once(library: Library, subscribe, send: Send) -> None:
    send("first", message_id="1")
    send("first again", message_id="1")
    send("second", message_id="2")
    with Running(subscribe()):
        wait_for(["first", "second"], library.handled)
        send("third", message_id="3", partition=1)
        wait_for(["first", "second", "third"], library.handled)


def test_what_was_handled_is_known_though_the_group_forgot_how_far_it_was(
    library: Library, subscribe, send: Send, kafka_bootstrap: str, topic: str
) -> None:
    send("first", "second")
    with Running(subscribe()):
        wait_for(2, library.handled)
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    admin.delete_consumer_groups([topic])[topic].result(30)
    send("third")
    with Running(subscribe()):
        wait_for(["first", "second", "third"], library.handled)


def test_a_failed_attempt_leaves_nothing_and_is_made_again_in_order(library: Library, subscribe, send: Send) -> None:
    attempts: list[str] = []

    def fail_twice(message: Message) -> None:
        attempts.append(str(message.value))
        if message.value == b"a" and attempts.count("b'a'") < 3:
            raise ValueError("not yet")

    send("a", "b")
    with Running(subscribe(fail_twice)):
        wait_for(["a", "b"], library.handled)
    assert attempts == ["b'a'", "b'a'", "b'a'", "b'b'"]


def test_a_failing_message_holds_its_own_partition_only(library: Library, subscribe, send: Send) -> None:
    mended = threading.Event()

    def fail_until_mended(message: Message) -> None:
        if message.value == b"held" and not mended.is_set():
            raise ValueError("not yet")

    send("held", "behind", partition=0)
    send("other", partition=1)
    with Running(subscribe(fail_until_mended, retry=Retry(1000, 0.01, 0.05))):
        wait_for(["other"], library.handled)
        mended.set()
        wait_for(["other", "held", "behind"], library.handled)


def test_what_can_not_be_handled_is_a_dead_letter_with_the_reason(
    library: Library, subscribe, send: Send, kafka_bootstrap: str, topic: str
) -> None:
    def refuse(message: Message) -> None:
        if message.value == b"bad":
            raise ValueError("no such course")
        if message.value == b"worse":
            raise RejectedMessageError("of another age")

    send("bad", message_id="7", key="k")
    send("worse", "good")
    with Running(subscribe(refuse, dead_letters=f"{topic}.dead")):
        wait_for(["good"], library.handled)
    bad, worse = read_topic(kafka_bootstrap, f"{topic}.dead", lambda letters: len(letters) == 2)
    headers = dict(bad.headers() or ())
    assert (bad.key(), bad.value(), headers["id"]) == (b"k", b"bad", b"7")
    assert headers["__connect.errors.exception.message"] == b"no such course"
    assert headers["__connect.errors.exception.class.name"] == b"builtins.ValueError"
    assert headers["__connect.errors.topic"] == topic.encode()
    assert (headers["__connect.errors.partition"], headers["__connect.errors.offset"]) == (b"0", b"0")
    assert headers["headwater.errors.attempts"] == b"3"
    assert dict(worse.headers() or ())["headwater.errors.attempts"] == b"1"


def test_without_a_dead_letter_topic_the_first_failure_ends_it(library: Library, subscribe, send: Send) -> None:
    def refuse(message: Message) -> None:
        raise ValueError("no such course")

    send("bad", "good")
    running = Running(subscribe(refuse))
    with running:
        error = running.wait_ended()
    assert isinstance(error, HandlerError)
    assert "tried 3 times: ValueError: no such course" in str(error)
    with Running(subscribe()):
        wait_for(["bad", "good"], library.handled)


def test_two_members_share_the_partitions_and_handle_each_message_once(library: Library, subscribe, send: Send) -> None:
    send(*(f"0-{n}" for n in range(20)), partition=0)
    send(*(f"1-{n}" for n in range(20)), partition=1)
    with Running(subscribe()):
        wait_for(5, library.handled)
        with Running(subscribe()):
            wait_for(40, library.handled)
        send(*(f"0-{n}" for n in range(20, 30)), partition=0)
        wait_for(50, library.handled)
    for partition, count in ("0", 30), ("1", 20):
        values = [value for value in library.handled() if value.startswith(partition)]
        assert values == [f"{partition}-{n}" for n in range(count)]


def test_ids_that_a_database_might_take_for_equal(library: Library) -> None:
    ids = ["a", "A", "á", "a ", " a", "", "x" * 255, "x" * 256, "x" * 257, "\ud800", "a\x00"]
    assert [library.record("group", each) for each in ids] == [True] * len(ids)
    assert [library.record("group", each) for each in ids] == [False] * len(ids)
    assert library.record("other", "a")


def test_old_ids_are_forgotten(library: Library) -> None:
    assert library.record("group", "a")
    assert library.prune(timedelta(days=1)) == 0
    assert not library.record("group", "a")
    assert library.prune(timedelta(seconds=-2)) == 1
    assert library.record("group", "a")
