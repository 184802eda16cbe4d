"""What is stored no longer fits the server: the source says so, or has a new snapshot taken where that is wanted."""

import pytest

from headwater.source import Resume, RetriableSourceError, SnapshotNeededError, SourceError
from tests.mysql_log import purge_log

full = pytest.mark.parametrize("row_metadata", ["FULL"], indirect=True)
minimal = pytest.mark.parametrize("row_metadata", ["MINIMAL"], indirect=True)
NEEDED = {"snapshot_mode": "when_needed"}
TABLE = "CREATE TABLE course (id INT PRIMARY KEY, name VARCHAR(50))"


@pytest.fixture(params=[True, False], ids=["gtids", "position"])
def offset_of(request):
    """A capture's offset, with and without GTIDs."""

    def read(capture):
        return {name: value for name, value in capture.offset.items() if name != "gtids" or request.param}

    return read


def rows(events):
    return [(event.operation, *event.row.values()) for event in events if event.operation != "tombstone"]


def unlogged(database, statement):
    """Run a statement that is not written to the log."""
    database.run("SET SESSION sql_log_bin = 0", statement, "SET SESSION sql_log_bin = 1")


def is_final(error):
    return not isinstance(error, (RetriableSourceError, SnapshotNeededError)) and "delete its offsets" in str(error)


def goes_on(database, stream, stale):
    """Whether a source that starts without the offset is right from then on, and so is one that resumes it."""
    anew = stream(Resume(None, stale.history), **NEEDED)
    database.run("INSERT INTO course (id) VALUES (101)")
    assert [event.key["id"] for event in anew.drain()] == [101]
    database.run("INSERT INTO course (id) VALUES (102)")
    again = stream(Resume(anew.offset, stale.history + anew.history), **NEEDED)
    assert [event.key["id"] for event in again.drain()] == [102]
    return True


@full
def test_log_purged_while_the_snapshot_is_read(database, capture):
    database.run(TABLE, "INSERT INTO course VALUES (1, 'x')")
    captures = [capture(), capture(**NEEDED)]
    database.run("DELETE FROM course WHERE id = 1", "INSERT INTO course VALUES (2, 'y')")
    purge_log(database.run)
    error, found = captures[0].stopped()
    assert rows(found) == [("r", 1, "x")]
    assert "purged" in str(error)
    assert is_final(error)
    error, found = captures[1].stopped()
    assert rows(found) == [("r", 1, "x")]
    assert isinstance(error, SnapshotNeededError)
    anew = capture(Resume(None, captures[1].history), **NEEDED)
    assert rows(anew.snapshot()) == [("r", 2, "y")]
    database.run("INSERT INTO course VALUES (3, 'z')")
    assert rows(anew.drain()) == [("c", 3, "z")]


@full
def test_log_purged_while_a_snapshot_was_unfinished_is_seen_before_it_is_taken_again(database, capture, offset_of):
    database.run(TABLE, "INSERT INTO course VALUES (1, 'x')")
    unfinished = capture()
    database.run("DELETE FROM course")
    purge_log(database.run)
    resume = Resume(offset_of(unfinished), unfinished.history)
    with pytest.raises(SourceError, match=r"purged|no longer has the binlog file") as caught:
        capture(resume)
    assert is_final(caught.value)
    with pytest.raises(SnapshotNeededError):
        capture(resume, **NEEDED)


@full
@pytest.mark.parametrize("mode", ["initial", "when_needed"])
def test_log_that_is_gone_while_it_is_read(database, stream, offset_of, mode):
    """As when its files are deleted by hand; PURGE leaves those that are being read."""
    database.run(TABLE, "FLUSH BINARY LOGS")
    first = stream()
    resume = Resume(offset_of(first), first.history)
    reading = stream(resume, snapshot_mode=mode)
    database.run("INSERT INTO course VALUES (1, 'x')", "RESET BINARY LOGS AND GTIDS")
    error, found = reading.stopped()
    assert rows(found) in ([("c", 1, "x")], [])
    assert "could not find next log" in str(error)
    assert is_final(error) if mode == "initial" else isinstance(error, SnapshotNeededError)
    assert goes_on(database, stream, reading)


@minimal
@pytest.mark.parametrize(
    "statements",
    [
        ["ALTER TABLE course ADD COLUMN more INT", "INSERT INTO course VALUES (2, 'y', 1)"],
        ["CREATE TABLE new (id INT PRIMARY KEY)", "INSERT INTO new VALUES (1)", "DROP TABLE new"],
        ["CREATE TABLE new (id INT PRIMARY KEY)", "INSERT INTO new VALUES (1)", "ALTER TABLE new ADD COLUMN x INT"],
    ],
    ids=["changed", "dropped", "changed behind its rows"],
)
def test_structure_that_the_log_does_not_have(database, stream, statements):
    database.run(TABLE)
    reading = stream(**NEEDED)
    database.run("INSERT INTO course VALUES (1, 'x')", *statements)
    error, found = reading.stopped()
    assert isinstance(error, SnapshotNeededError)
    assert rows(found) == [("c", 1, "x")]
    assert goes_on(database, stream, reading)


@minimal
def test_rows_that_do_not_fit_the_stored_structure(database, stream):
    database.run(TABLE)
    reading = stream(**NEEDED)
    unlogged(database, "ALTER TABLE course ADD COLUMN more INT")
    database.run("INSERT INTO course VALUES (1, 'x', 1)")
    error, _ = reading.stopped()
    assert isinstance(error, SnapshotNeededError)
    assert "it has 2 columns, the log has 3" in str(error)
    assert goes_on(database, stream, reading)


@minimal
def test_rows_that_no_new_snapshot_would_find_the_structure_of(database, stream):
    """Else one snapshot would follow the other."""
    database.run(TABLE)
    reading = stream(**NEEDED)
    unlogged(database, "ALTER TABLE course ADD COLUMN more INT")
    database.run("INSERT INTO course VALUES (1, 'x', 1)")
    unlogged(database, "ALTER TABLE course DROP COLUMN more")
    error, _ = reading.stopped()
    assert "it has 2 columns, the log has 3" in str(error)
    assert is_final(error)


@full
def test_history_that_can_t_be_read(database, stream, capture):
    database.run(TABLE)
    first = stream(**NEEDED)
    first.history.append({"table": {"of": "another version"}})
    with pytest.raises(SourceError, match="schema history") as caught:
        capture(first.again())
    assert is_final(caught.value)
    with pytest.raises(SnapshotNeededError):
        capture(first.again(), **NEEDED)
    assert goes_on(database, stream, first)
