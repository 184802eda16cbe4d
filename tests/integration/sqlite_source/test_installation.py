"""Triggers that are installed, missing, stale, mended and removed; and what the task says of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from headwater.cli import main
from headwater.source import SourceError
from headwater.sources.sqlite.installation import InstallationError, install, remove
from tests.integration.sqlite_source.conftest import MakeCapture


@pytest.fixture
def item(writer: sqlite3.Connection) -> sqlite3.Connection:
    writer.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER)")
    return writer


def headwater(*arguments: object) -> tuple[int, str]:
    """Exit status and output of the command."""
    result = CliRunner().invoke(main, ["sqlite", *map(str, arguments)])
    return result.exit_code, result.output


def test_a_database_without_triggers_is_refused_with_the_command(file: Path, capture: MakeCapture) -> None:
    with pytest.raises(SourceError, match="headwater sqlite install"):
        capture(installs=False)


def test_a_listed_table_without_triggers_is_refused(item, file: Path, capture: MakeCapture) -> None:
    install(item, ["mark"])
    with pytest.raises(SourceError, match=r"shop\.item: headwater sqlite install .* item"):
        capture(installs=False, table_include_list="shop.mark,shop.item")
    assert capture(installs=False).drain() == []


REBUILT = (
    "BEGIN",
    "CREATE TABLE item_new (id INTEGER PRIMARY KEY, n INTEGER)",
    "INSERT INTO item_new SELECT * FROM item",
    "DROP TABLE item",
    "ALTER TABLE item_new RENAME TO item",
    "COMMIT",
)
"""As migration tools do it."""


RENAMED = ("ALTER TABLE item RENAME TO meanwhile", "ALTER TABLE meanwhile RENAME TO Item")


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (REBUILT, "triggers are missing"),
        (("ALTER TABLE item ADD COLUMN extra TEXT",), r"its structure has changed \(\+extra\)"),
        (("ALTER TABLE item RENAME COLUMN n TO m",), r"its structure has changed \(\+m, -n\)"),
        (("CREATE UNIQUE INDEX once ON item (n)",), "its structure has changed"),
        (("DROP TRIGGER headwater_1_delete",), "triggers are missing"),
    ],
)
def test_stale_triggers_stop_the_task_and_a_snapshot_mends_it(
    item, file: Path, capture: MakeCapture, statements: tuple[str, ...], problem: str
) -> None:
    assert headwater("install", file, "item")[0] == 0
    task = capture(table_include_list="shop.item,shop.mark")
    item.execute("INSERT INTO item VALUES (1, 1)")
    task.drain()
    last = task.offset["change_id"]
    for statement in statements:
        item.execute(statement)
    item.execute("INSERT INTO item (id) VALUES (2)")
    error, came = task.stopped()
    assert f"from change {last + 1} on" in str(error)
    assert f"headwater sqlite install {file} item" in str(error)
    with pytest.raises(SourceError, match=problem):
        capture(task.again(), installs=False)
    assert [e.key for e in came] == []
    status, said = headwater("verify", file)
    assert (status, "item: recorded" in said) == (1, False)

    assert headwater("install", file, "item") == (0, "item: triggers installed\n")
    assert headwater("verify", file)[0] == 0
    item.execute("INSERT INTO item (id) VALUES (3)")
    mended = capture(task.again(), installs=False, table_include_list="shop.item,shop.mark")
    reads = {e.key["id"] for e in mended.drain() if e.operation == "r"}
    assert reads >= {1, 2}
    item.execute("INSERT INTO item (id) VALUES (4)")
    assert [(e.operation, e.key) for e in mended.drain()][-1] == ("c", {"id": 4})


def test_a_renamed_table_stops_the_task_and_goes_on_under_its_new_name(item, file: Path, capture: MakeCapture) -> None:
    task = capture(snapshot_mode="no_data")
    item.execute("INSERT INTO item VALUES (1, 1)")
    task.drain()
    last = task.offset["change_id"]
    item.execute("ALTER TABLE item RENAME TO good")
    item.execute("INSERT INTO good VALUES (2, 2)")
    error, came = task.stopped()
    assert came == []
    assert "table shop.item: it was renamed to good" in str(error)
    assert f"from change {last + 1} on" in str(error)
    assert f"headwater sqlite install {file} good" in str(error)
    assert headwater("verify", file)[0] == 1
    assert headwater("verify", file)[1].startswith("item: it was renamed to good\nmark: recorded\n")

    assert headwater("install", file, "good") == (0, "good: triggers installed\n")
    assert headwater("verify", file)[0] == 0
    item.execute("INSERT INTO good VALUES (3, 3)")
    mended = capture(task.again(), installs=False)
    found = [(e.topic, e.operation, e.key["id"]) for e in mended.drain()]
    reads = [("t.shop.good", "r", number) for number in (1, 2, 3)]
    assert found == [("t.shop.item", "c", 2), *reads, ("t.shop.good", "c", 3)]


@pytest.mark.parametrize("way", [("DROP TABLE item", "CREATE TABLE Item (id INTEGER PRIMARY KEY)"), RENAMED])
def test_a_table_whose_name_is_in_other_letters(item, file: Path, capture: MakeCapture, way: tuple[str, ...]) -> None:
    task = capture(snapshot_mode="no_data")
    for statement in way:
        item.execute(statement)
    error, _ = task.stopped()
    assert "table shop.item: it was renamed to Item" in str(error)
    assert headwater("install", file) == (0, "Item: triggers installed\n")
    assert headwater("verify", file)[1].startswith("Item: recorded\nmark: recorded\n")


def test_a_table_that_took_the_name_of_a_renamed_one(item, file: Path, capture: MakeCapture) -> None:
    task = capture(snapshot_mode="no_data")
    item.execute("ALTER TABLE item RENAME TO item_old")
    item.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER)")
    error, _ = task.stopped()
    assert "table shop.item: triggers are missing" in str(error)
    assert headwater("install", file, "item") == (0, "item: triggers installed\n")
    item.execute("INSERT INTO item VALUES (1, 1)")
    item.execute("INSERT INTO item_old VALUES (9, 9)")
    mended = capture(task.again(), installs=False)
    assert [(e.operation, e.key["id"]) for e in mended.drain()] == [("r", 1), ("c", 1)]


def test_tables_that_swapped_names_are_mended_one_by_one(item, file: Path) -> None:
    item.execute("CREATE TABLE other (id INTEGER PRIMARY KEY, n INTEGER)")
    install(item)
    for old, new in (("item", "swap"), ("other", "item"), ("swap", "other")):
        item.execute(f"ALTER TABLE {old} RENAME TO {new}")
    for name, left in (("item", 1), ("other", 0)):
        assert headwater("install", file, name) == (0, f"{name}: triggers installed\n")
        status, said = headwater("verify", file)
        assert (status, said.count("triggers are missing")) == (left, left)


@pytest.mark.parametrize("name", ["item", "good"])
def test_the_triggers_of_a_renamed_table_are_removed_by_either_name(item, file: Path, name: str) -> None:
    install(item)
    item.execute("ALTER TABLE item RENAME TO good")
    assert headwater("remove", file, name) == (0, "item: triggers removed\n")
    assert headwater("verify", file) == (0, "good: no triggers\nmark: recorded\n")
    triggers = item.execute("SELECT DISTINCT tbl_name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    assert triggers == [("mark",)]


def test_installing_again_changes_nothing(item, file: Path, capture: MakeCapture) -> None:
    task = capture()
    task.snapshot()
    assert headwater("install", file) == (0, "nothing to do: 2 tables have their triggers\n")
    assert task.drain() == []


def test_a_table_that_is_captured_later_is_read_from_there_on(item, file: Path, capture: MakeCapture) -> None:
    install(item, ["mark"])
    task = capture(installs=False)
    task.snapshot()
    item.execute("INSERT INTO item VALUES (1, 1)")
    install(item)
    item.execute("INSERT INTO item VALUES (2, 1)")
    events = [(e.operation, e.key["id"]) for e in task.drain()]
    assert ("r", 1) in events
    assert ("c", 2) in events


def test_removed_triggers_leave_nothing_behind(item, file: Path) -> None:
    before = item.execute("SELECT sql FROM sqlite_schema").fetchall()
    install(item)
    assert headwater("remove", file, "nonsense")[0] == 1
    assert headwater("remove", file, "item") == (0, "item: triggers removed\n")
    item.execute("INSERT INTO item VALUES (1, 1)")
    assert headwater("remove", file) == (0, "mark: triggers removed\n")
    left = [sql for sql in item.execute("SELECT sql FROM sqlite_schema").fetchall() if "sqlite_sequence" not in sql[0]]
    assert left == before
    assert remove(item) == []


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (f"wide ({', '.join(f'c{n}' for n in range(991))})", "991 columns"),
        ("hidden (rowid, oid, _rowid_)", "rows can't be told apart"),
    ],
)
def test_what_can_not_be_captured_is_refused_by_name(writer, table: str, words: str) -> None:
    writer.execute(f"CREATE TABLE {table}")
    with pytest.raises(InstallationError, match=words):
        install(writer)
    assert writer.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'").fetchone() == (0,)


def test_a_removed_database_file_and_one_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database, and long enough to be read as one" * 100)
    status, said = headwater("install", tmp_path / "text.db")
    assert (status, "not a database" in said) == (1, True)
