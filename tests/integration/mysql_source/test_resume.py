"""Starting again: from any offset that was ever stored, and from those that can't be used any more."""

import uuid

import pytest

from headwater.source import Resume, RetriableSourceError, SourceError

TRANSACTION = (
    "BEGIN",
    "INSERT INTO a VALUES (1, 0), (2, 0), (3, 0)",
    "INSERT INTO other VALUES (1)",
    "UPDATE a SET n = n + 1 WHERE id < 3",
    "UPDATE a, b SET a.n = 5, b.n = 5 WHERE a.id = 3",
    "DELETE FROM a WHERE id > 1 ORDER BY id",
    "COMMIT",
)


@pytest.fixture(params=[True, False], ids=["gtids", "position"])
def by_gtids(request):
    """Whether offsets hold GTIDs."""
    return request.param


def seen(events):
    return [
        (event.topic.rpartition(".")[2], event.operation, event.key["id"])
        for event in events
        if event.operation != "tombstone"
    ]


def without_gtids(offset):
    return {name: value for name, value in offset.items() if name != "gtids"}


def test_behind_what_was_delivered(database, stream, by_gtids):
    database.run("CREATE TABLE a (id INT PRIMARY KEY)")
    first = stream()
    database.run("INSERT INTO a VALUES (1)")
    assert seen(first.drain()) == [("a", "c", 1)]
    first.source.close()
    database.run("INSERT INTO a VALUES (2)")
    offset = first.offset if by_gtids else without_gtids(first.offset)
    second = stream(Resume(offset, first.history))
    database.run("INSERT INTO a VALUES (3)")
    assert seen(second.drain()) == [("a", "c", 2), ("a", "c", 3)]


def test_offset_has_debezium_s_fields(database, stream):
    database.run("CREATE TABLE a (id INT PRIMARY KEY)")
    capture = stream()
    database.run("INSERT INTO a VALUES (1)")
    [event] = capture.drain()
    assert set(capture.offset) == {"ts_sec", "file", "pos", "gtids", "server_id"}
    assert capture.offset["file"] == event.value["source"]["file"]
    assert capture.offset["pos"] > event.value["source"]["pos"]
    assert capture.offset["server_id"] == event.value["source"]["server_id"]
    assert capture.source.partition == {"server": "srv"}


def test_offset_of_a_quiet_log_stays_as_it_is(database, stream, by_gtids):
    database.run("CREATE TABLE a (id INT PRIMARY KEY)")
    first = stream()
    database.run("INSERT INTO a VALUES (1)")
    first.drain()
    first.source.close()
    offset = first.offset if by_gtids else without_gtids(first.offset)
    second = stream(Resume(offset, first.history))
    second.poll()
    assert second.offset["ts_sec"] >= offset["ts_sec"] > 0
    assert second.offset["server_id"] == offset["server_id"]
    assert (second.offset["file"], second.offset["pos"]) >= (offset["file"], offset["pos"])


def test_every_place_within_a_transaction(database, stream, by_gtids):
    """Offsets as Debezium writes them: ``event`` counts finished events from BEGIN, ``row`` rows of the next one."""
    database.run(
        "CREATE TABLE a (id INT PRIMARY KEY, n INT)",
        "CREATE TABLE b (id INT PRIMARY KEY, n INT)",
        "CREATE TABLE other (id INT PRIMARY KEY)",
        "INSERT INTO b VALUES (7, 0)",
    )
    lists = {"table_include_list": f"{database.name}.(a|b|mark)"}
    first = stream(**lists)
    file, position, _ = database.log_end()
    begin, log = run_transaction(database, file, position)
    events = first.drain()
    whole, gtids = seen(events), database.gtids_before(events[0].value["source"]["gtid"])
    sizes = rows_by_event(first)
    assert sum(sizes.values()) == len(whole) == 9
    offset = {"file": file, "pos": begin, "gtids": gtids} if by_gtids else {"file": file, "pos": begin}

    done = 0
    for finished, event in enumerate(log):
        for row in range(sizes.get(event["Pos"], 0) + 1):
            resume = Resume(offset | {"event": finished, "row": row}, first.history)
            assert seen(stream(resume, **lists).drain()) == whole[done + row :], (finished, row)
        done += sizes.get(event["Pos"], 0)
    assert done == len(whole)


def run_transaction(database, file, position):
    """Runs `TRANSACTION`: where its BEGIN stands in the log, and its events from there to before its end."""
    database.run(*TRANSACTION)
    log = database.log_since(file, position)
    mine = next(index for index, event in enumerate(log) if f"({database.name}.a)" in event["Info"])
    begin = max(index for index in range(mine) if log[index]["Info"] == "BEGIN")
    end = next(index for index in range(mine, len(log)) if log[index]["Event_type"] == "Xid")
    return log[begin]["Pos"], log[begin:end]


def rows_by_event(capture):
    """How many rows each event of the tables a and b had, by its position."""
    sizes = {}
    for event in capture.events:
        if event.value and not event.topic.endswith(".mark"):
            position = event.value["source"]["pos"]
            sizes[position] = sizes.get(position, 0) + 1
    return sizes


def test_each_offset_on_the_way(database, stream):
    """A transaction that takes many reads: the offset behind each is stored, and the rest follows from there."""
    database.run("CREATE TABLE a (id INT PRIMARY KEY, filler VARCHAR(10000))")
    first = stream()
    statements = [f"INSERT INTO a SELECT {n}, REPEAT('x', 10000)" for n in range(300)]
    database.run("BEGIN", *statements, "COMMIT")
    offsets = []
    while len(first.events) < 300:
        first.poll()
        offsets.append((len(first.events), first.offset))
    within = [offset for _, offset in offsets if "event" in offset]
    assert within
    for delivered, offset in (offsets[0], offsets[len(offsets) // 2], offsets[-1]):
        events = stream(Resume(offset, first.history)).drain()
        assert [event.key["id"] for event in events] == list(range(delivered, 300))


def test_create_table_from_a_select_is_resumed_within(database, stream, by_gtids):
    file, position, _ = database.log_end()
    capture = stream()
    database.run("CREATE TABLE a (PRIMARY KEY (id)) SELECT 1 AS id UNION SELECT 2")
    events = capture.drain()
    assert [event.key["id"] for event in events] == [1, 2]
    gtids = database.gtids_before(events[0].value["source"]["gtid"])
    log = database.log_since(file, position)
    create = next(event["Pos"] for event in log if "CREATE TABLE `a`" in event["Info"])
    offset = {"file": file, "pos": create, "event": 2, "row": 1}
    resume = Resume(offset | {"gtids": gtids} if by_gtids else offset, capture.history)
    assert [event.key["id"] for event in stream(resume).drain()] == [2]


def test_rotation_of_the_log(database, stream, by_gtids):
    database.run("CREATE TABLE a (id INT PRIMARY KEY)")
    capture = stream()
    start = capture.offset if by_gtids else without_gtids(capture.offset)
    for number in range(4):
        database.run(f"INSERT INTO a VALUES ({number})", "FLUSH BINARY LOGS")
    events = capture.drain()
    assert [event.key["id"] for event in events] == [0, 1, 2, 3]
    assert len({event.value["source"]["file"] for event in events}) == 4
    assert [event.key["id"] for event in stream(Resume(start, capture.history)).drain()] == [0, 1, 2, 3]
    assert seen(stream(capture.again()).drain()) == []


def test_lost_connection_is_worth_another_try(database, stream):
    database.run("CREATE TABLE a (id INT PRIMARY KEY)")
    capture = stream()
    database.run("INSERT INTO a VALUES (1)")
    assert seen(capture.drain()) == [("a", "c", 1)]
    thread = capture.source._stream._connection.thread_id()
    database.run(f"KILL {thread}", "INSERT INTO a VALUES (2)")
    error, found = capture.stopped()
    assert isinstance(error, RetriableSourceError)
    assert seen(found + stream(capture.again()).drain()) == [("a", "c", 2)]


def test_another_replica_with_the_same_id(database, stream, options):
    capture = stream()
    stream(capture.again())  # the server ends the older dump
    error, _ = capture.stopped()
    assert "database.server.id" in str(error)
    assert not isinstance(error, RetriableSourceError)


@pytest.mark.parametrize(
    ("offset", "said"),
    [
        ({"file": "binlog.999999", "pos": 4}, "no longer has the binlog file binlog.999999"),
        ({"pos": 1 << 40}, "that file ends at"),
        ({"gtids": f"{uuid.UUID(int=5)}:1-5"}, "purged|never had"),
        ({"pos": -1}, "not one of a MySQL connector"),
        ({"pos": "here"}, "not one of a MySQL connector"),
        ({"gtids": "nonsense"}, "not one of a MySQL connector"),
    ],
    ids=str,
)
def test_offset_that_can_not_be_used(database, capture, offset, said):
    file, position, _ = database.log_end()
    with pytest.raises(SourceError, match=said) as caught:
        capture(Resume({"file": file, "pos": position, **offset}))
    assert not isinstance(caught.value, RetriableSourceError)
    assert "delete its offsets" in str(caught.value)


def test_gtids_the_server_never_had(database, capture):
    _, _, gtids = database.log_end()
    with pytest.raises(SourceError, match="never had"):
        capture(Resume({"file": "binlog.000001", "pos": 4, "gtids": f"{gtids},{uuid.UUID(int=5)}:1"}))


def test_offset_without_a_position(database, capture):
    with pytest.raises(SourceError, match="not one of a MySQL connector"):
        capture(Resume({"lsn": 5}))
