"""Errors that a user meets: each is named, with what mends it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from structlog.testing import capture_logs

from headwater.source import Resume, RetriableSourceError, SnapshotNeededError, SourceError
from headwater.sources.mongodb.connector import CONNECTOR
from tests.capture import Capture
from tests.mongod import Mongod, ReplicaSet

Start = Callable[..., Capture]
Document = dict[str, Any]


@pytest.fixture
def user(mongodb_database: Database[Document]) -> Iterator[Callable[..., str]]:
    """Makes a user with roles in the test's database; gives the connection string to sign in."""
    names = []
    client = mongodb_database.client

    def create(*roles: str) -> str:
        names.append(name := f"user_{uuid.uuid4().hex[:8]}")
        mongodb_database.command("createUser", name, pwd="se/cret", roles=list(roles))
        host, port = client.address or ("", 0)
        return f"mongodb://{name}:se%2Fcret@{host}:{port}/?replicaSet=rs0&authSource={mongodb_database.name}"

    yield create
    for name in names:
        mongodb_database.command("dropUser", name)


def test_a_server_that_is_no_replica_set(capture: Start, mongod_program: str, tmp_path: Path) -> None:
    needed = pytest.raises(SourceError, match=r"need a replica set: .* rs\.initiate\(\)")
    with Mongod(mongod_program, tmp_path) as alone, needed:
        capture(mongodb_connection_string=alone.url)


def test_a_log_that_no_longer_reaches_back(capture: Start, mongod_program: str, tmp_path: Path) -> None:
    with (
        # The log is cut off no further than the last checkpoint.
        ReplicaSet(mongod_program, tmp_path, "--oplogSize=8", "--syncdelay=1") as server,
        MongoClient[Document](server.url, socketTimeoutMS=20_000) as client,
    ):
        own = {"mongodb_connection_string": server.url, "database_include_list": "d"}
        client.d.a.insert_one({"_id": 1})
        first = capture(**own)
        first.snapshot()
        streams = [capture(first.again(), snapshot_mode=mode, **own) for mode in ("no_data", "when_needed")]
        oldest = client.local["oplog.rs"].find_one()
        while client.local["oplog.rs"].find_one() == oldest:
            client.other.t.insert_many([{"text": "x" * 10_000} for _ in range(200)])
        for stream, error in zip(streams, (SourceError, SnapshotNeededError), strict=True):
            with pytest.raises(error, match="no longer reaches back"):
                stream.drain()
        with pytest.raises(SourceError, match=r"no longer reaches back .* delete its offsets .*replSetResizeOplog"):
            capture(first.again(), **own)

        with pytest.raises(SnapshotNeededError, match="no longer reaches back"):
            capture(first.again(), snapshot_mode="when_needed", **own)
        mended = capture(snapshot_mode="when_needed", **own)  # as the pipeline then goes on
        assert [event.operation for event in mended.snapshot()] == ["r"]
        client.d.a.insert_one({"_id": 2})
        assert [event.key for event in mended.until(lambda event: event.operation == "c")] == [{"id": "2"}]


def test_a_user_without_the_right_to_read_the_log(capture: Start, user: Callable[..., str]) -> None:
    with pytest.raises(SourceError, match=r"not authorized .* db\.grantRolesToUser"):
        capture(mongodb_connection_string=user())


def test_a_user_of_one_database_needs_no_more(
    capture: Start, user: Callable[..., str], mongodb_database: Database[Document]
) -> None:
    source = capture(mongodb_connection_string=user("read"))
    source.snapshot()
    mongodb_database.a.insert_one({"_id": 1})
    assert [event.operation for event in source.drain()] == ["c"]


def test_a_wrong_password(capture: Start, mongodb_url: str) -> None:
    hosts = urlsplit(mongodb_url).netloc.rpartition("@")[2]
    with pytest.raises(SourceError, match="check user, password") as raised:
        capture(
            mongodb_connection_string=f"mongodb://{hosts}/?replicaSet=rs0",
            mongodb_user="root",
            mongodb_password="wr0ng",
        )
    assert "wr0ng" not in str(raised.value)
    assert not isinstance(raised.value, RetriableSourceError)


def test_a_host_that_does_not_answer_may_do_so_later(capture: Start) -> None:
    url = "mongodb://root:s3cret@127.0.0.1:1/?replicaSet=rs0"
    with pytest.raises(RetriableSourceError, match=r"127\.0\.0\.1:1") as raised:
        capture(mongodb_connection_string=url, mongodb_server_selection_timeout_ms="200")
    assert "s3cret" not in str(raised.value)


def test_validation_signs_in(options: dict[str, str], mongodb_url: str) -> None:
    good = CONNECTOR.options.parse(options)
    assert CONNECTOR.check_connection(good) == []
    hosts = urlsplit(mongodb_url).netloc.rpartition("@")[2]
    nobody = CONNECTOR.options.parse(options | {"mongodb.connection.string": f"mongodb://{hosts}/?replicaSet=rs0"})
    (problem,) = CONNECTOR.check_connection(nobody)
    assert problem.option == "mongodb.connection.string"
    assert "authenticat" in problem.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "127.0.0.1:27017",
        "mysql://127.0.0.1/",
        "mongodb://",
        "mongodb:///",
        "mongodb://user:p@ss:s3cret@host/",
        "mongodb://host:99999999/",
        "mongodb://host:port/",
        "mongodb://[::1/",
        "mongodb://host/?replicaSet",
    ],
)
def test_what_is_no_connection_string_is_refused_without_showing_it(options: dict[str, str], text: str) -> None:
    with pytest.raises(ValueError, match=r"mongodb\.connection\.string") as raised:
        CONNECTOR.options.parse(options | {"mongodb.connection.string": text})
    assert "s3cret" not in str(raised.value)


def test_collections_that_keep_no_images_are_named_with_the_command(
    capture: Start, mongodb_database: Database[Document]
) -> None:
    mongodb_database.create_collection("kept", changeStreamPreAndPostImages={"enabled": True})
    mongodb_database.create_collection("plain")
    with capture_logs() as logs:
        source = capture(capture_mode="change_streams_with_pre_image")
    told = [entry for entry in logs if "collection" in entry and "remedy" in entry]
    assert {entry["collection"] for entry in told} == {f"{mongodb_database.name}.plain"}
    assert "collMod: 'plain'" in told[0]["remedy"]
    source.snapshot()
    mongodb_database.command("collMod", "plain", changeStreamPreAndPostImages={"enabled": True})
    mongodb_database.plain.insert_one({"_id": 1})
    mongodb_database.plain.delete_one({"_id": 1})
    found = source.until(lambda event: event.operation == "d")
    assert [event.value["before"] for event in found if event.value] == [None, '{"_id": 1}']


def test_the_first_offset_is_stored_before_anything_is_read(capture: Start) -> None:
    source = capture(Resume())
    assert source.offset is not None
    assert source.offset["initsync"] is True
