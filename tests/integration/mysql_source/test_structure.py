"""Table structure: followed through the log where it is in there (FULL), else used only while it surely holds."""

import pytest

from headwater.source import Resume, RetriableSourceError

full = pytest.mark.parametrize("row_metadata", ["FULL"], indirect=True)
minimal = pytest.mark.parametrize("row_metadata", ["MINIMAL"], indirect=True)
TABLE = "CREATE TABLE course (id INT PRIMARY KEY, name VARCHAR(50), level ENUM('a','b'))"


def rows(events):
    return [event.row for event in events if event.operation != "tombstone"]


def stopped(capture):
    """What the source says when it stops for good, and the events it gave before."""
    error, found = capture.stopped()
    assert not isinstance(error, RetriableSourceError)
    assert capture.stopped() == (error, [])
    return str(error), found


CHANGES = [
    ("ALTER TABLE course ADD COLUMN more INT FIRST", {"more": None, "id": 1, "name": "x", "level": "a"}),
    ("ALTER TABLE course RENAME COLUMN name TO title", {"id": 1, "title": "x", "level": "a"}),
    ("ALTER TABLE course MODIFY level ENUM('z','a','b')", {"id": 1, "name": "x", "level": "a"}),
    ("ALTER TABLE course DROP COLUMN name", {"id": 1, "level": "a"}),
    ("ALTER TABLE course MODIFY id BIGINT UNSIGNED, CHARSET latin1", {"id": 1, "name": "x", "level": "a"}),
]


@full
@pytest.mark.parametrize(("statement", "after"), CHANGES, ids=[statement for statement, _ in CHANGES])
def test_change_of_structure_is_followed(database, stream, statement, after):
    database.run(TABLE)
    capture = stream()
    database.run("INSERT INTO course VALUES (1, 'x', 'a')", statement, "DELETE FROM course")
    assert rows(capture.drain()) == [{"id": 1, "name": "x", "level": "a"}, after]


@full
@pytest.mark.parametrize(("statement", "after"), CHANGES, ids=[statement for statement, _ in CHANGES])
def test_rows_that_are_older_than_the_server_s_structure(database, stream, statement, after):
    database.run(TABLE)
    file, position, gtids = database.log_end()
    database.run("INSERT INTO course VALUES (1, 'x', 'a')", statement, "DELETE FROM course", "DROP TABLE course")
    for offset in ({"file": file, "pos": position}, {"file": file, "pos": position, "gtids": gtids}):
        capture = stream(Resume(offset))
        assert rows(capture.drain()) == [{"id": 1, "name": "x", "level": "a"}, after]


@full
def test_change_of_the_primary_key_is_followed(database, stream):
    database.run(TABLE)
    capture = stream()
    database.run(
        "INSERT INTO course VALUES (1, 'x', 'a')",
        "ALTER TABLE course DROP PRIMARY KEY, ADD PRIMARY KEY (name, id)",
        "UPDATE course SET level = 'b'",
        "ALTER TABLE course DROP PRIMARY KEY, MODIFY level ENUM('a','b') NOT NULL, ADD UNIQUE (level)",
        "UPDATE course SET name = 'y'",
    )
    assert [event.key for event in capture.drain()] == [{"id": 1}, {"name": "x", "id": 1}, {"level": "b"}]


@minimal
def test_change_of_structure_stops_behind_what_came_before(database, stream):
    database.run(TABLE)
    capture = stream()
    database.run(
        "INSERT INTO course VALUES (1, 'x', 'a')",
        "ALTER TABLE course ADD COLUMN more INT",
        "INSERT INTO course VALUES (2, 'y', 'b', 1)",
    )
    message, found = stopped(capture)
    assert rows(found) == [{"id": 1, "name": "x", "level": "a"}]
    assert "'ALTER TABLE course ADD COLUMN more INT' changed the structure of" in message
    assert f"{database.name}.course" in message
    assert "SET GLOBAL binlog_row_metadata=FULL" in message
    assert "delete its offsets" in message

    again, found = stopped(stream(capture.again()))
    assert (again, found) == (message, [])


@minimal
@pytest.mark.parametrize(
    "statement",
    [
        "RENAME TABLE course TO lesson, lesson TO course, course TO lesson",
        "CREATE UNIQUE INDEX named ON course (name)",
        "ALTER TABLE course ENGINE=InnoDB",
    ],
)
def test_other_statements_that_change_structure_stop_too(database, stream, statement):
    database.run(TABLE)
    capture = stream()
    database.run(statement)
    message, _ = stopped(capture)
    assert statement in message


@minimal
def test_structure_is_the_stored_one_not_the_server_s(database, stream):
    """The rows before a renaming have the old names, although the server knows only the new ones by then."""
    database.run(TABLE)
    capture = stream()
    database.run(
        "INSERT INTO course VALUES (1, 'x', 'a')",
        "ALTER TABLE course RENAME COLUMN name TO title, MODIFY level ENUM('b','a')",
    )
    message, found = stopped(stream(capture.again()))
    assert rows(found) == [{"id": 1, "name": "x", "level": "a"}]
    assert "RENAME COLUMN name TO title" in message


@minimal
def test_rows_that_do_not_fit_the_stored_structure_stop(database, stream):
    database.run(TABLE)
    capture = stream()
    for entry in capture.history:
        for column in entry.get("table", {}).get("columns", ()):
            if column["name"] == "name":
                column["type"], column["length"], column["charset"] = "int", None, None
    database.run("INSERT INTO course VALUES (1, 'x', 'a')")
    message, found = stopped(stream(capture.again()))
    assert f"the rows of {database.name}.course do not fit" in message
    assert "column 'name'" in message
    assert found == []


def test_new_table_is_captured(database, stream):
    capture = stream()
    database.run(TABLE, "INSERT INTO course VALUES (1, 'x', 'a')")
    assert rows(capture.drain()) == [{"id": 1, "name": "x", "level": "a"}]
    database.run("INSERT INTO course VALUES (2, 'y', 'b')")
    assert rows(stream(capture.again()).drain()) == [{"id": 2, "name": "y", "level": "b"}]


@minimal
def test_new_table_that_was_altered_before_its_rows(database, stream):
    capture = stream()
    database.run(TABLE, "ALTER TABLE course DROP name", "INSERT INTO course VALUES (1, 'a')")
    assert rows(capture.drain()) == [{"id": 1, "level": "a"}]


@minimal
@pytest.mark.parametrize(
    "statement",
    ["ALTER TABLE course RENAME COLUMN name TO title", "DROP TABLE course", "RENAME TABLE course TO lesson"],
)
def test_new_table_that_was_altered_behind_its_rows_stops(database, stream, statement):
    capture = stream()
    database.run(TABLE, "INSERT INTO course VALUES (1, 'x', 'a')", "FLUSH BINARY LOGS", statement)
    message, found = stopped(capture)
    assert found == []
    assert f"{database.name}.course" in message
    assert "binlog_row_metadata=MINIMAL" in message
    assert "no longer on the server" in message or statement in message


@minimal
def test_table_dropped_and_made_anew_behind_its_rows_stops(database, stream):
    capture = stream()
    database.run(
        TABLE,
        "INSERT INTO course VALUES (1, 'x', 'a')",
        "DROP TABLE course",
        TABLE.replace("name", "title"),
    )
    message, _ = stopped(capture)
    assert "DROP TABLE" in message


def test_dropped_and_made_anew(database, stream):
    database.run(TABLE)
    capture = stream()
    database.run(
        "INSERT INTO course VALUES (1, 'x', 'a')",
        "DROP TABLE course",
        "CREATE TABLE course (title VARCHAR(50), id INT PRIMARY KEY)",
        "INSERT INTO course VALUES ('y', 2)",
    )
    assert rows(capture.drain()) == [{"id": 1, "name": "x", "level": "a"}, {"title": "y", "id": 2}]
    database.run("INSERT INTO course VALUES ('z', 3)")
    assert rows(stream(capture.again()).drain()) == [{"title": "z", "id": 3}]


def test_create_table_if_not_exists_is_no_change(database, stream):
    database.run(TABLE)
    capture = stream()
    unchanged = "CREATE TABLE IF NOT EXISTS course (x INT)"
    database.run(unchanged, "INSERT INTO course VALUES (1, 'x', 'a')", unchanged)
    assert len(capture.drain()) == 1


def test_statements_on_other_tables_are_no_obstacle(database, stream):
    database.run(TABLE, "CREATE TABLE other (id INT PRIMARY KEY)", "CREATE VIEW seen AS SELECT * FROM other")
    capture = stream(table_include_list=f"{database.name}.(course|mark)")
    database.run(
        "ALTER TABLE other ADD COLUMN x INT",
        "INSERT INTO other VALUES (1, 2)",
        "RENAME TABLE other TO another",
        "DROP TABLE another",
        "CREATE TEMPORARY TABLE course (x INT)",
        "INSERT INTO course VALUES (1)",
        "DROP TEMPORARY TABLE course",
        "TRUNCATE TABLE course",
        "ANALYZE TABLE course",
        "DROP VIEW seen",
        "CREATE INDEX named ON course (name)",
        "INSERT INTO course VALUES (1, 'x', 'a')",
    )
    assert rows(capture.drain()) == [{"id": 1, "name": "x", "level": "a"}]


def test_create_table_from_a_select(database, stream):
    database.run(TABLE, "INSERT INTO course VALUES (1, 'x', 'a'), (2, 'y', 'b')")
    capture = stream()
    database.run("CREATE TABLE copy (PRIMARY KEY (id)) SELECT id, name FROM course")
    assert rows(capture.drain()) == [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}]


@full
def test_default_comes_from_the_server(database, stream):
    database.run(TABLE)
    capture = stream()
    database.run("ALTER TABLE course ADD COLUMN n INT NOT NULL DEFAULT 7", "INSERT INTO course VALUES (1, 'x', 'a', 5)")
    capture.drain()
    [shape] = {one.shape for one in capture.rows if one.shape.table == f"{database.name}.course"}
    after = shape.messages[0].value_schema.fields[1].schema
    assert {field.name: field.schema.default for field in after.fields}["n"] == 7


def test_one_shape_for_one_structure(database, stream):
    """A table gets a new number in the log now and then; what was compiled for it is used on."""
    database.run(TABLE)
    capture = stream()
    for number in range(3):
        database.run(f"INSERT INTO course VALUES ({number}, 'x', 'a')", "FLUSH TABLES course", "FLUSH BINARY LOGS")
    capture.drain()
    assert len({one.shape for one in capture.rows if one.shape.table.endswith(".course")}) == 1
