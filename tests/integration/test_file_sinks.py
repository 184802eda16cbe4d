"""Lines on standard output and in files, as programs and people read them."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from headwater.config import ConfigError
from headwater.sink import ANY_PARTITION, NOW, Message, RetriableSinkError, SinkError
from headwater.sinks import file as file_sink
from headwater.sinks import stdout
from headwater.sinks.lines import json_line, readable
from headwater.sinks.stdout import StdoutSink
from headwater.sources.sqlite.installation import install
from tests.worker_process import WorkerProcess, wait_until


def message(value: bytes | None, key: bytes | None = b'{"id":1}', partition: int = ANY_PARTITION) -> Message:
    return (0, "t", key, value, [("h", b"x")], partition, NOW)


def test_json_lines_hold_json_as_it_is_and_anything_else_as_text() -> None:
    out = io.BytesIO()
    sink = StdoutSink(json_line, out)
    sink.open()
    sink.send([message(b'{"a":1.50,"b":"\\u00e4\\n"}'), message(b"plain"), message(b"\xff\x00"), message(None, None)])
    assert sink.flush(1)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["value"] for line in lines] == [{"a": 1.5, "b": "ä\n"}, "plain", "ÿ\x00", None]
    assert b'"value":{"a":1.50,' in out.getvalue()
    assert lines[0] == {
        "topic": "t",
        "partition": None,
        "timestamp": lines[0]["timestamp"],
        "headers": [{"name": "h", "value": "x"}],
        "key": {"id": 1},
        "value": lines[0]["value"],
    }


def test_every_header_stands_in_a_line_and_as_text() -> None:
    headers = [("id", b"0"), ("id", b'{"a": 1}'), ("none", None), ("raw", b"\xff")]
    line = json.loads(json_line((0, "t", None, None, headers, ANY_PARTITION, NOW)))
    assert [(each["name"], each["value"]) for each in line["headers"]] == [
        ("id", "0"),
        ("id", '{"a": 1}'),
        ("none", None),
        ("raw", "ÿ"),
    ]


def test_a_message_is_one_line_however_its_json_is_laid_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    laid_out = b'{\r\n  "a": [\n1,\n2],\r"b": "\\n"\n}\n'
    sink = opened(str(path))
    sink.send([message(laid_out, key=b"\n[\n]"), message(b"2")])
    sink.close(0)
    with path.open("ab") as torn:
        torn.write(b'{"topic": "t", "val')
    opened(str(path)).close(0)
    first, second = path.read_bytes().removesuffix(b"\n").split(b"\n")
    assert b"\r" not in first
    assert (json.loads(first)["key"], json.loads(first)["value"]) == ([], {"a": [1, 2], "b": "\n"})
    assert json.loads(second)["value"] == 2


def test_what_people_read_gives_a_terminal_no_orders() -> None:
    text = readable(message(b"\x1b[31mred\nnext", partition=2)).decode()
    assert "\x1b" not in text
    assert text.splitlines() == ["t  partition 2", '  key    {"id":1}', "  value  \\x1b[31mred\\nnext", "  h: x", ""]


def test_a_format_that_there_is_not() -> None:
    with pytest.raises(ConfigError, match="stdout://xml is none of the formats"):
        stdout.create("xml", "c", {})


def opened(place: str) -> file_sink.FileSink:
    sink = file_sink.create(place, "c", {})
    sink.open()
    return sink


def test_a_file_goes_on_behind_its_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "new" / "events.jsonl"
    sink = opened(str(path))
    sink.send([message(b"1"), message(b"2")])
    assert sink.unacknowledged() == 2
    assert sink.flush(1)
    assert sink.unacknowledged() == 0
    sink.close(0)
    with path.open("ab") as torn:
        torn.write(b'{"topic": "t", "val' + b"x" * 200_000)
    sink = opened(str(path))
    sink.send([message(b"3")])
    sink.close(0)
    assert [json.loads(line)["value"] for line in path.read_text().splitlines()] == [1, 2, 3]


def test_full_files_are_kept_up_to_a_number(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sink = opened(f"{path}?max.bytes=300&files=2")
    for number in range(12):
        sink.send([message(str(number).encode())])
    sink.flush(1)
    sink.close(0)
    names = sorted(each.name for each in tmp_path.iterdir())
    assert names == ["events.jsonl", "events.jsonl.1", "events.jsonl.2"]
    assert all(each.stat().st_size <= 300 for each in tmp_path.iterdir())
    lines = [line for name in reversed(names) for line in (tmp_path / name).read_text().splitlines()]
    found = [json.loads(line)["value"] for line in lines]
    assert found == list(range(12))[-len(found) :]
    assert len(found) > 2


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(SinkError, match="can't be written"):
        opened(str(tmp_path / "taken" / "events.jsonl"))


def test_a_file_is_written_by_one_at_a_time_also_when_it_rotates(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    place = f"{path}?max.bytes=300&files=9"
    sink = opened(place)
    other = file_sink.create(place, "d", {})
    for number in range(6):
        sink.send([message(str(number).encode())])
        with pytest.raises(RetriableSinkError, match=rf"{path} is written by another.*producer\.override\.bootstrap"):
            other.open()
        other.close(0)
    sink.close(0)
    other.open()
    other.send([message(b"6")])
    other.close(0)
    lines = [line for each in sorted(tmp_path.iterdir(), reverse=True) for line in each.read_text().splitlines()]
    assert sorted(json.loads(line)["value"] for line in lines) == list(range(7))
    assert len(list(tmp_path.iterdir())) > 2


def test_a_second_connector_on_the_same_file_fails_and_the_first_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None)) as database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
        install(database)
        with WorkerProcess(tmp_path, f"file://{path}") as worker:
            config = {
                "connector.class": "sqlite",
                "database.file": str(tmp_path / "shop.db"),
                "value.converter": "json",
                "value.converter.schemas.enable": "false",
                "errors.max.retries": "0",
            }
            worker.create("first", {**config, "topic.prefix": "first"})
            second = {"name": "second", "config": {**config, "topic.prefix": "second"}}
            assert worker.request("POST", "/connectors", second).is_success
            trace = worker.wait_for_state("second", "FAILED")["trace"]
            assert f"the file {path} is written by another connector" in trace
            for number in range(50):
                database.execute("INSERT INTO orders VALUES (?)", (number,))
            wait_until("all lines", lambda: len(path.read_text().splitlines()) >= 50)
    ids = [json.loads(line)["value"]["after"]["id"] for line in path.read_text().splitlines()]
    assert ids == list(range(50))
