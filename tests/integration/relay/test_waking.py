"""A relay is woken by the database, where that can tell of new events: it doesn't find them by asking."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headwater.converters.simple_header import create as header_converter
from headwater.converters.string import create as string_converter
from headwater.outbox import Event
from headwater.relay import FailurePolicy, Publisher, Relay, Routing
from headwater.relay.queues import open_queue
from headwater.relay.relay import Pace
from headwater.sinks import open_sink
from tests.outboxes import AnyOutbox
from tests.worker_process import wait_until

DAY = 24 * 3600.0


@contextmanager
def relay_that_asks_once_a_day(url: str, folder: Path) -> Iterator[None]:
    key, value = (string_converter({}, is_key=is_key) for is_key in (True, False))
    routing = Routing(key, value, header_converter({}, is_key=False))
    publisher = Publisher(lambda: open_sink(f"local://{folder}/topics.db", "relay"), routing, FailurePolicy())
    pace = Pace(first=DAY, longest=DAY, notified=DAY)
    relay = Relay(open_queue(url, "outbox"), publisher, pace, hold=True)
    thread = threading.Thread(target=relay.run)
    thread.start()
    try:
        yield
    finally:
        relay.stop()
        thread.join()


@pytest.mark.parametrize("outbox", ["postgresql", "mongodb"], indirect=True)
def test_each_event_wakes_the_relay(outbox: AnyOutbox, tmp_path: Path) -> None:
    """One after the other: the first may be found at the start, the second when the listener begins to listen."""
    with relay_that_asks_once_a_day(outbox.url, tmp_path):
        for number in range(4):
            outbox.publish(Event("Order", str(number), "OrderPlaced", {}))
            wait_until(f"the delivery of event {number}", lambda: outbox.unfinished() == 0, 30)
