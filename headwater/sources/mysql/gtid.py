"""GTID sets: which transactions have been seen, as text in offsets and as bytes in COM_BINLOG_DUMP_GTID.

Source: MySQL's "GTID Sets" manual page for the text, ``Gtid_set::encode`` (sql/rpl_gtid_set.cc) for the bytes.
Tagged GTIDs (``uuid:tag:1-3``, MySQL 8.3) are read and written as text; they have no place in the untagged
binary form.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_left
from uuid import UUID

_MEMBER = re.compile(
    r"[0-9a-fA-F-]{32,36}(:[a-z_][a-z0-9_]{0,31})?(:\d+(-\d+)?)+(:[a-z_][a-z0-9_]{0,31}(:\d+(-\d+)?)+)*"
)
_LARGEST = 2**63 - 2
_TAG = re.compile(r"[a-z_][a-z0-9_]{0,31}")


class GtidSet:
    """Transactions as closed intervals of numbers for each source (``uuid`` or ``uuid:tag``)."""

    def __init__(self, text: str = "") -> None:
        self._intervals: dict[str, list[tuple[int, int]]] = {}
        for member in re.split(r"[,\s]+", text.strip()):
            if member:
                self._parse(member)

    def _parse(self, member: str) -> None:
        if not _MEMBER.fullmatch(member):
            raise ValueError(f"{member!r} is not a member of a GTID set")
        uuid, *parts = member.split(":")
        source = uuid = str(UUID(uuid))
        for part in parts:
            if _TAG.fullmatch(part):
                source = f"{uuid}:{part}"
            else:
                low, _, high = part.partition("-")
                self._add(source, int(low), int(high or low))

    def add(self, source: str, number: int) -> None:
        """Add one transaction; ``source`` is the lower-case UUID, with ``:tag`` where there is one."""
        intervals = self._intervals.get(source)
        if intervals and intervals[-1][1] == number - 1:  # nearly always the next one
            intervals[-1] = (intervals[-1][0], number)
        else:
            self._add(source, number, number)

    def _add(self, source: str, low: int, high: int) -> None:
        if not 1 <= low <= high <= _LARGEST:
            raise ValueError(f"{low}-{high} is not an interval of transaction numbers")
        intervals = self._intervals.setdefault(source, [])
        start = bisect_left(intervals, (low, low))
        if start and intervals[start - 1][1] >= low - 1:
            start -= 1
        end = start
        while end < len(intervals) and intervals[end][0] <= high + 1:
            low, high = min(low, intervals[end][0]), max(high, intervals[end][1])
            end += 1
        intervals[start:end] = [(low, high)]

    def __str__(self) -> str:
        return ",".join(
            source + "".join(f":{low}-{high}" if high > low else f":{low}" for low, high in intervals)
            for source, intervals in sorted(self._intervals.items())
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GtidSet) and self._intervals == other._intervals

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self._intervals)

    def encode(self) -> bytes:
        """The set in COM_BINLOG_DUMP_GTID's form. Raises ValueError where a GTID has a tag."""
        parts = [struct.pack("<Q", len(self._intervals))]
        for source, intervals in sorted(self._intervals.items()):
            if ":" in source:
                raise ValueError(f"the GTID tag of {source} can't be sent to the server")
            parts.append(UUID(source).bytes + struct.pack("<Q", len(intervals)))
            parts.extend(struct.pack("<QQ", low, high + 1) for low, high in intervals)
        return b"".join(parts)
