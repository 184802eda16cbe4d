"""Snapshots: every row once, at one position, with Debezium's markers; and no gap to the stream behind it."""

import threading
from itertools import count

import pytest

from headwater.source import RetriableSourceError
from headwater.sources.mysql.connector import CONNECTOR


def of_database(events, database):
    """(table, marker) of rows, (None, marker) of schema changes; those of other databases left out."""
    found = []
    for event in events:
        if event.operation == "schema change":
            if event.value["databaseName"] == database.name:
                found.append((None, event.marker))
        else:
            found.append((event.value["source"]["table"], event.marker))
    return found


def test_markers(database, capture):
    database.run(
        "CREATE TABLE a (id INT PRIMARY KEY)",
        "CREATE TABLE b (id INT PRIMARY KEY)",
        "CREATE TABLE c (id INT PRIMARY KEY)",
        "CREATE TABLE last (id INT PRIMARY KEY)",
        "INSERT INTO a VALUES (1), (2), (3)",
        "INSERT INTO b VALUES (1)",
        "INSERT INTO c VALUES (1), (2), (3)",
    )
    events = capture().snapshot()
    assert of_database(events, database) == [
        ("a", "first"),
        ("a", "true"),
        ("a", "last_in_data_collection"),
        ("b", "last_in_data_collection"),
        ("c", "first_in_data_collection"),
        ("c", "true"),
        ("c", "last"),  # the tables behind it are empty
    ]
    assert {event.operation for event in events} == {"r"}
    assert [event.key["id"] for event in events] == [1, 2, 3, 1, 1, 2, 3]


def test_markers_where_the_first_table_is_empty(database, capture):
    database.run(
        "CREATE TABLE a (id INT PRIMARY KEY)",
        "CREATE TABLE z (id INT PRIMARY KEY)",
        "INSERT INTO z VALUES (1), (2)",
    )
    assert of_database(capture().snapshot(), database) == [("z", "first_in_data_collection"), ("z", "last")]


def test_single_row_is_first_and_last(database, capture):
    database.run("CREATE TABLE a (id INT PRIMARY KEY)", "INSERT INTO a VALUES (1)")
    assert of_database(capture().snapshot(), database) == [("a", "last")]


def test_more_rows_than_one_batch_holds(database, capture):
    database.run(
        "CREATE TABLE a (id INT PRIMARY KEY)",
        f"INSERT INTO a VALUES {', '.join(f'({number})' for number in range(1, 4097))}",
    )
    events = capture().snapshot()
    assert [event.key["id"] for event in events] == list(range(1, 4097))
    markers = [event.marker for event in events]
    assert (markers[0], set(markers[1:-1]), markers[-1]) == ("first", {"true"}, "last")


def test_rows_as_they_are(database, capture):
    database.run(
        "CREATE TABLE a (id INT PRIMARY KEY, name VARCHAR(50), data JSON)",
        "INSERT INTO a VALUES (1, 'MSA 파헤치기', '{\"a\": [1, null]}'), (2, NULL, NULL)",
    )
    assert [event.row for event in capture().snapshot()] == [
        {"id": 1, "name": "MSA 파헤치기", "data": '{"a": [1, null]}'},
        {"id": 2, "name": None, "data": None},
    ]


def test_no_data_reads_only_the_structure(database, capture):
    database.run("CREATE TABLE a (id INT PRIMARY KEY)", "INSERT INTO a VALUES (1)")
    streaming = capture(snapshot_mode="no_data")
    assert streaming.snapshot() == []
    database.run("INSERT INTO a VALUES (2)")
    assert [event.key["id"] for event in streaming.drain()] == [2]


@pytest.mark.parametrize("mode", ["initial", "no_data"])
def test_schema_changes_come_first(database, capture, mode):
    database.run("CREATE TABLE a (id INT PRIMARY KEY)", "INSERT INTO a VALUES (1), (2)")
    events = capture(include_schema_changes="true", snapshot_mode=mode).snapshot()
    changes = [event for event in events if event.operation == "schema change"]
    rows = events[len(changes) :]
    assert {event.topic for event in changes} == {"srv"}
    assert all(event.operation == "r" for event in rows)
    statements = [event.value["ddl"] for event in changes if event.value["databaseName"] == database.name]
    assert any(statement.startswith("CREATE TABLE `a`") for statement in statements)
    assert [event.marker for event in rows] == (["first", "last"] if mode == "initial" else [])
    assert [event.marker for event in events].count("last") == 1
    assert events[-1].marker == "last"


def test_schema_change_is_the_last_where_no_table_has_a_row(database, capture):
    events = capture(include_schema_changes="true").snapshot()
    assert {event.operation for event in events} == {"schema change"}
    assert [event.marker for event in events].count("last") == 1
    assert events[-1].marker == "last"


def test_offset_says_that_the_snapshot_is_not_finished(database, capture):
    database.run("CREATE TABLE a (id INT PRIMARY KEY)", "INSERT INTO a VALUES (1)")
    file, position, gtids = database.log_end()
    reading = capture()
    assert reading.offset.pop("snapshot") == "INITIAL"
    if (file, position) == database.log_end()[:2]:  # nobody else wrote in between
        assert reading.offset == {"file": file, "pos": position, "gtids": gtids}
    first = dict(reading.offset)
    reading.offset["snapshot"] = "INITIAL"
    reading.snapshot()
    assert reading.offset == first


def test_nothing_is_lost_or_doubled_at_the_seam(database, capture):
    """A writer commits all the while; each number is in the snapshot or in the stream, and in one of them only."""
    database.run("CREATE TABLE a (id INT PRIMARY KEY)", "CREATE TABLE b (id INT PRIMARY KEY)")
    stop = threading.Event()
    written = count(1)

    def write():
        with database.connect(autocommit=False) as connection, connection.cursor() as cursor:
            while not stop.is_set():
                number = next(written)
                cursor.execute(f"INSERT INTO a VALUES ({number})")
                cursor.execute(f"INSERT INTO b VALUES ({number})")
                connection.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        reading = capture()
        database.run("INSERT INTO a VALUES (0)")
        snapshot = reading.snapshot()
        streamed = reading.until(lambda event: event.key == {"id": 0})
    finally:
        stop.set()
        writer.join()
    streamed += reading.drain()
    last = next(written)
    for table in ("a", "b"):
        read = [event.key["id"] for event in snapshot if event.topic.endswith(f".{table}")]
        created = [event.key["id"] for event in streamed if event.topic.endswith(f".{table}")]
        assert read == list(range(1, len(read) + 1))
        assert [number for number in created if number] == list(range(len(read) + 1, last))
    assert len([event for event in snapshot if event.topic.endswith(".a")]) == len(snapshot) // 2


def test_what_commits_after_the_start_is_streamed(database, capture):
    database.run("CREATE TABLE a (id INT PRIMARY KEY)", "INSERT INTO a VALUES (1)")
    reading = capture()
    database.run("INSERT INTO a VALUES (2)", "DELETE FROM a WHERE id = 1")
    assert [(event.operation, event.key["id"]) for event in reading.snapshot()] == [("r", 1)]
    assert [(event.operation, event.key["id"]) for event in reading.drain()] == [
        ("c", 2),
        ("d", 1),
        ("tombstone", 1),
    ]


def test_unfinished_snapshot_is_taken_again_and_streamed_from_where_the_first_began(database, capture):
    """What an outbox had and lost between the two snapshots is in neither, but in the log."""
    database.run("CREATE TABLE a (id INT PRIMARY KEY)", "INSERT INTO a VALUES (1)")
    killed = capture()
    killed.source.close()
    database.run("INSERT INTO a VALUES (2)", "DELETE FROM a WHERE id = 2", "INSERT INTO a VALUES (3)")
    again = capture(killed.again())
    assert again.offset == killed.offset
    assert [(event.operation, event.key["id"]) for event in again.snapshot()] == [("r", 1), ("r", 3)]
    assert [(event.operation, event.key["id"]) for event in again.drain()] == [
        ("c", 2),
        ("d", 2),
        ("tombstone", 2),
        ("c", 3),
    ]


def test_unfinished_snapshot_taken_again_reads_the_log_by_the_first_structure(database, capture, row_metadata):
    database.run("CREATE TABLE a (id INT PRIMARY KEY, name INT)")
    killed = capture()
    killed.source.close()
    database.run("INSERT INTO a VALUES (1, 2)", "ALTER TABLE a RENAME COLUMN name TO title")
    again = capture(killed.again())
    assert [event.row for event in again.snapshot()] == [{"id": 1, "title": 2}]
    assert [event.row for event in again.until(lambda event: event.operation == "c")] == [{"id": 1, "name": 2}]


def test_table_that_changes_before_it_is_read_is_worth_another_try(database, capture):
    database.run("CREATE TABLE a (id INT PRIMARY KEY)", "INSERT INTO a VALUES (1)")
    reading = capture()
    database.run("ALTER TABLE a ADD COLUMN n INT")
    with pytest.raises(RetriableSourceError, match="definition has changed"):
        reading.snapshot()


def test_closing_in_the_middle(database, capture):
    database.run(
        "CREATE TABLE a (id INT PRIMARY KEY)",
        f"INSERT INTO a VALUES {', '.join(f'({number})' for number in range(1, 8193))}",
    )
    reading = capture()
    assert reading.poll()
    reading.source.close()
    reading.source.close()


def test_tables_in_the_order_of_the_list(database, capture):
    for table in ("a", "b", "c"):
        database.run(f"CREATE TABLE {table} (id INT PRIMARY KEY)", f"INSERT INTO {table} VALUES (1)")
    name = database.name
    events = capture(table_include_list=f"{name}.c,{name}.a,{name}.mark").snapshot()
    assert [event.topic for event in events] == [f"srv.{name}.c", f"srv.{name}.a"]


def test_stored_structures_of_tables_that_are_gone_are_forgotten(database, capture):
    """The offsets were deleted, the schema history was not."""
    database.run("CREATE TABLE a (id INT PRIMARY KEY, name INT)")
    old = capture()
    old.source.close()
    database.run("DROP TABLE a")
    resume = old.again()
    resume.offset = None
    streaming = capture(resume)
    streaming.snapshot()
    database.run("CREATE TABLE a (name INT PRIMARY KEY, id INT NOT NULL)", "INSERT INTO a VALUES (1, 2)")
    assert [event.row for event in streaming.drain()] == [{"name": 1, "id": 2}]


def test_explain_tells_the_shapes_without_a_start(database, options):
    source = CONNECTOR.open(CONNECTOR.options.parse(options))
    shapes = source.shapes()
    assert {(shape.table, shape.operation) for shape in shapes} == {(f"{database.name}.mark", op) for op in "rcud"}


def test_sink_may_be_away_for_longer_than_the_server_waits_for_a_client(database, capture):
    database.run("CREATE TABLE a (id INT PRIMARY KEY)")
    snapshot = capture().source._snapshot
    [(seconds,)] = database.run(
        "SELECT VARIABLE_VALUE FROM performance_schema.variables_by_thread JOIN performance_schema.threads "
        "USING (THREAD_ID) WHERE VARIABLE_NAME = 'net_write_timeout' "
        f"AND PROCESSLIST_ID = {snapshot._connection.thread_id()}"
    )
    assert int(seconds) == 600
