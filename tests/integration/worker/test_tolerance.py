"""Rows that can't be converted: they stop the task, are dropped, go to the dead letter topic, or lose a value.

MySQL takes half a surrogate pair for a character of its old two-byte character set ucs2; it is no character of Unicode,
and can't become text.
"""

import json
import uuid

import pytest
from confluent_kafka.admin import AdminClient
from sqlalchemy import text

from tests.integration.worker.test_metrics import Metrics
from tests.topic import read_topic
from tests.worker_process import wait_until

LONE_SURROGATE = "_ucs2 0xD83D"


@pytest.fixture
def write(mysql_engine):
    """Runs a statement on a table whose text is in ucs2."""

    def write(statement):
        with mysql_engine.begin() as connection:
            connection.execute(text(statement))

    write(
        "CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(20) CHARACTER SET ucs2, other VARCHAR(20), "
        "label VARCHAR(20) CHARACTER SET ucs2 NOT NULL)"
    )
    return write


@pytest.fixture
def write_three(write):
    """Writes three rows by one statement, so in one log event; the second one's name can't be read."""
    return lambda: write(
        f"INSERT INTO items VALUES (1, 'a', 'x', ''), (2, {LONE_SURROGATE}, 'y', ''), (3, 'c', 'z', '')"
    )


@pytest.fixture
def dead_letter_topic():
    return f"dead.letters.{uuid.uuid4().hex[:10]}"


@pytest.fixture
def tolerant(config, dead_letter_topic):
    """A connector's configuration that sends what it can't convert to the dead letter topic."""
    return {
        **config,
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": dead_letter_topic,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
        "key.converter": "json",
        "key.converter.schemas.enable": "false",
    }


@pytest.fixture
def metrics(worker):
    return Metrics(worker)


def told(message):
    """(operation, id, name) of a change."""
    event = json.loads(message.value())
    row = event["after"] or event["before"]
    return event["op"], row["id"], row["name"]


@pytest.fixture
def events(kafka_bootstrap, config, mysql_engine):
    """The changes in the table's topic once there are so many, or once ``last`` is among them."""

    def read(count=1, last=None):
        def enough(messages):
            return len(messages) >= count and (last is None or last in map(told, messages))

        topic = f"{config['topic.prefix']}.{mysql_engine.url.database}.items"
        return [told(message) for message in read_topic(kafka_bootstrap, topic, enough)]

    return read


def new_log_lines(worker, event, logged):
    return [line for line in worker.log_entries()[logged:] if line["event"] == event]


def test_without_tolerance_it_stops_the_task_which_says_where(worker, config, write, write_three, events, mysql_engine):
    worker.create("items", config)
    write("INSERT INTO items VALUES (0, 'before', NULL, '')")
    events(1)
    write_three()
    trace = worker.wait_for_state("items", "FAILED")["trace"]
    assert f"table {mysql_engine.url.database}.items at binlog." in trace
    assert "column 'name' of row 1 can't be read" in trace
    assert events(1) == [("c", 0, "before")]
    worker.request("PATCH", "/connectors/items/config", {"errors.tolerance": "all"})
    worker.wait_running("items")
    write("INSERT INTO items VALUES (4, 'after', NULL, '')")
    assert events(4) == [("c", 0, "before"), ("c", 1, "a"), ("c", 3, "c"), ("c", 4, "after")]


def test_tolerated_without_a_topic_it_is_dropped_counted_and_logged(
    worker, config, write, write_three, events, metrics
):
    logged = len(worker.log_entries())
    worker.create("items", {**config, "errors.tolerance": "all"})
    write_three()
    write("INSERT INTO items VALUES (4, 'd', NULL, '')")
    assert events(3) == [("c", 1, "a"), ("c", 3, "c"), ("c", 4, "d")]
    wait_until("its report", lambda: metrics.sent() == 3)
    assert metrics.task("records_dropped_total") == 1
    assert metrics.task("dead_letters_total") == 0
    assert metrics.task("errors_total", kind="conversion") == 1
    assert metrics.task("last_error_info", error="RowError") == 1
    (line,) = new_log_lines(worker, "messages can't be made", logged)
    assert (line["level"], line["messages"], line["instead"]) == ("warning", 1, "dropped")
    assert "row 1" in line["place"]


def test_the_log_tells_of_each_where_it_is_to_and_shows_it_where_that_is_wanted(worker, config, write_three, events):
    logged = len(worker.log_entries())
    told = {"errors.log.enable": "true", "errors.log.include.messages": "true"}
    worker.create("items", {**config, "errors.tolerance": "all", **told})
    write_three()
    events(2)
    (line,) = new_log_lines(worker, "a message can't be made", logged)
    assert line["level"] == "error"
    assert line["unreadable"] == ["after.name"]
    assert line["value"]["after"] == {"id": 2, "name": None, "other": "y", "label": ""}
    assert not new_log_lines(worker, "messages can't be made", logged)


def test_the_dead_letter_tells_what_can_be_told(
    worker, tolerant, write_three, events, metrics, dead_letter_topic, kafka_bootstrap, mysql_engine
):
    worker.create("items", tolerant)
    (topic,) = AdminClient({"bootstrap.servers": kafka_bootstrap}).list_topics(dead_letter_topic).topics.values()
    assert len(topic.partitions) == 1
    write_three()
    assert events(2) == [("c", 1, "a"), ("c", 3, "c")]
    (letter,) = read_topic(kafka_bootstrap, dead_letter_topic, lambda messages: len(messages) == 1)
    assert json.loads(letter.key()) == {"id": 2}
    event = json.loads(letter.value())
    assert event["after"] == {"id": 2, "name": None, "other": "y", "label": ""}
    assert (event["op"], event["before"]) == ("c", None)
    assert event["source"]["table"] == "items"
    assert event["source"]["pos"] > 0
    assert event["source"]["row"] == 1
    headers = {name: value.decode() for name, value in letter.headers()}
    database, prefix = mysql_engine.url.database, tolerant["topic.prefix"]
    assert headers["__connect.errors.topic"] == f"{prefix}.{database}.items"
    assert headers["__connect.errors.connector.name"] == "items"
    assert headers["__connect.errors.task.id"] == "0"
    assert headers["__connect.errors.stage"] == "TASK_POLL"
    assert headers["__connect.errors.class.name"] == "headwater.sources.mysql.decode.RowsReader"
    assert headers["__connect.errors.exception.class.name"] == "headwater.sources.mysql.decode.RowError"
    assert "column 'name' of row 1 can't be read" in headers["__connect.errors.exception.message"]
    assert "UnicodeDecodeError" in headers["__connect.errors.exception.stacktrace"]
    assert headers["headwater.errors.place"].startswith(f"table {database}.items at binlog.")
    assert headers["headwater.errors.unreadable"] == "after.name"
    wait_until("its report", lambda: metrics.task("dead_letters_total") == 1)
    assert metrics.task("records_dropped_total") == 0
    assert metrics.sent() == 2

    def topics():
        return worker.request("GET", "/connectors/items/topics").json()["items"]["topics"]

    wait_until("the topic, with the offset", lambda: dead_letter_topic in topics())


def test_dead_letters_need_no_headers(worker, tolerant, write_three, dead_letter_topic, kafka_bootstrap):
    worker.create("items", {**tolerant, "errors.deadletterqueue.context.headers.enable": "false"})
    write_three()
    (letter,) = read_topic(kafka_bootstrap, dead_letter_topic, lambda messages: len(messages) == 1)
    assert letter.headers() is None


def test_changes_and_deletes_of_such_a_row_are_dead_letters_too(
    worker, tolerant, write, events, dead_letter_topic, kafka_bootstrap
):
    write(f"INSERT INTO items VALUES (1, {LONE_SURROGATE}, 'x', '')")
    worker.create("items", tolerant)
    write("UPDATE items SET other = 'y'")
    write("UPDATE items SET id = 2")
    write("UPDATE items SET name = 'readable'")
    write("UPDATE items SET other = 'z'")
    write(f"UPDATE items SET name = {LONE_SURROGATE}")
    write("DELETE FROM items")
    letters = read_topic(kafka_bootstrap, dead_letter_topic, lambda messages: len(messages) == 6)
    found = [(json.loads(letter.key())["id"], json.loads(letter.value())["op"]) for letter in letters]
    assert found == [(1, "u"), (1, "d"), (2, "c"), (2, "u"), (2, "u"), (2, "d")]
    assert events(1) == [("u", 2, "readable")]


def test_after_a_crash_nothing_is_missing_from_either_topic(
    own_worker, tolerant, write, write_three, events, dead_letter_topic, kafka_bootstrap
):
    own_worker.create("items", tolerant)
    write_three()
    read_topic(kafka_bootstrap, dead_letter_topic, lambda messages: messages)
    own_worker.kill()
    write(f"INSERT INTO items VALUES (4, 'd', NULL, ''), (5, {LONE_SURROGATE}, NULL, '')")
    own_worker.start()
    events(last=("c", 4, "d"))  # what was sent and not stored before the crash comes again
    letters = read_topic(
        kafka_bootstrap, dead_letter_topic, lambda messages: b'{"id":5}' in {m.key() for m in messages}
    )
    assert {letter.key() for letter in letters} == {b'{"id":2}', b'{"id":5}'}


@pytest.mark.parametrize(("mode", "warnings"), [("warn", 1), ("skip", 0)])
def test_null_takes_the_place_of_a_value_that_may_be_null(worker, config, write_three, events, metrics, mode, warnings):
    logged = len(worker.log_entries())
    worker.create("items", {**config, "event.converting.failure.handling.mode": mode})
    write_three()
    assert events(3) == [("c", 1, "a"), ("c", 2, None), ("c", 3, "c")]
    wait_until("its report", lambda: metrics.task("values_nulled_total") == 1)
    assert metrics.task("errors_total", kind="conversion") == 1
    lines = new_log_lines(worker, "a value can't be read and is null in its event", logged)
    assert [line["value"] for line in lines] == ["after.name"] * warnings


def test_a_value_that_may_not_be_null_stops_the_task_all_the_same(worker, config, write, mysql_engine):
    worker.create("items", {**config, "event.converting.failure.handling.mode": "warn"})
    write(f"INSERT INTO items VALUES (1, 'a', NULL, {LONE_SURROGATE})")
    trace = worker.wait_for_state("items", "FAILED")["trace"]
    assert f"table {mysql_engine.url.database}.items at binlog." in trace
    assert "label" in trace


def test_a_dead_letter_topic_that_can_t_be_made_is_told_of_at_the_start(worker, tolerant, write):
    tolerant["errors.deadletterqueue.topic.replication.factor"] = "3"
    worker.request("POST", "/connectors", {"name": "items", "config": tolerant})
    trace = worker.wait_for_state("items", "FAILED")["trace"]
    assert "errors.deadletterqueue.topic.replication.factor" in trace
    assert tolerant["errors.deadletterqueue.topic.name"] in trace


def test_a_table_that_the_converter_takes_none_of_is_dead_letters(
    worker, tolerant, write, dead_letter_topic, kafka_bootstrap
):
    """A plan can't even be made: StringConverter takes no bytes."""
    write("ALTER TABLE items ADD data BLOB")
    worker.create("items", {**tolerant, "value.converter": "string"})
    write("INSERT INTO items VALUES (1, 'a', NULL, '', 0x00FF), (2, 'b', NULL, '', 0x00FF)")
    letters = read_topic(kafka_bootstrap, dead_letter_topic, lambda messages: len(messages) == 2)
    assert [json.loads(letter.value())["after"]["name"] for letter in letters] == ["a", "b"]
    headers = dict(letters[0].headers())
    assert headers["__connect.errors.stage"] == b"VALUE_CONVERTER"
    assert headers["__connect.errors.class.name"] == b"headwater.converters.string.StringConverter"


def test_what_is_configured_wrong_is_refused(worker, config):
    wrong = {
        "errors.tolerance": "some",
        "event.converting.failure.handling.mode": "ignore",
        "errors.retry.timeout": "-2",
        "errors.deadletterqueue.topic.replication.factor": "0",
    }
    answer = worker.request("POST", "/connectors", {"name": "items", "config": {**config, **wrong}})
    assert answer.status_code == 400
    for option in wrong:
        assert option in answer.json()["message"]
