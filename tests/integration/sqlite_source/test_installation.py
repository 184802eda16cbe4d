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
