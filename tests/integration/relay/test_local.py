"""The relay without a server: from an outbox in SQLite to a file of topics, by its command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headwater.outbox import Event
from tests.brokers import Broker, local_broker
from tests.outboxes import RelayProcess, SqlOutbox, new_sql_outbox
from tests.worker_process import wait_until


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[SqlOutbox]:
    with new_sql_outbox("sqlite", tmp_path) as made:
        yield made


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = local_broker(tmp_path)
    yield broker
    for each in broker.opened:
        each.close()


@pytest.fixture
def start_relay(outbox: SqlOutbox, broker: Broker) -> Iterator[Callable[[], RelayProcess]]:
    """Starts relays; they are killed at the end."""
    started: list[RelayProcess] = []

    def start() -> RelayProcess:
        started.append(RelayProcess(outbox.url, "events.${routedByValue}", broker.address, "--batch", "20"))
        return started[-1]

    yield start
    for relay in started:
        if relay.status is None:
            relay.kill()


def placed(number: int) -> Event:
    return Event("Order", "7", "OrderPlaced", {"number": number, "name": "가나"})


def test_an_event_becomes_the_message_that_it_is_in_kafka(outbox: SqlOutbox, broker: Broker, start_relay) -> None:
    [event_id] = outbox.publish(placed(1), headers={"tenant": "a"})
    relay = start_relay()
    reader = broker.reader("events.Order")
    reader.read(1)
    [message] = reader.messages
    assert message.key == b"7"
    assert json.loads(message.value or b"") == {"number": 1, "name": "가나"}
    assert message.headers == (("id", event_id.encode()), ("eventType", b"OrderPlaced"), ("tenant", b"a"))
    wait_until("the row's completion", lambda: outbox.rows() == [("COMPLETED", 0, None)])
    relay.stop()
    assert relay.status == 0


def test_two_relays_deliver_each_event_once_and_in_order(outbox: SqlOutbox, broker: Broker, start_relay) -> None:
    outbox.publish(*(placed(number) for number in range(150)))
    relays = [start_relay(), start_relay()]
    outbox.publish(*(placed(number) for number in range(150, 200)))
    wait_until("all", lambda: outbox.delivered() == 200)
    for relay in relays:
        relay.stop()
    reader = broker.reader("events.Order")
    reader.read(200)
    assert [json.loads(value or "")["number"] for value in reader.values] == list(range(200))
