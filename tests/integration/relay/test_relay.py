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


def too_large(number: int) -> Event:
    """For a relay with `small_messages_only`."""
    return Event("Order", "7", "OrderPlaced", {"number": number, "filler": "x" * 600_000})


def small_messages_only(folder: Path) -> Path:
    """A relay's properties."""
    properties = folder / "relay.properties"
    properties.write_text("producer.max.request.size=500000\n")
    return properties


def statuses(outbox: AnyOutbox) -> list[str]:
    return [status for status, _, _ in outbox.rows()]


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
    properties = small_messages_only(tmp_path)
    outbox.publish(too_large(1), placed(2), placed(3, "8"))
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


def test_an_event_that_failed_may_let_those_behind_it_go_on(
    outbox: AnyOutbox, start_relay: Start, topic: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    properties = small_messages_only(tmp_path)
    outbox.publish(too_large(1), placed(2), placed(3))
    start_relay(outbox.url, "--attempts", "1", "--on-failed", "continue", str(properties))
    assert numbers(kafka_bootstrap, f"{topic}.Order", 2) == [2, 3]
    wait_until("what is left", lambda: statuses(outbox) == ["FAILED", "COMPLETED", "COMPLETED"])


def test_what_is_tried_again_holds_those_behind_it_though_a_failure_would_not(
    outbox: AnyOutbox, start_relay: Start, tmp_path: Path
) -> None:
    properties = small_messages_only(tmp_path)
    outbox.publish(too_large(1), placed(2))
    start_relay(outbox.url, "--attempts", "10", "--on-failed", "continue", str(properties))
    wait_until("the first attempt", lambda: outbox.rows()[0][1] >= 1)
    assert statuses(outbox) == ["STARTED", "STARTED"]


def test_delivered_events_are_deleted_at_once_where_none_are_to_be_kept(
    outbox: AnyOutbox, start_relay: Start, topic: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    properties = small_messages_only(tmp_path)
    outbox.publish(placed(1), too_large(2), placed(3), placed(4, "8"))
    start_relay(outbox.url, "--keep", "0s", "--attempts", "1", str(properties))
    assert sorted(numbers(kafka_bootstrap, f"{topic}.Order", 2)) == [1, 4]
    wait_until("what was not delivered", lambda: statuses(outbox) == ["FAILED", "STARTED"])


def test_events_are_pruned_by_status_and_age(
    outbox: AnyOutbox, start_relay: Start, topic: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    def prune(*options: str) -> str:
        run = CliRunner().invoke(main, ["outbox", "prune", "--url", outbox.url, *options])
        assert run.exit_code == 0, run.output
        return run.output

    outbox.publish(placed(1), too_large(2), placed(3), placed(4, "8"))
    start_relay(outbox.url, "--attempts", "1", str(small_messages_only(tmp_path)))
    wait_until("deliveries", lambda: statuses(outbox) == ["COMPLETED", "FAILED", "STARTED", "COMPLETED"])
    assert prune("--older-than", "1h") == "0 events deleted\n"
    assert len(statuses(outbox)) == 4
    # MySQL's times are whole seconds: what was written in this one isn't older yet.
    wait_until("no delivered ones", lambda: prune("--older-than", "0s") and statuses(outbox) == ["FAILED", "STARTED"])
    failed = ("--older-than", "0s", "--status", "FAILED")
    wait_until("the failed one's deletion", lambda: prune(*failed) == "1 events deleted\n")
    assert sorted(numbers(kafka_bootstrap, f"{topic}.Order", 3)) == [1, 3, 4]
    run = CliRunner().invoke(main, ["outbox", "prune", "--url", outbox.url, "--older-than", "forever"])
    assert (run.exit_code, "'forever' is no duration" in run.output) == (2, True)
