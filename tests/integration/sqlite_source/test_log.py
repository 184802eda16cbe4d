"""Snapshots, offsets and pruning: where reading starts, goes on, and what is kept for whom."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from headwater.cli.sampled import sampled_records
from headwater.source import Resume, SnapshotNeededError, SourceError
from headwater.sources.sqlite import change_log, snapshot
from headwater.sources.sqlite.connector import CONNECTOR
from headwater.sources.sqlite.installation import forget_reader, remove
from tests.integration.sqlite_source.conftest import MakeCapture


@pytest.fixture
def item(writer: sqlite3.Connection) -> sqlite3.Connection:
    writer.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER)")
    return writer


def fill(database: sqlite3.Connection, rows: int) -> None:
    database.execute("BEGIN")
    database.executemany("INSERT INTO item VALUES (?, 0)", [(number,) for number in range(rows)])
    database.execute("COMMIT")


def changes(database: sqlite3.Connection) -> int:
    return database.execute("SELECT count(*) FROM headwater_changes").fetchone()[0]


def test_the_snapshot_has_every_row_once_and_its_markers(item, capture: MakeCapture) -> None:
    item.execute("CREATE TABLE pair (a TEXT, b INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID")
    item.execute("INSERT INTO pair VALUES ('x', 2), ('y', 1), ('x', 1)")
    fill(item, 2 * change_log.BATCH_ROWS + 1)
    task = capture()
    events = task.snapshot()
    assert [e.key["id"] for e in events[:-3]] == list(range(2 * change_log.BATCH_ROWS + 1))
    assert [e.key for e in events[-3:]] == [{"a": "x", "b": 1}, {"a": "x", "b": 2}, {"a": "y", "b": 1}]
    markers = [e.marker for e in events]
    assert markers[0] == "first"
    assert markers[-4:] == ["last_in_data_collection", "first_in_data_collection", "true", "last"]
    assert set(markers[1:-4]) == {"true"}
    assert {e.operation for e in events} == {"r"}


def test_what_changes_during_the_snapshot_comes_behind_it(item, capture: MakeCapture) -> None:
    fill(item, 2 * snapshot.BATCH_ROWS)
    task = capture()
    first = task.poll()
    assert first
    item.execute("UPDATE item SET n = 1 WHERE id = 0")
    item.execute("DELETE FROM item WHERE id = 1")
    item.execute("INSERT INTO item VALUES (-1, 5)")
    task.snapshot()
    behind = [(e.operation, e.key["id"]) for e in task.drain() if e.value]
    assert behind == [("u", 0), ("d", 1), ("c", -1)]


def test_a_snapshot_that_was_ended_is_taken_again_and_misses_no_change(item, capture: MakeCapture) -> None:
    fill(item, 10)
    task = capture()
    assert task.offset["snapshot"] is True
    item.execute("INSERT INTO item VALUES (100, 1)")
    item.execute("DELETE FROM item WHERE id = 100")
    again = capture(task.again())
    again.snapshot()
    assert [(e.operation, e.key["id"]) for e in again.drain() if e.value] == [("c", 100), ("d", 100)]


def test_reading_goes_on_at_any_offset(item, streaming: MakeCapture) -> None:
    first = streaming()
    for number in range(5):
        item.execute("INSERT INTO item VALUES (?, 0)", (number,))
    places = [e.value["source"]["change_id"] for e in first.drain()]
    for number, place in enumerate(places):
        again = streaming(first.again({**first.offset, "change_id": place}))
        assert [e.key["id"] for e in again.drain()] == list(range(number + 1, 5))


@pytest.mark.parametrize(
    ("mode", "reads", "streams"),
    [("always", 2, True), ("initial", 0, True), ("initial_only", 0, False), ("no_data", 0, True), ("never", 0, True)],
)
def test_snapshot_modes_at_a_second_start(item, capture: MakeCapture, mode: str, reads: int, streams: bool) -> None:
    fill(item, 2)
    task = capture(snapshot_mode=mode, table_include_list="shop.item,shop.mark")
    assert len(task.snapshot()) == (0 if mode in ("no_data", "never") else 2)
    again = capture(task.again(), snapshot_mode=mode, table_include_list="shop.item,shop.mark")
    assert len([e for e in again.snapshot() if e.operation == "r"]) == reads
    item.execute("INSERT INTO item VALUES (7, 7)")
    if streams:
        assert [e.key for e in again.drain()] == [{"id": 7}]
    else:
        assert again.poll() == []


def test_delivered_changes_are_deleted_once_every_connector_has_them(item, capture: MakeCapture) -> None:
    first = capture(snapshot_mode="no_data")
    second = capture(snapshot_mode="no_data", topic_prefix="other")
    fill(item, 10)
    first.drain()
    first.source.committed(first.offset)
    assert changes(item) >= 10
    second.drain()
    second.source.committed(second.offset)
    assert changes(item) == 1  # the second's mark, which the first has not read
    assert forget_reader(item, "other")
    assert not forget_reader(item, "other")


def test_a_prune_that_finds_the_file_locked_waits_for_the_next_one(item, streaming: MakeCapture) -> None:
    task = streaming()
    fill(item, 3)
    task.drain()
    item.execute("BEGIN IMMEDIATE")
    task.source.committed(task.offset)
    item.execute("COMMIT")
    assert changes(item) >= 3


def test_an_offset_that_the_log_no_longer_reaches(item, streaming: MakeCapture) -> None:
    first = streaming()
    early = dict(first.offset)
    fill(item, 5)
    first.drain()
    first.source.committed(first.offset)
    with pytest.raises(SourceError, match=r"changes \d+ to \d+ are deleted"):
        streaming(first.again(early))
    with pytest.raises(SnapshotNeededError):
        streaming(first.again(early), snapshot_mode="when_needed")


def test_another_database_and_an_older_state_are_recognised(item, streaming: MakeCapture) -> None:
    offset = dict(streaming().offset)
    with pytest.raises(SourceError, match="an older state of the database was restored"):
        streaming(Resume({**offset, "change_id": 10_000}))
    remove(item)
    with pytest.raises(SourceError, match="removed and installed again, or it is another database"):
        streaming(Resume(offset))
    with pytest.raises(SourceError, match="not one of a SQLite connector"):
        streaming(Resume({"file": "binlog.000001", "pos": 4}))


def test_a_value_that_breaks_its_types_promise_is_named(item, streaming: MakeCapture) -> None:
    task = streaming()
    item.execute("INSERT INTO item VALUES (1, 'many')")
    change = item.execute("SELECT max(id) FROM headwater_changes").fetchone()[0]
    said = f"column 'n' can't be read in change {change}: the column's type promises an integer"
    with pytest.raises(ValueError, match=said):
        task.poll()


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("id INTEGER PRIMARY KEY, a TEXT", "id is 7"),
        ("id INTEGER, a TEXT", "rowid is 1"),
        ("id INTEGER, a TEXT, PRIMARY KEY (a, id)", "a is 'x' and id is 7"),
    ],
)
def test_a_row_of_the_snapshot_with_such_a_value_is_named(writer, capture: MakeCapture, key: str, place: str) -> None:
    writer.execute(f"CREATE TABLE odd (n TEXT, {key}) {'WITHOUT ROWID' if 'a is' in place else ''}")
    writer.execute("INSERT INTO odd (id, a, n) VALUES (7, 'x', x'00')")
    task = capture()
    with pytest.raises(ValueError, match=f"column 'n' can't be read where {place}: the column's type promises text"):
        task.snapshot()


def test_a_sampled_rows_times_are_one_instant(item, capture: MakeCapture) -> None:
    fill(item, 1)
    (record,) = sampled_records(capture().source.sample("item", 1))
    times = record.value
    assert (times["ts_us"], times["ts_ms"]) == (times["ts_ns"] // 1_000, times["ts_ns"] // 1_000_000)


def test_sampling_a_table_without_triggers_names_the_command(item, file: Path) -> None:
    source = CONNECTOR.open(CONNECTOR.options.parse({"topic.prefix": "t", "database.file": str(file)}))
    for table in ("item", "shop.item"):
        with pytest.raises(SourceError, match=rf"shop\.item: headwater sqlite install {file} item"):
            source.sample(table, 1)
    with pytest.raises(SourceError, match=r"captures no table other: it captures shop\.item, shop\.mark"):
        source.sample("other", 1)


def test_text_that_is_no_utf8_is_found_in_its_row_and_not_before(writer, capture: MakeCapture) -> None:
    writer.execute("CREATE TABLE word (id INTEGER PRIMARY KEY, w TEXT)")
    writer.execute("INSERT INTO word VALUES (1, 'ä')")
    task = capture(snapshot_mode="no_data")
    writer.execute("INSERT INTO word VALUES (2, 'ö')")
    writer.execute("INSERT INTO word VALUES (3, CAST(x'ff' AS TEXT))")
    batch = task.source.poll(1)
    (rows,) = batch.items
    assert [change[5] for change in rows.arguments[0]] == ["ö", "\udcff"]
    assert task.source.locate(rows).startswith("table shop.word at change ")


def test_hostile_names(file: Path, writer, streaming: MakeCapture) -> None:
    name, column = "x'); DROP TABLE mark; --", "a\"b'c\n{}"
    quoted = '"' + name.replace('"', '""') + '"', '"' + column.replace('"', '""') + '"'
    writer.execute(f"CREATE TABLE {quoted[0]} ({quoted[1]} TEXT UNIQUE, NEW INTEGER, OLD INTEGER)")
    task = streaming()
    writer.execute(f"REPLACE INTO {quoted[0]} VALUES ('1', 2, 3)")
    writer.execute(f"REPLACE INTO {quoted[0]} VALUES ('1', 4, 5)")
    events = [(e.operation, e.row) for e in task.drain() if e.value]
    assert [operation for operation, _ in events] == ["c", "d", "c"]
    assert events[-1][1] == {column: "1", "NEW": 4, "OLD": 5}
    json.dumps(task.offset)
