"""The stream of events: packets of any size in pieces of any size, and everything that may stand in their place."""

import itertools
import random
import socket
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymysql.connections import Connection

from headwater.source import RetriableSourceError, SourceError
from headwater.sources.mysql import event_types
from headwater.sources.mysql.binlog import HEADER_SIZE, BinlogStream

PACKETS = (Path(__file__).parent / "data" / "mysql_binlog_packets.bin").read_bytes()
EOF = b"\xfe\0\0\x02\0"
WHOLE = 0xFFFFFF


@contextmanager
def stream(*, checksum: bool = True, silence: float = 20) -> Iterator[tuple[BinlogStream, socket.socket]]:
    """A stream, and the server's end of its connection."""
    ours, server = socket.socketpair()
    connection = Connection(defer_connect=True, ssl_disabled=True)
    connection._sock = ours
    with server:
        yield BinlogStream(connection, checksum=checksum, silence=silence, doing="reading"), server
    ours.close()


def event(body: bytes, kind: int = event_types.QUERY, position: int = 500) -> bytes:
    """An event with its checksum."""
    size = HEADER_SIZE + len(body) + 4
    data = struct.pack("<IBIIIH", 0, kind, 1, size, position, 0) + body
    return data + struct.pack("<I", zlib.crc32(data))


def packets(payload: bytes) -> bytes:
    """A payload as the protocol splits it: a packet that is full is followed by another."""
    parts = [payload[at : at + WHOLE] for at in range(0, len(payload) + 1, WHOLE)]
    return b"".join(len(part).to_bytes(3, "little") + bytes([number & 255]) + part for number, part in enumerate(parts))


def read_all(reader: BinlogStream) -> list[bytes]:
    """Every event up to the end of the log, header and body."""
    found = []
    while not reader.ended:
        found += [buffer[start:end] for buffer, start, end in reader.read(20)]
    return found


def recorded() -> list[bytes]:
    with stream() as (reader, server):
        server.sendall(PACKETS)
        return read_all(reader)


def test_recorded_log():
    kinds = [event_types.NAMES[one[4]] for one in recorded()]
    assert kinds[:3] == ["ROTATE", "PREVIOUS_GTIDS", "GTID"]
    assert [kind for kind in kinds if kind.endswith("_ROWS")] == [
        "WRITE_ROWS",
        "UPDATE_ROWS",
        "DELETE_ROWS",
        "WRITE_ROWS",
    ]


@given(st.lists(st.integers(0, len(PACKETS)), max_size=30))
def test_pieces_of_any_size(cuts):
    whole = recorded()
    places = [0, *sorted(cuts), len(PACKETS)]
    with stream() as (reader, server):
        found = []
        for start, end in itertools.pairwise(places):
            if end > start:
                server.sendall(PACKETS[start:end])
                found += [buffer[first:last] for buffer, first, last in reader.read(20)]
        assert reader.ended
    assert found == whole


@pytest.mark.parametrize("size", [WHOLE - 1, WHOLE, WHOLE + 1, 2 * WHOLE, 2 * WHOLE + 5])
def test_event_in_several_packets(size):
    """The sizes are those of the payload: a status byte and the event."""
    long = event(random.Random(size).randbytes(size - 1 - HEADER_SIZE - 4))
    short = event(b"short")
    sent = packets(b"\0" + short) + packets(b"\0" + long) + packets(b"\0" + short) + packets(EOF)
    with stream() as (reader, server):
        thread = threading.Thread(target=server.sendall, args=(sent,))
        thread.start()
        found = read_all(reader)
        thread.join()
    assert found == [short[:-4], long[:-4], short[:-4]]


def test_damage_is_found_and_what_came_before_is_given():
    good, bad = event(b"good"), bytearray(event(b"bad", position=1234))
    bad[HEADER_SIZE] ^= 1
    with stream() as (reader, server):
        server.sendall(packets(b"\0" + good) + packets(b"\0" + bytes(bad)) + packets(b"\0" + good))
        assert [buffer[start:end] for buffer, start, end in reader.read(20)] == [good[:-4]]
        for _ in range(2):
            with pytest.raises(
                SourceError, match=r"checksum of the event that ends at position 1234 is wrong"
            ) as caught:
                reader.read(20)
        assert not isinstance(caught.value, RetriableSourceError)


def test_log_without_checksums():
    plain = struct.pack("<IBIIIH", 0, event_types.QUERY, 1, HEADER_SIZE + 4, 500, 0) + b"body"
    with stream(checksum=False) as (reader, server):
        server.sendall(packets(b"\0" + plain) + packets(EOF))
        assert read_all(reader) == [plain]


@pytest.mark.parametrize(("algorithm", "checked"), [(0, False), (1, True)])
def test_each_file_says_whether_its_events_have_checksums(algorithm, checked):
    described = event(bytes(60) + bytes([algorithm]), event_types.FORMAT_DESCRIPTION)
    whole = event(b"body")
    with stream(checksum=not checked) as (reader, server):
        server.sendall(packets(b"\0" + described) + packets(b"\0" + whole) + packets(EOF))
        assert read_all(reader) == [whole[:-4] if checked else whole]


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"\0" + b"short", "has no header"),
        (b"\0" + event(b"body") + b"more", "says 27 bytes and has 31"),
        (b"\0" + event(bytes(60) + b"\x09", event_types.FORMAT_DESCRIPTION), "checksum algorithm 9 is not known"),
        (b"\x05nonsense", "in place of an event"),
        (b"", "in place of an event"),
    ],
)
def test_what_is_no_event(payload, said):
    with stream() as (reader, server):
        server.sendall(packets(payload))
        with pytest.raises(SourceError, match=said) as caught:
            reader.read(20)
    assert not isinstance(caught.value, RetriableSourceError)


@pytest.mark.parametrize(
    ("number", "text", "said", "retriable"),
    [
        (
            1236,
            "Cannot replicate because the source purged required binary logs.",
            "delete its offsets",
            False,
        ),
        (1236, "A replica with the same server_uuid/server_id", r"database\.server\.id", False),
        (1227, "Access denied", "REPLICATION SLAVE", False),
        (1053, "Server shutdown in progress", "Server shutdown", True),
        (3169, "The session was killed", "killed", True),
    ],
)
def test_error_of_the_server(number, text, said, retriable):
    with stream() as (reader, server):
        server.sendall(packets(b"\xff" + struct.pack("<H", number) + b"#HY000" + text.encode()))
        with pytest.raises(SourceError, match=said) as caught:
            reader.read(20)
    assert isinstance(caught.value, RetriableSourceError) is retriable


def test_closed_connection_is_worth_another_try():
    with stream() as (reader, server):
        server.sendall(PACKETS[:100])
        server.shutdown(socket.SHUT_WR)
        reader.read(20)
        with pytest.raises(RetriableSourceError, match="closed the connection"):
            reader.read(20)


def test_connection_closed_within_a_long_packet():
    long = packets(b"\0" + event(bytes(1 << 22)))
    with stream() as (reader, server):
        server.sendall(long[:5])
        assert reader.read(20) == []
        server.sendall(long[5:100])
        server.shutdown(socket.SHUT_WR)
        with pytest.raises(RetriableSourceError, match="closed the connection"):
            reader.read(20)


def test_nothing_there_is_no_error():
    with stream() as (reader, _):
        assert reader.read(0) == []
        assert reader.read(0.001) == []


def test_silence_is_a_lost_connection():
    with stream(silence=0) as (reader, _), pytest.raises(RetriableSourceError, match="no heartbeat"):
        reader.read(0.001)
