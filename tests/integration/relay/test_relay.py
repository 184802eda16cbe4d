"""The relay from each database into a real Kafka, by its command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from headwater.cli import main
from headwater.outbox import Event
from tests.outboxes import AnyOutbox, RelayProcess
from tests.topic import read_topic
from tests.worker_process import wait_until

Start = Callable[..., RelayProcess]


def placed(number: int, aggregate: str = "7") -> Event:
    return Event("Order", aggregate, "OrderPlaced", {"number": number, "name": "가나"})


def numbers(bootstrap: str, topic: str, count: int) -> list[int]:
    messages = read_topic(bootstrap, topic, lambda messages: len(messages) >= count)
    return [json.loads(message.value() or b"")["number"] for message in messages]


def test_an_event_becomes_the_message_that_the_event_router_makes(
    outbox: AnyOutbox, start_relay: Start, topic: str, kafka_bootstrap: str
) -> None:
    [event_id] = outbox.publish(placed(1), headers={"tenant": "a", "traceparent": "00-1-2-01"})
    relay = start_relay(outbox.url)
    [message] = read_topic(kafka_bootstrap, f"{topic}.Order", bool)
    assert message.key() == b"7"
    assert json.loads(message.value()) == {"number": 1, "name": "가나"}
    assert message.headers() == [
        ("id", event_id.encode()),
        ("eventType", b"OrderPlaced"),
        ("tenant", b"a"),
        ("traceparent", b"00-1-2-01"),
    ]
    wait_until("the row's completion", lambda: outbox.rows() == [("COMPLETED", 0, None)])
    relay.stop()
    assert relay.status == 0


def test_events_of_an_aggregate_keep_their_order(
    outbox: AnyOutbox, start_relay: Start, topic: str, kafka_bootstrap: str
) -> None:
    outbox.publish(*(placed(number) for number in range(700)))
    start_relay(outbox.url, "--batch", "100")
    start_relay(outbox.url, "--batch", "100")
    outbox.publish(*(placed(number) for number in range(700, 1000)))
    assert numbers(kafka_bootstrap, f"{topic}.Order", 1000) == list(range(1000))


def test_a_dead_relays_events_go_on(outbox: AnyOutbox, start_relay: Start, topic: str, kafka_bootstrap: str) -> None:
    outbox.publish(placed(1))
    outbox.lease("dead", 1)  # as a relay leaves it that died right after its claim
    start_relay(outbox.url)
    assert numbers(kafka_bootstrap, f"{topic}.Order", 1) == [1]


def test_an_event_that_can_not_be_delivered_holds_its_aggregate_until_it_is_retried(
    outbox: AnyOutbox, start_relay: Start, topic: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    big = Event("Order", "7", "OrderPlaced", {"number": 1, "filler": "x" * 600_000})
    outbox.publish(big, placed(2), placed(3, "8"))
    properties = tmp_path / "relay.properties"
    properties.write_text("producer.max.request.size=500000\n")
    relay = start_relay(outbox.url, "--attempts", "2", str(properties))
    assert numbers(kafka_bootstrap, f"{topic}.Order", 1) == [3]
    wait_until("the failure", lambda: outbox.rows()[0][0] == "FAILED")
    (status, attempts, reason), held, other = outbox.rows()
    assert (status, attempts) == ("FAILED", 2)
    assert "max.request.size" in (reason or "")
    assert (held[0], other[0]) == ("STARTED", "COMPLETED")
    relay.stop()

    run = CliRunner().invoke(main, ["outbox", "list", "--url", outbox.url])
    assert "FAILED     Order 7  OrderPlaced  2" in run.output
    run = CliRunner().invoke(main, ["outbox", "retry", "--all", "--url", outbox.url])
    assert run.output == "1 events are to be delivered again\n"
    start_relay(outbox.url)
    assert numbers(kafka_bootstrap, f"{topic}.Order", 3) == [3, 1, 2]


def test_a_table_that_is_missing_is_told_of(outbox: AnyOutbox, start_relay: Start) -> None:
    relay = start_relay(outbox.url, "--table", "nowhere")
    assert "no outbox that a relay can work on" in relay.wait()
    assert relay.status == 1
