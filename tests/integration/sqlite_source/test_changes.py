"""Every way in which SQLite changes a row, as events: which, in what order, with what in them."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections import defaultdict
from pathlib import Path

import pytest

from tests.capture import Event
from tests.integration.sqlite_source.conftest import MakeCapture


def short(events: list[Event], *columns: str) -> list[tuple[object, ...]]:
    """Operation and columns of each event that is no tombstone."""
    return [(e.operation, *(e.row[column] for column in columns)) for e in events if e.operation != "tombstone"]


@pytest.fixture
def item(writer: sqlite3.Connection) -> sqlite3.Connection:
    """A table with a primary key and another unique column."""
    writer.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, code TEXT UNIQUE COLLATE NOCASE, n INTEGER)")
    return writer


def test_insert_update_and_delete_have_debeziums_envelope(item, streaming: MakeCapture) -> None:
    capture = streaming()
    item.execute("INSERT INTO item VALUES (1, 'a', 10)")
    item.execute("UPDATE item SET n = 11")
    item.execute("DELETE FROM item")
    create, update, delete, tombstone = capture.drain()
    assert [e.key for e in (create, update, delete, tombstone)] == [{"id": 1}] * 4
    assert {e.topic for e in (create, update, delete, tombstone)} == {"t.shop.item"}
    before, after = {"id": 1, "code": "a", "n": 10}, {"id": 1, "code": "a", "n": 11}
    images = [(e.value["op"], e.value["before"], e.value["after"]) for e in (create, update, delete)]
    assert images == [("c", None, before), ("u", before, after), ("d", after, None)]
    assert tombstone.value is None
    source = create.value["source"]
    assert source == {
        "version": source["version"],
        "connector": "sqlite",
        "name": "t",
        "ts_ms": source["ts_ms"],
        "snapshot": "false",
        "db": "shop",
        "sequence": None,
        "ts_us": source["ts_ms"] * 1000,
        "ts_ns": source["ts_ms"] * 1_000_000,
        "table": "item",
        "change_id": source["change_id"],
    }
    assert 0 <= create.value["ts_ms"] - source["ts_ms"] < 60_000
    ids = [e.value["source"]["change_id"] for e in (create, update, delete)]
    assert ids == sorted(set(ids))


def test_a_new_key_is_a_delete_and_a_create(item, streaming: MakeCapture) -> None:
    capture = streaming()
    item.execute("INSERT INTO item VALUES (1, 'a', 10)")
    item.execute("UPDATE item SET id = 2")
    events = capture.drain()
    assert [(e.key["id"], e.operation) for e in events] == [(1, "c"), (1, "d"), (1, "tombstone"), (2, "c")]


@pytest.mark.parametrize(
    ("skipped", "left"),
    [("none", ["c", "u", "d", "tombstone"]), ("u", ["c", "d", "tombstone"]), ("u, D", ["c"])],
)
def test_skipped_operations_are_left_out(item, streaming: MakeCapture, skipped: str, left: list[str]) -> None:
    capture = streaming(skipped_operations=skipped)
    item.execute("INSERT INTO item VALUES (1, 'a', 10)")
    item.execute("UPDATE item SET n = 11")
    item.execute("DELETE FROM item")
    assert [e.operation for e in capture.drain()] == left


def test_what_is_rolled_back_never_shows(item, streaming: MakeCapture) -> None:
    capture = streaming()
    item.execute("BEGIN")
    item.execute("INSERT INTO item VALUES (1, 'a', 1)")
    item.execute("ROLLBACK")
    item.execute("BEGIN")
    item.execute("INSERT INTO item VALUES (2, 'b', 2)")
    item.execute("SAVEPOINT here")
    item.execute("INSERT INTO item VALUES (3, 'c', 3)")
    item.execute("ROLLBACK TO here")
    item.execute("INSERT INTO item VALUES (4, 'd', 4)")
    item.execute("COMMIT")
    with pytest.raises(sqlite3.IntegrityError):
        item.execute("INSERT INTO item VALUES (5, 'e', 5), (6, 'B', 6)")
    assert short(capture.drain(), "id") == [("c", 2), ("c", 4)]


@pytest.mark.parametrize("recursive", ["OFF", "ON"])
def test_replaced_rows_are_deleted_before_the_new_one_comes(item, streaming: MakeCapture, recursive: str) -> None:
    item.execute(f"PRAGMA recursive_triggers = {recursive}")
    capture = streaming()
    item.execute("INSERT INTO item VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)")
    capture.drain()
    item.execute("INSERT OR REPLACE INTO item VALUES (1, 'B', 9)")
    assert sorted(short(capture.drain(), "id")) == [("c", 1), ("d", 1), ("d", 2)]
    item.execute("UPDATE OR REPLACE item SET code = 'C' WHERE id = 1")
    assert short(capture.drain(), "id", "code") == [("d", 3, "c"), ("u", 1, "C")]
    item.execute("UPDATE OR REPLACE item SET id = 7")
    assert [(e.key["id"], e.operation) for e in capture.drain()] == [(1, "d"), (1, "tombstone"), (7, "c")]


def test_replacing_by_the_tables_own_conflict_clause(writer, streaming: MakeCapture) -> None:
    writer.execute("CREATE TABLE setting (name TEXT PRIMARY KEY ON CONFLICT REPLACE, value TEXT)")
    capture = streaming()
    writer.execute("INSERT INTO setting VALUES ('a', '1')")
    writer.execute("INSERT INTO setting VALUES ('a', '2')")
    assert short(capture.drain(), "value") == [("c", "1"), ("d", "1"), ("c", "2")]


def test_upserts_are_what_they_do(item, streaming: MakeCapture) -> None:
    capture = streaming()
    upsert = "INSERT INTO item VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET n = excluded.n"
    item.execute(upsert, (1, "a", 1))
    item.execute(upsert, (1, "a", 2))
    item.execute("INSERT OR IGNORE INTO item VALUES (1, 'z', 3)")
    item.execute("INSERT INTO item VALUES (1, 'z', 3) ON CONFLICT DO NOTHING")
    assert short(capture.drain(), "n") == [("c", 1), ("u", 2)]
    # what was put aside for the row that was left out must not be taken for replaced later
    item.execute("DELETE FROM item")
    item.execute("INSERT INTO item VALUES (1, 'a', 4)")
    item.execute("INSERT OR IGNORE INTO item VALUES (1, 'a', 5)")
    item.execute("UPDATE item SET id = 2")
    item.execute("INSERT INTO item VALUES (1, 'b', 6)")
    events = capture.drain()
    assert [(e.key["id"], e.operation) for e in events if e.operation != "tombstone"] == [
        (1, "d"),
        (1, "c"),
        (1, "d"),
        (2, "c"),
        (1, "c"),
    ]


def test_unique_indexes_of_expressions_and_of_a_part(writer, streaming: MakeCapture) -> None:
    writer.execute('CREATE TABLE "a ""user" (email TEXT, gone INTEGER, "NEW" TEXT)')
    writer.execute('CREATE UNIQUE INDEX mail ON "a ""user" (lower(email) /* , ( */ DESC, "NEW") WHERE gone = 0')
    capture = streaming()
    insert = 'INSERT OR REPLACE INTO "a ""user" VALUES (?, ?, ?)'
    writer.execute(insert, ("A@x", 0, "1"))
    writer.execute(insert, ("a@X", 1, "1"))
    writer.execute(insert, ("a@x", 0, "2"))
    assert short(capture.drain(), "email") == [("c", "A@x"), ("c", "a@X"), ("c", "a@x")]
    writer.execute(insert, ("a@X", 0, "1"))
    assert short(capture.drain(), "email") == [("d", "A@x"), ("c", "a@X")]
    writer.execute('UPDATE OR REPLACE "a ""user" SET gone = 0 WHERE gone = 1')
    assert short(capture.drain(), "email") == [("d", "a@X"), ("u", "a@X")]


def test_foreign_keys_cascade(item, streaming: MakeCapture) -> None:
    item.execute(
        "CREATE TABLE part (id INTEGER PRIMARY KEY, item INTEGER REFERENCES item ON DELETE CASCADE ON UPDATE CASCADE)"
    )
    item.execute(
        "CREATE TABLE note (id INTEGER PRIMARY KEY, item INTEGER REFERENCES item ON DELETE SET NULL ON UPDATE CASCADE)"
    )
    capture = streaming()
    item.execute("INSERT INTO item VALUES (1, 'a', 1)")
    item.execute("INSERT INTO part VALUES (10, 1), (11, 1)")
    item.execute("INSERT INTO note VALUES (20, 1)")
    capture.drain()
    item.execute("UPDATE item SET id = 2 WHERE id = 1")
    assert {("u", 10, 2), ("u", 11, 2)} <= set(short([e for e in capture.drain() if "part" in e.topic], "id", "item"))
    item.execute("REPLACE INTO item VALUES (3, 'a', 3)")
    item.execute("DELETE FROM item")
    events = [(e.topic.rpartition(".")[2], e.operation, e.key["id"]) for e in capture.drain() if e.value]
    assert sorted(events[: events.index(("item", "c", 3))]) == [
        ("item", "d", 2),
        ("note", "u", 20),
        ("part", "d", 10),
        ("part", "d", 11),
    ]
    assert events[-1] == ("item", "d", 3)


def test_tables_without_rowid_and_without_a_key(writer, streaming: MakeCapture) -> None:
    writer.execute("CREATE TABLE pair (a TEXT, b INTEGER, c, PRIMARY KEY (b, a)) WITHOUT ROWID")
    writer.execute("CREATE TABLE heap (rowid TEXT, x INTEGER)")
    capture = streaming()
    writer.execute("INSERT INTO pair VALUES ('x', 1, 'first'), ('y', 1, 'second')")
    writer.execute("REPLACE INTO pair VALUES ('x', 1, 'third')")
    writer.execute("UPDATE OR REPLACE pair SET a = 'x' WHERE a = 'y'")
    writer.execute("INSERT INTO heap VALUES ('r', 5)")
    writer.execute("UPDATE heap SET x = 6")
    writer.execute("DELETE FROM heap")
    events = [e for e in capture.drain() if e.value]
    pairs = [(e.operation, e.key, e.row["c"]) for e in events if e.topic.endswith("pair")]
    x, y = {"b": 1, "a": "x"}, {"b": 1, "a": "y"}
    assert pairs == [
        ("c", x, "first"),
        ("c", y, "second"),
        ("d", x, "first"),
        ("c", x, "third"),
        ("d", x, "third"),
        ("d", y, "second"),
        ("c", x, "second"),
    ]
    assert [(e.operation, e.key, e.row["x"]) for e in events if e.topic.endswith("heap")] == [
        ("c", None, 5),
        ("u", None, 6),
        ("d", None, 6),
    ]


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("u TEXT COLLATE NOCASE PRIMARY KEY", "X", "x"),
        ("u TEXT COLLATE RTRIM PRIMARY KEY", "x", "x "),
        ("u TEXT COLLATE NOCASE, PRIMARY KEY (u COLLATE RTRIM)", "x", "x "),
        ("u TEXT, PRIMARY KEY (u COLLATE NOCASE)", "X", "x"),
    ],
)
def test_keys_that_are_one_by_their_collation_are_not_one_row(
    writer, streaming: MakeCapture, key: str, old: str, new: str
) -> None:
    writer.execute(f"CREATE TABLE word (n INTEGER UNIQUE, {key}) WITHOUT ROWID")
    capture = streaming()
    writer.execute("INSERT INTO word VALUES (1, ?), (2, 'b')", (old,))
    capture.drain()
    writer.execute("REPLACE INTO word VALUES (3, ?)", (new,))
    assert short(capture.drain(), "u", "n") == [("d", old, 1), ("c", new, 3)]
    writer.execute("UPDATE OR REPLACE word SET u = ? WHERE u = 'b'", (old,))
    assert short(capture.drain(), "u", "n") == [("d", new, 3), ("d", "b", 2), ("c", old, 2)]


def test_rows_whose_keys_only_their_bytes_tell_apart(writer, streaming: MakeCapture) -> None:
    writer.execute(
        "CREATE TABLE word (n INTEGER UNIQUE, u TEXT COLLATE NOCASE, PRIMARY KEY (u COLLATE BINARY)) WITHOUT ROWID"
    )
    capture = streaming()
    writer.execute("INSERT INTO word VALUES (1, 'X'), (2, 'x')")
    capture.drain()
    writer.execute("UPDATE OR REPLACE word SET n = 1 WHERE n = 2")
    assert short(capture.drain(), "u", "n") == [("d", "X", 1), ("u", "x", 1)]


def test_changes_of_triggers_of_the_users_own_are_recorded(item, streaming: MakeCapture) -> None:
    item.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, code TEXT)")
    item.execute("CREATE TRIGGER tell AFTER INSERT ON item BEGIN INSERT INTO log (code) VALUES (NEW.code); END")
    capture = streaming()
    item.execute("INSERT INTO item VALUES (1, 'a', 1)")
    assert sorted(short(capture.drain(), "code")) == [("c", "a"), ("c", "a")]


def test_values_of_a_statement_are_not_the_writers_concern(item, streaming: MakeCapture) -> None:
    """What a service asks behind its statements is as without triggers."""
    streaming()
    cursor = item.execute("INSERT INTO item (code, n) VALUES ('a', 1)")
    assert (cursor.lastrowid, cursor.rowcount) == (1, 1)
    assert item.execute("SELECT last_insert_rowid(), changes()").fetchone() == (1, 1)
    assert item.execute("UPDATE item SET n = 2 RETURNING id, n").fetchall() == [(1, 2)]
    assert item.execute("DELETE FROM item").rowcount == 1


ROUNDS = 30
WRITERS = 3


def _write(file: Path, number: int) -> None:
    """Transactions of three changes each, a third of them rolled back."""
    database = sqlite3.connect(file, timeout=60, isolation_level=None)
    for each in range(ROUNDS):
        database.execute("BEGIN IMMEDIATE")
        for part in range(3):
            database.execute("INSERT INTO event (writer, round, part) VALUES (?, ?, ?)", (number, each, part))
        database.execute("ROLLBACK" if each % 3 == 2 else "COMMIT")
    database.close()


def test_several_processes_write_and_each_transaction_stays_together(file, writer, streaming: MakeCapture) -> None:
    writer.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, writer INTEGER, round INTEGER, part INTEGER)")
    capture = streaming()
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write, args=(file, number)) for number in range(WRITERS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    rows = [(e.row["writer"], e.row["round"], e.row["part"]) for e in capture.drain()]
    committed = [each for each in range(ROUNDS) if each % 3 != 2]
    assert len(rows) == WRITERS * len(committed) * 3
    transactions = [rows[start : start + 3] for start in range(0, len(rows), 3)]
    assert all([part for *_, part in each] == [0, 1, 2] and len({each[0][:2]}) == 1 for each in transactions)
    by_writer = defaultdict(list)
    for number, each, _ in (transaction[0] for transaction in transactions):
        by_writer[number].append(each)
    assert all(rounds == committed for rounds in by_writer.values())
