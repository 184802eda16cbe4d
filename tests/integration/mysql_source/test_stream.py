"""Streaming: what commits is delivered, in the order of the log, in Debezium's operations; what does not, never."""


def changes(events):
    """(operation, key, row) of each event; the row is None for a tombstone."""
    return [
        (event.operation, event.key, None if event.operation == "tombstone" else tuple(event.row.values()))
        for event in events
    ]


def test_insert_update_delete(database, stream):
    database.run("CREATE TABLE course (id INT PRIMARY KEY, name VARCHAR(50))")
    capture = stream()
    database.run(
        "INSERT INTO course VALUES (1, 'MSA 파헤치기')",
        "UPDATE course SET name = NULL",
        "DELETE FROM course",
    )
    events = capture.drain()
    key = {"id": 1}
    assert changes(events) == [
        ("c", key, (1, "MSA 파헤치기")),
        ("u", key, (1, None)),
        ("d", key, (1, None)),
        ("tombstone", key, None),
    ]
    assert {event.topic for event in events} == {f"srv.{database.name}.course"}
    assert events[1].value["before"] == {"id": 1, "name": "MSA 파헤치기"}


def test_statement_with_many_rows(database, stream):
    database.run("CREATE TABLE course (id INT PRIMARY KEY, name VARCHAR(50))")
    capture = stream()
    database.run(
        "INSERT INTO course VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        "UPDATE course SET name = UPPER(name) WHERE id > 1 ORDER BY id",
    )
    events = capture.drain()
    assert changes(events) == [
        ("c", {"id": 1}, (1, "a")),
        ("c", {"id": 2}, (2, "b")),
        ("c", {"id": 3}, (3, "c")),
        ("u", {"id": 2}, (2, "B")),
        ("u", {"id": 3}, (3, "C")),
    ]
    assert [event.value["source"]["row"] for event in events] == [0, 1, 2, 0, 1]


def test_changed_key_is_a_delete_a_tombstone_and_a_create(database, stream):
    database.run("CREATE TABLE course (id INT PRIMARY KEY, name VARCHAR(50))")
    capture = stream()
    database.run("INSERT INTO course VALUES (1, 'a')", "UPDATE course SET id = 2")
    assert changes(capture.drain()) == [
        ("c", {"id": 1}, (1, "a")),
        ("d", {"id": 1}, (1, "a")),
        ("tombstone", {"id": 1}, None),
        ("c", {"id": 2}, (2, "a")),
    ]


def test_no_tombstones_where_they_are_not_wanted(database, stream):
    database.run("CREATE TABLE course (id INT PRIMARY KEY, name VARCHAR(50))")
    capture = stream(tombstones_on_delete="false")
    database.run("INSERT INTO course VALUES (1, 'a')", "UPDATE course SET id = 2", "DELETE FROM course")
    assert [event.operation for event in capture.drain()] == ["c", "d", "c", "d"]


def test_unique_key_is_the_message_key_of_a_table_without_a_primary_key(database, stream):
    database.run("CREATE TABLE course (name VARCHAR(50), code CHAR(2) NOT NULL UNIQUE)")
    capture = stream()
    database.run("INSERT INTO course VALUES ('a', 'x1')", "UPDATE course SET code = 'x2'")
    assert changes(capture.drain()) == [
        ("c", {"code": "x1"}, ("a", "x1")),
        ("d", {"code": "x1"}, ("a", "x1")),
        ("tombstone", {"code": "x1"}, None),
        ("c", {"code": "x2"}, ("a", "x2")),
    ]


def test_table_without_any_key_has_null_keys(database, stream):
    database.run("CREATE TABLE course (name VARCHAR(50))")
    capture = stream()
    database.run("INSERT INTO course VALUES ('a')", "UPDATE course SET name = 'b'")
    assert changes(capture.drain()) == [("c", None, ("a",)), ("u", None, ("b",))]


def test_what_is_rolled_back_never_shows(database, stream):
    database.run("CREATE TABLE course (id INT PRIMARY KEY)")
    capture = stream()
    database.run(
        "BEGIN",
        "INSERT INTO course VALUES (1)",
        "ROLLBACK",
        "BEGIN",
        "INSERT INTO course VALUES (2)",
        "SAVEPOINT here",
        "INSERT INTO course VALUES (3)",
        "ROLLBACK TO here",
        "INSERT INTO course VALUES (4)",
        "COMMIT",
    )
    assert [event.key for event in capture.drain()] == [{"id": 2}, {"id": 4}]


def test_savepoint_with_a_table_that_can_not_roll_back(database, stream):
    database.run("CREATE TABLE course (id INT PRIMARY KEY)", "CREATE TABLE audit (id INT PRIMARY KEY) ENGINE=MyISAM")
    capture = stream()
    database.run(
        "INSERT INTO audit VALUES (1)",
        "BEGIN",
        "INSERT INTO course VALUES (1)",
        "SAVEPOINT here",
        "INSERT INTO course VALUES (2)",
        "ROLLBACK TO here",
        "COMMIT",
    )
    assert [(event.topic.rpartition(".")[2], event.key) for event in capture.drain()] == [
        ("audit", {"id": 1}),
        ("course", {"id": 1}),
    ]


def test_transaction_over_several_tables_keeps_its_order(database, stream):
    database.run("CREATE TABLE course (id INT PRIMARY KEY)", "CREATE TABLE outbox (id INT PRIMARY KEY, course INT)")
    capture = stream()
    database.run(
        "BEGIN",
        "INSERT INTO course VALUES (1)",
        "INSERT INTO outbox VALUES (10, 1)",
        "DELETE FROM outbox",
        "UPDATE course SET id = 2",
        "INSERT INTO outbox VALUES (11, 2)",
        "COMMIT",
    )
    events = capture.drain()
    assert [(event.topic.rpartition(".")[2], event.operation, *event.key.values()) for event in events] == [
        ("course", "c", 1),
        ("outbox", "c", 10),
        ("outbox", "d", 10),
        ("outbox", "tombstone", 10),
        ("course", "d", 1),
        ("course", "tombstone", 1),
        ("course", "c", 2),
        ("outbox", "c", 11),
    ]
    gtids = {event.value["source"]["gtid"] for event in events if event.value}
    assert len(gtids) == 1


def test_statement_over_several_tables(database, stream):
    database.run("CREATE TABLE a (id INT PRIMARY KEY, n INT)", "CREATE TABLE b (id INT PRIMARY KEY, n INT)")
    capture = stream()
    database.run(
        "INSERT INTO a VALUES (1, 0)", "INSERT INTO b VALUES (1, 0)", "UPDATE a JOIN b USING (id) SET a.n = 5, b.n = 6"
    )
    events = capture.drain()
    assert sorted((event.topic[-1], event.row["n"]) for event in events if event.operation == "u") == [
        ("a", 5),
        ("b", 6),
    ]


def test_only_what_the_lists_name_is_captured(database, stream):
    database.run(
        "CREATE TABLE course (id INT PRIMARY KEY, name VARCHAR(50), secret TEXT)",
        "CREATE TABLE other (id INT PRIMARY KEY)",
    )
    capture = stream(
        table_include_list=f"{database.name}.(course|mark)", column_exclude_list=f"{database.name}.course.secret"
    )
    database.run("INSERT INTO other VALUES (1)", "INSERT INTO course VALUES (1, 'a', 'b')")
    assert changes(capture.drain()) == [("c", {"id": 1}, (1, "a"))]


def test_names_from_outside_stay_data(database, stream):
    """Names end up in generated code; none may end a string, a line or a placeholder there."""
    names = ["q'uo\"te", 'three"""', "new\nline", "back\\slash", "{brace}", "한글", "%s", "semi;colon--", "`tick`"]
    columns = ", ".join(f"`{name.replace('`', '``')}` INT" for name in names)
    for name in names:
        quoted = name.replace("`", "``")
        database.run(
            f"CREATE TABLE `{quoted}` (`key {quoted}` INT PRIMARY KEY, {columns})",
            f"INSERT INTO `{quoted}` (`key {quoted}`) VALUES (1)",
        )
    capture = stream()
    for number, name in enumerate(names):
        quoted = name.replace("`", "``")
        database.run(f"UPDATE `{quoted}` SET `{quoted}` = {number}")
    events = capture.drain()
    assert [event.value["source"]["table"] for event in events] == names
    for number, (name, event) in enumerate(zip(names, events, strict=True)):
        assert event.key == {f"key {name}": 1}
        assert event.row == dict.fromkeys(names) | {f"key {name}": 1, name: number}


def test_database_with_a_hostile_name(database, stream):
    name = f"{database.name}'\"\n\\{{}}"
    database.run(f"CREATE DATABASE `{name}`", f"CREATE TABLE `{name}`.t (id INT PRIMARY KEY)")
    try:
        capture = stream(database_include_list=rf"{database.name}[\s\S]*")
        database.run(f"INSERT INTO `{name}`.t VALUES (1)")
        assert [event.value["source"]["db"] for event in capture.drain()] == [name]
    finally:
        database.run(f"DROP DATABASE `{name}`")


def test_source_block_tells_where_the_change_stands(database, stream):
    database.run("CREATE TABLE course (id INT PRIMARY KEY)")
    capture = stream()
    file, position, _ = database.log_end()
    database.run("INSERT INTO course VALUES (1)")
    log = database.log_since(file, position)
    [event] = capture.drain()
    source = event.value["source"]
    [rows] = [one for one in log if one["Event_type"] == "Write_rows"]
    assert (source["file"], source["pos"]) == (file, rows["Pos"])
    assert source["thread"] == database.run("SELECT CONNECTION_ID()")[0][0]
    assert f"'{source['gtid']}'" in log[0]["Info"]
    assert abs(source["ts_ms"] - event.value["ts_ms"]) < 60_000
    assert capture.source.locate(capture.rows[0]) == (
        f"table {database.name}.course at {file}:{rows['Pos']} (GTID {source['gtid']})"
    )
