"""Topics to read from, messages in them, and subscriptions that run beside the test."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from headwater.inbox import Subscription
from headwater.projection import Projection
from tests.worker_process import wait_until

Send = Callable[..., None]


@pytest.fixture
def topic(kafka_bootstrap: str) -> Iterator[str]:
    """A topic with two partitions that only this test uses."""
    name = f"inbox_{uuid.uuid4().hex[:12]}"
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    for created in admin.create_topics([NewTopic(name, 2, 1)]).values():
        created.result()
    yield name
    admin.delete_topics([name])


@pytest.fixture
def send(kafka_bootstrap: str, topic: str) -> Send:
    """Puts values into the topic: ``send("a", "b", message_id="1", partition=1)``; all have that id."""
    producer = Producer({"bootstrap.servers": kafka_bootstrap})

    def send(
        *values: str | bytes | None, message_id: str | None = None, partition: int = 0, key: str | None = None
    ) -> None:
        headers = None if message_id is None else [("id", message_id.encode())]
        for value in values:
            producer.produce(topic, value, key, partition, headers=headers)
        assert producer.flush(30) == 0

    return send


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
