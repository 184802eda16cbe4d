"""A replica set's members do not all have the same at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymongo import MongoClient, WriteConcern
from pymongo.read_concern import ReadConcern

from tests.capture import Capture
from tests.mongod import PASSWORD, USER, ReplicaSet

Document = dict[str, Any]
LAGS = {"priority": 0, "secondaryDelaySecs": 2}


def test_a_snapshot_goes_on_at_a_member_that_lags(
    capture: Callable[..., Capture], mongod_program: str, tmp_path: Path
) -> None:
    """What the stream begins behind is in the snapshot, though the member gets to it only later."""
    with (
        ReplicaSet(mongod_program, tmp_path, members=({}, {**LAGS, "votes": 0})) as replica_set,
        MongoClient[Document](replica_set.url) as client,
    ):
        client.d.a.insert_one({"_id": 1})
        started = capture(mongodb_connection_string=replica_set.url, database_include_list="d")
        _, lagging = replica_set.members
        url = f"mongodb://{USER}:{PASSWORD}@{lagging.address}/?directConnection=true"
        again = capture(started.again(), mongodb_connection_string=url, database_include_list="d")
        assert [event.key for event in again.snapshot()] == [{"id": "1"}]
        client.d.a.insert_one({"_id": 2})
        assert [event.key for event in again.until(lambda event: event.operation == "c")] == [{"id": "2"}]


def test_a_snapshot_waits_until_no_change_of_primaries_undoes_what_it_tells_of(
    capture: Callable[..., Capture], mongod_program: str, tmp_path: Path
) -> None:
    """What is before the stream's beginning is in the snapshot, and safe: the member that lags has it too."""
    with (
        ReplicaSet(mongod_program, tmp_path, members=({}, LAGS)) as replica_set,
        MongoClient[Document](replica_set.url) as client,
    ):
        client.d.a.insert_one({"_id": 1})
        client.d.get_collection("a", write_concern=WriteConcern(1)).insert_one({"_id": 2})
        source = capture(mongodb_connection_string=replica_set.url, database_include_list="d")
        told = [event.key for event in source.snapshot()]
        safe = client.d.get_collection("a", read_concern=ReadConcern("majority")).find()
        assert told == [{"id": str(document["_id"])} for document in safe] == [{"id": "1"}, {"id": "2"}]
