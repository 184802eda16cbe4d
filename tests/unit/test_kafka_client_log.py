"""librdkafka's log lines reach the task's log, the same one at most once a minute."""

import logging

from structlog.testing import capture_logs

from headwater.kafka_log import ClientLog

REFUSED = "[thrd:a:9092/bootstrap]: {}: Connect to ipv4#10.0.0.1:9092 failed: Connection refused (after {}ms{})"


def test_a_line_that_says_the_same_is_held_back_and_counted():
    now = 0.0
    client = ClientLog(clock=lambda: now)

    def say(text):
        client.log(logging.ERROR, "%s [%s] %s", "FAIL", "c#producer-1", text)

    with capture_logs() as logs:
        say(REFUSED.format("a:9092", 0, ""))
        say(REFUSED.format("b:9092", 0, ""))
        for attempt in range(5):
            say(REFUSED.format("a:9092", attempt, f", {attempt} identical error(s) suppressed"))
        now = 61.0
        say(REFUSED.format("a:9092", 3, ""))
    assert [(line["text"][:6], line["held_back"]) for line in logs] == [("a:9092", 0), ("b:9092", 0), ("a:9092", 5)]
    assert {line["log_level"] for line in logs} == {"warning"}  # librdkafka mends it by itself
