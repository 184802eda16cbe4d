"""What can't be read from the log stops the source where captured tables are concerned, and says what mends it."""

import pytest

from headwater.source import RetriableSourceError


@pytest.fixture
def tables(database):
    database.run(
        "CREATE TABLE course (id INT PRIMARY KEY, name VARCHAR(50), data JSON)",
        "CREATE TABLE other (id INT PRIMARY KEY, name VARCHAR(50), data JSON)",
        'INSERT INTO course VALUES (1, \'x\', \'{"a": 1, "b": "long enough to be worth it"}\')',
        "INSERT INTO other SELECT * FROM course",
    )
    return {"table_include_list": f"{database.name}.(course|mark)", "snapshot_mode": "no_data"}


UPDATE = "UPDATE {table} SET data = JSON_SET(data, '$.a', 2)"


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (
            ["SET SESSION binlog_row_image = MINIMAL", UPDATE],
            "rows of {database}.course lack columns: SET GLOBAL binlog_row_image=FULL",
        ),
        (
            ["SET SESSION binlog_row_value_options = PARTIAL_JSON", UPDATE],
            "SET GLOBAL binlog_row_value_options=''",
        ),
        (
            ["XA START {xid}", UPDATE, "XA END {xid}", "XA PREPARE {xid}", "XA COMMIT {xid}"],
            "an XA transaction changed {database}.course",
        ),
        (
            ["XA START {xid}", UPDATE, "XA END {xid}", "XA COMMIT {xid} ONE PHASE"],
            "an XA transaction changed {database}.course",
        ),
    ],
    ids=["minimal image", "partial json", "xa", "xa in one phase"],
)
def test_stops_at_captured_tables_only(database, stream, tables, statements, said):
    capture = stream(**tables)
    names = {"xid": f"'{database.name}'", "database": database.name}
    database.run(*(statement.format(table="other", **names) for statement in statements))
    database.run("INSERT INTO course VALUES (2, 'y', NULL)")
    assert [event.key["id"] for event in capture.drain()] == [2]

    database.run(*(statement.format(table="course", **names) for statement in statements))
    error, found = capture.stopped()
    assert said.format(**names) in str(error)
    assert "delete its offsets" in str(error)
    assert not isinstance(error, RetriableSourceError)
    assert found == []


def test_xa_transaction_ends_with_its_prepare(database, stream, tables):
    """Its GTID is seen then, and a statement behind it is not taken for one inside."""
    capture = stream(**tables)
    xid = f"'{database.name}'"
    database.run(f"XA START {xid}", UPDATE.format(table="other"), f"XA END {xid}", f"XA PREPARE {xid}")
    database.run(f"XA ROLLBACK {xid}", "CREATE TABLE behind (id INT)")
    *_, gtids = database.log_end()
    capture.drain()
    assert database.run(f"SELECT GTID_SUBSET('{gtids}', '{capture.offset['gtids']}')") == [(1,)]
    assert "event" not in capture.offset


def test_compressed_transaction_stops(database, stream, tables):
    capture = stream(**tables)
    database.run("SET SESSION binlog_transaction_compression = ON", f"INSERT INTO other VALUES (2, '{'x' * 40}', NULL)")
    error, _ = capture.stopped()
    assert "SET GLOBAL binlog_transaction_compression=OFF" in str(error)
    assert "delete its offsets" in str(error)
    assert not isinstance(error, RetriableSourceError)


def test_statement_in_place_of_rows_stops(database, stream, tables):
    capture = stream(**tables)
    database.run("SET SESSION binlog_format = STATEMENT", "UPDATE course SET name = 'y' WHERE id = 1")
    error, _ = capture.stopped()
    assert "UPDATE course SET name" in str(error)
    assert "SET GLOBAL binlog_format=ROW" in str(error)
