"""The binary log as a replica reads it: COM_BINLOG_DUMP, and the stream of events that answers it.

Our own reading of the socket, because this is the hot path: one ``recv`` fills a buffer with many packets, and
every event is a place in that buffer, not a copy.

Source: MySQL's "Replication Protocol" and ``libs/mysql/binlog/event/binlog_event.h``.
"""

from __future__ import annotations

import ssl
import struct
import time
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

import pymysql
from pymysql.connections import Connection

from headwater.source import RetriableSourceError, SourceError
from headwater.sources.little_endian import u16, u32
from headwater.sources.mysql.connection import driver_errors, drop, send_command, socket_of, source_error
from headwater.sources.mysql.event_types import FORMAT_DESCRIPTION
from headwater.sources.mysql.gtid import GtidSet
from headwater.sources.stale import WAYS_ON, StaleStateError

if TYPE_CHECKING:
    from mypy_extensions import i64

COM_BINLOG_DUMP = 0x12
COM_BINLOG_DUMP_GTID = 0x1E
BINLOG_DUMP_NON_BLOCK = 0x01
BINLOG_THROUGH_GTID = 0x04

HEADER_SIZE: Final = 19
"""An event's header: time (4 bytes), type (1), server id (4), size (4), position behind the event (4), flags (2)."""
CHECKSUM_SIZE: Final = 4
_RECEIVE_BYTES: Final = 1 << 20
_WHOLE_PACKET: Final = 0xFFFFFF
_NO_CHECKSUM: Final = 0
_CRC32: Final = 1
_FORMAT_TAIL: Final = 1 + CHECKSUM_SIZE
_EOF: Final = 0xFE
_ERROR: Final = 0xFF
_OK: Final = 0x00
_SAME_ID: Final = "same server_uuid/server_id"
_LOST: Final = (
    "purged required binary logs",
    "Could not find first log file name",
    "could not find next log",
    "Could not open log file",
    "position > file size",
)
"""Parts of what the server says where its log, or a part of it, is gone: the number is the same for every refusal."""


Event = tuple[bytes, int, int]
"""(buffer, start, end): where an event lies, from its header's first byte to behind its body, without the checksum."""


def _set_up(connection: Connection[Any], heartbeat_seconds: float) -> bool:
    """Prepare the session for a dump; whether the server sends checksums."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.binlog_checksum")
        row = cursor.fetchone()
        checksum = row is not None and str(row[0]).upper() == "CRC32"
        cursor.execute(
            "SET @source_binlog_checksum = @@GLOBAL.binlog_checksum, @master_binlog_checksum = @@GLOBAL.binlog_checksum"
        )
        period = int(heartbeat_seconds * 1_000_000_000)
        cursor.execute(f"SET @source_heartbeat_period = {period}, @master_heartbeat_period = {period}")
    return checksum


def dump_from_position(
    connection: Connection[Any], server_id: int, file: str, position: int, heartbeat: float, *, until_end: bool = False
) -> BinlogStream:
    """Ask for the log from a file and position on (COM_BINLOG_DUMP); ``until_end`` ends with what is there now."""
    flags = BINLOG_DUMP_NON_BLOCK if until_end else 0
    command = struct.pack("<IHI", position, flags, server_id) + file.encode()
    return _dump(connection, COM_BINLOG_DUMP, command, heartbeat, f"reading the binlog from {file}:{position}")


def dump_from_gtids(connection: Connection[Any], server_id: int, seen: GtidSet, heartbeat: float) -> BinlogStream:
    """Ask for every transaction that is not in ``seen`` (COM_BINLOG_DUMP_GTID)."""
    try:
        gtids = seen.encode()
    except ValueError as error:
        raise SourceError(f"the log can't be read after the GTIDs {seen}: {error}") from error
    command = struct.pack("<HIIQI", BINLOG_THROUGH_GTID, server_id, 0, 4, len(gtids)) + gtids
    return _dump(connection, COM_BINLOG_DUMP_GTID, command, heartbeat, f"reading the binlog after the GTIDs {seen}")


def _dump(connection: Connection[Any], command: int, payload: bytes, heartbeat: float, doing: str) -> BinlogStream:
    with driver_errors(doing):
        checksum = _set_up(connection, heartbeat)
        send_command(connection, command, payload)
    return BinlogStream(connection, checksum=checksum, silence=3 * heartbeat, doing=doing)


class BinlogStream:
    """The events that answer a dump command, checked and split; used by one thread."""

    def __init__(self, connection: Connection[Any], *, checksum: bool, silence: float, doing: str) -> None:
        self._connection = connection
        self._socket = socket_of(connection)
        self._checksum = checksum
        self._silence = silence
        self._doing = doing
        self._rest = b""
        self._heard = time.monotonic()
        self._long: list[bytes] = []
        self._failure: SourceError | None = None
        self.ended = False
        self.bytes_read = 0

    def read(self, timeout: float) -> list[Event]:
        """The events that have arrived, waiting at most ``timeout`` seconds for bytes.

        An empty list says nothing more than that no whole event is there. `ended` says that a dump up to the end
        of the log has come to it. Raises `RetriableSourceError` where the connection is lost or silent for longer
        than three heartbeats, `StaleStateError` where the log is gone, `SourceError` where the server refuses for
        another reason or an event is damaged; the events before that are given first.
        """
        if self._failure is not None:
            raise self._failure
        data = self._receive(timeout)
        if not data:
            return []
        buffer = self._rest + data if self._rest else data
        return self._split(buffer)

    def _receive(self, timeout: float) -> bytes:
        try:
            self._socket.settimeout(timeout)
            data: bytes = self._socket.recv(max(_RECEIVE_BYTES, self._missing()))
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):  # the last two where there is no timeout
            if time.monotonic() - self._heard > self._silence:
                raise RetriableSourceError(f"{self._doing}: no heartbeat for {self._silence:.0f} s") from None
            return b""
        except OSError as error:
            raise RetriableSourceError(f"{self._doing}: {error}") from error
        if not data:
            raise RetriableSourceError(f"{self._doing}: the server closed the connection")
        self._heard = time.monotonic()
        whole = self._fill(data)
        self.bytes_read += len(whole)
        return whole

    def _missing(self) -> int:
        """How many bytes the packet at the start of what is left over still lacks."""
        if len(self._rest) < 4:
            return 0
        return int.from_bytes(self._rest[:3], "little") + 4 - len(self._rest)

    def _fill(self, data: bytes) -> bytes:
        """Go on receiving until a long packet is whole, so that it is joined once, not at every call."""
        missing = self._missing() - len(data)
        if missing <= _RECEIVE_BYTES:
            return data
        parts = [data]
        self._socket.settimeout(self._silence)
        while missing > 0:
            try:
                part = self._socket.recv(min(missing, 16 * _RECEIVE_BYTES))
            except OSError as error:
                raise RetriableSourceError(f"{self._doing}: {error}") from error
            if not part:
                raise RetriableSourceError(f"{self._doing}: the server closed the connection")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _split(self, buffer: bytes) -> list[Event]:
        events: list[Event] = []
        try:
            self._take_packets(buffer, events)
        except SourceError as error:
            if not events:
                raise
            self._failure = error
        return events

    def _take_packets(self, buffer: bytes, events: list[Event]) -> None:
        view = memoryview(buffer)
        position: i64 = 0
        size: i64 = len(buffer)
        while position + 4 <= size:
            start: i64 = position + 4
            length: i64 = u16(buffer, position) | buffer[position + 2] << 16
            end: i64 = start + length
            if end > size:
                break
            if length == _WHOLE_PACKET or self._long:
                self._continue_long(buffer, start, end, events)
            else:
                self._take(buffer, view, start, end, events)
            position = end
        self._rest = buffer[position:]

    def _continue_long(self, buffer: bytes, start: i64, end: i64, events: list[Event]) -> None:
        """An event of 16 MiB and more comes in several packets; all but the last are full."""
        self._long.append(buffer[start:end])
        if end - start < _WHOLE_PACKET:
            whole = b"".join(self._long)
            self._long.clear()
            self._take(whole, memoryview(whole), 0, len(whole), events)

    def _take(self, buffer: bytes, view: memoryview, start: i64, end: i64, events: list[Event]) -> None:
        """Check one packet's payload: a status byte, then the event."""
        if start == end or buffer[start] != _OK:
            self._refused(buffer[start:end])
            return
        start += 1
        if end - start < HEADER_SIZE:
            raise SourceError(f"{self._doing}: an event of {end - start} bytes has no header")
        size = u32(buffer, start + 9)
        if size != end - start:
            raise SourceError(f"{self._doing}: an event says {size} bytes and has {end - start}")
        if buffer[start + 4] == FORMAT_DESCRIPTION:
            self._format(buffer, end)
            return
        if self._checksum:
            end -= CHECKSUM_SIZE
            if crc32(view[start:end]) != u32(buffer, end):
                raise SourceError(
                    f"{self._doing}: the checksum of the event that ends at position {u32(buffer, start + 13)} is "
                    "wrong: the log is damaged on the server or on the way (mysqlbinlog --verify-binlog-checksum "
                    "tells which)"
                )
        events.append((buffer, start, end))

    def _format(self, buffer: bytes, end: i64) -> None:
        """FORMAT_DESCRIPTION says whether the events of its file have checksums."""
        algorithm = buffer[end - _FORMAT_TAIL]
        if algorithm not in (_NO_CHECKSUM, _CRC32):
            raise SourceError(f"{self._doing}: checksum algorithm {algorithm} is not known")
        self._checksum = algorithm == _CRC32

    def _refused(self, payload: bytes) -> None:
        """Anything but an event: the end of the log, or an error."""
        if payload[:1] == bytes([_EOF]) and len(payload) < 9:
            self.ended = True
            return
        if payload[:1] == bytes([_ERROR]):
            number = int.from_bytes(payload[1:3], "little")
            text = payload[3:].decode("utf-8", "replace").removeprefix("#HY000")
            if any(part in text for part in _LOST):
                raise StaleStateError(f"{self._doing}: the log is gone ({number}, {text!r}): {WAYS_ON}")
            if _SAME_ID in text:
                text += ": each reader of the log needs a database.server.id of its own"
            raise source_error(pymysql.OperationalError(number, text), self._doing)
        raise SourceError(f"{self._doing}: the server sent {payload[:20]!r} in place of an event")

    def close(self) -> None:
        """Drop the connection; the server notices and ends the dump."""
        drop(self._connection)
