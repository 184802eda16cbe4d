"""Topics to read from, messages in them, and subscriptions that run beside the test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from headwater.inbox import Subscription
from headwater.projection import Projection
from headwater.sink import NOW, Headers
from headwater.sinks import open_sink
from tests.brokers import Broker, kafka_broker, local_broker
from tests.worker_process import wait_until

Send = Callable[..., None]


@pytest.fixture
def broker_kind() -> str:
    """Which broker a test is on; a file that has more than one says so in its own."""
    return "kafka"


@pytest.fixture
def partitions() -> int:
    """How many a topic has."""
    return 2


@pytest.fixture
def broker(broker_kind: str, partitions: int, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """Where topics are."""
    if broker_kind == "local":
        broker = local_broker(tmp_path, partitions)
    else:
        broker = kafka_broker(request.getfixturevalue("kafka_bootstrap"), partitions)
    yield broker
    for each in broker.opened:
        each.close()


@pytest.fixture
def topic(broker: Broker) -> str:
    """A topic that only this test uses."""
    return broker.topic()


@pytest.fixture
def send(broker: Broker, topic: str) -> Iterator[Send]:
    """Puts values into the topic: ``send("a", "b", message_id="1", partition=1)``; all have that id."""
    sink = open_sink(broker.address, "test")
    sink.open()

    def send(*values: str | None, message_id: str | None = None, partition: int = 0, key: str | None = None) -> None:
        headers: Headers | None = None if message_id is None else [("id", message_id.encode())]
        sink.send([(0, topic, key and key.encode(), v and v.encode(), headers, partition, NOW) for v in values])
        assert sink.flush(30)

    yield send
    sink.close(0)


class Running:
    """A subscription or projection that runs in a thread; leaving the block ends it as SIGTERM would."""

    def __init__(self, subscription: Subscription[Any] | Projection[Any]) -> None:
        self.subscription = subscription
        self.error: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=subscription.group)

    def _run(self) -> None:
        try:
            self.subscription.run(self._stop)
        except BaseException as error:
            self.error = error

    def __enter__(self) -> Running:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self.error is not None:
            raise self.error

    def stop(self) -> None:
        """End it, and wait until its offsets are committed."""
        self._stop.set()
        self._thread.join()

    def wait_ended(self) -> BaseException | None:
        """Until it ended by itself; what it raised."""
        self._thread.join(60)
        assert not self._thread.is_alive()
        error, self.error = self.error, None
        return error


def wait_for(wanted: Sequence[Any] | int, found: Callable[[], Sequence[Any]]) -> None:
    """Until ``found`` gives what is wanted, or so many."""
    if isinstance(wanted, int):
        wait_until(f"{wanted} messages", lambda: len(found()) >= wanted)
    else:
        wait_until(str(wanted), lambda: list(found()) == list(wanted))
