"""The bodies of events, as MySQL 9 wrote them and damaged: only `EventError` says that one can't be read."""

import struct
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headwater.sources.mysql import event_types
from headwater.sources.mysql.binlog import HEADER_SIZE
from headwater.sources.mysql.events import (
    EventError,
    read_begin,
    read_gtid,
    read_query,
    read_rotate,
    read_rows_head,
)

PACKETS = (Path(__file__).parent / "data" / "mysql_binlog_packets.bin").read_bytes()
CHECKSUM = 4
READERS = [
    read_begin,
    read_query,
    read_gtid,
    read_rotate,
    lambda buffer, start, end: read_rows_head(buffer, start, end, version=1),
    lambda buffer, start, end: read_rows_head(buffer, start, end, version=2),
]


def bodies(kind: int) -> list[bytes]:
    """The recorded bodies of one type."""
    found = []
    start = 0
    while start < len(PACKETS):
        end = start + 4 + int.from_bytes(PACKETS[start : start + 3], "little")
        event = PACKETS[start + 5 : end - CHECKSUM]
        if PACKETS[start + 4] == 0 and event[4] == kind:
            found.append(event[HEADER_SIZE:])
        start = end
    return found


def test_query():
    begin, alter, _ = (read_query(body, 0, len(body)) for body in bodies(event_types.QUERY))
    assert (begin.database, begin.sql) == ("recorded", "BEGIN")
    assert (alter.database, alter.sql) == ("recorded", "alter table course add column n int")
    assert begin.thread == alter.thread > 0


def test_begin():
    begin, alter, _ = bodies(event_types.QUERY)
    assert read_begin(begin, 0, len(begin)) == read_query(begin, 0, len(begin)).thread
    assert read_begin(alter, 0, len(alter)) == -1


def test_gtid():
    first, second, _ = (read_gtid(body, 0, len(body)) for body in bodies(event_types.GTID))
    (uuid, number, committed), (next_uuid, next_number, next_committed) = first, second
    assert uuid == next_uuid == UUID(bytes=uuid).bytes
    assert next_number == number + 1
    assert 1_700_000_000 < committed / 1_000_000 < next_committed / 1_000_000 < 2_000_000_000


def test_gtid_of_a_replica_has_the_first_commit():
    uuid = UUID(int=7).bytes
    head = struct.pack("<B16sqBqq", 0, uuid, 5, 2, 0, 1)
    here, first = 1_700_000_009_000_000, 1_700_000_001_000_000
    both = (here | 1 << 55).to_bytes(7, "little") + first.to_bytes(7, "little")
    assert read_gtid(head + both, 0, 56) == (uuid, 5, first)
    assert read_gtid(head + here.to_bytes(7, "little"), 0, 49) == (uuid, 5, here)
    assert read_gtid(head[:25], 0, 25) == (uuid, 5, 0)
    with pytest.raises(EventError):
        read_gtid(head + both, 0, 55)


def test_gtid_with_a_negative_number():
    with pytest.raises(EventError, match="negative"):
        read_gtid(struct.pack("<B16sq", 0, UUID(int=7).bytes, -5), 0, 25)


def test_rotate():
    file, position = read_rotate(body := bodies(event_types.ROTATE)[0], 0, len(body))
    assert file.startswith("binlog.")
    assert position == 4


def test_rows_head():
    [insert, _] = bodies(event_types.WRITE_ROWS)
    _, columns, bitmaps = read_rows_head(insert, 0, len(insert), version=2)
    assert columns == 2
    assert insert[bitmaps:] == b"\xff" + b"\x00\x01\0\0\0\x01a" + b"\x02\x02\0\0\0"
    wide = bytes(8) + b"\xfc" + struct.pack("<H", 300)
    assert read_rows_head(wide, 0, len(wide), version=1) == (0, 300, 11)


@pytest.mark.parametrize("reader", READERS)
@given(
    body=st.one_of(st.binary(max_size=80), *(st.sampled_from(bodies(kind)) for kind in (2, 33, 4, 30))),
    cut=st.integers(0, 80),
)
@example(body=bytes(8) + b"\xff", cut=9)
def test_nothing_is_read_behind_the_end(reader, body, cut):
    """Whatever the bytes are, and whatever comes behind the event: the same answer, or an `EventError`."""
    end = min(cut, len(body))

    def answer(buffer):
        try:
            return reader(buffer, 3, 3 + end)
        except EventError as error:
            return str(error)

    assert answer(b"abc" + body[:end]) == answer(b"abc" + body[:end] + b"\xff" * 100)
