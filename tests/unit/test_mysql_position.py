"""Offsets in Debezium's fields: read from what is stored, and told while a log is read."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.source import SourceError
from headwater.sources.mysql.gtid import GtidSet
from headwater.sources.mysql.position import Position, StartPoint, check_offset, describe

UUID = "00000000-0000-0000-0000-00000000000a"


def test_reads_an_offset_that_debezium_wrote():
    point = StartPoint.from_offset(
        {
            "transaction_id": None,
            "ts_sec": 1700000000,
            "file": "binlog.000003",
            "pos": 154,
            "gtids": f"{UUID}:1-5",
            "row": 2,
            "server_id": 1,
            "event": 3,
        }
    )
    assert (point.file, point.position, point.events_done, point.rows_done) == ("binlog.000003", 154, 3, 2)
    assert point.gtids == GtidSet(f"{UUID}:1-5")
    assert not point.snapshot_unfinished


def test_what_debezium_or_a_task_stores_can_be_given_by_hand():
    check_offset(
        {"transaction_id": None, "file": "binlog.000003", "pos": 154, "gtids": f"{UUID}:1-5", "snapshot": True}
    )
    position = Position("binlog.000003", 154, GtidSet(f"{UUID}:1-5"))
    position.begin(154, 1)
    position.events_done = 2
    check_offset(position.offset())


@pytest.mark.parametrize("snapshot", [True, "true", "INITIAL", "initial"])
def test_snapshot_that_was_not_finished(snapshot):
    offset = {"file": "binlog.000003", "pos": 154, "snapshot": snapshot}
    assert StartPoint.from_offset(offset).snapshot_unfinished
    assert StartPoint.from_offset(offset).offset() == {"file": "binlog.000003", "pos": 154, "snapshot": "INITIAL"}


@given(
    st.dictionaries(
        st.sampled_from(["file", "pos", "gtids", "event", "row", "snapshot"]),
        st.none() | st.text() | st.floats() | st.integers(),
    )
)
def test_any_other_offset_is_refused_with_a_source_error(offset):
    with contextlib.suppress(SourceError):
        StartPoint.from_offset(offset)


def test_offset_within_a_transaction_leads_to_its_beginning():
    position = Position("binlog.000003", 154, GtidSet(f"{UUID}:1-5"))
    position.timestamp, position.server_id = 1700000000, 7
    position.next_gtid(UUID, 6)
    position.begin(233, thread=9)
    position.events_done = 3
    assert position.offset() == {
        "ts_sec": 1700000000,
        "file": "binlog.000003",
        "pos": 233,
        "gtids": f"{UUID}:1-5",
        "event": 3,
        "server_id": 7,
    }
    point = StartPoint.from_offset(json.loads(json.dumps(position.offset())))
    assert (point.position, point.events_done, point.gtids) == (233, 3, GtidSet(f"{UUID}:1-5"))


def test_offset_behind_a_transaction():
    position = Position("binlog.000003", 154, GtidSet(f"{UUID}:1-5"))
    position.next_gtid(UUID, 6)
    position.begin(233, thread=9)
    position.events_done = 3
    position.finish(500)
    assert position.offset() == {"ts_sec": 0, "file": "binlog.000003", "pos": 500, "gtids": f"{UUID}:1-6"}
    position.rotate("binlog.000004", 4)
    assert position.offset() == {"ts_sec": 0, "file": "binlog.000004", "pos": 4, "gtids": f"{UUID}:1-6"}


def test_transaction_without_a_gtid():
    position = Position("binlog.000003", 154, None)
    position.begin(154, thread=9)
    position.finish(500)
    assert position.offset() == {"ts_sec": 0, "file": "binlog.000003", "pos": 500}


def test_place_for_people():
    assert describe("binlog.000003", 154, None) == "binlog.000003:154"
    assert describe("binlog.000003", 154, f"{UUID}:6") == f"binlog.000003:154 (GTID {UUID}:6)"


def test_gtids_are_kept_from_the_first_one_a_server_gives() -> None:
    source = "c70788c5-e60c-11f1-be6e-02fc00000001"
    position = Position("binlog.000001", 4, GtidSet())
    assert "gtids" not in position.offset()
    position.next_gtid(source, 1)
    position.begin(200, 7)
    position.finish(300)
    assert position.offset()["gtids"] == f"{source}:1"
