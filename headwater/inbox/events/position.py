"""Which of two changes of the same row is the later one.

Messages of one key are in one partition, in order: the later offset tells the later change. But at-least-once delivery
repeats: after a crash the connector may send changes again that are in the topic already, behind later ones. Those are
known by their place in the database's own log, which is compared where both changes are of one history of that log:

    MySQL, MariaDB   GTIDs of one server's UUID; without GTIDs file and position of one ``server_id``
    PostgreSQL       ``lsn``
    MongoDB          cluster time, seconds and ``ord``

Source: the ``source`` blocks in Debezium's documentation of the connectors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headwater.consumer import Message
from headwater.inbox.message_id import stored_id

_FILE = re.compile(r"(.+)\.(\d+)")
_GTID = re.compile(r"(.+)[:-](\d+)")


@dataclass(frozen=True, slots=True)
class Position:
    """``partition`` and ``offset`` in Kafka; ``history`` of a log and ``place`` in it, empty where neither is known.

    The two texts are such as fit into a column (`headwater.inbox.message_id.stored_id`).
    """

    partition: str
    offset: int
    history: str = ""
    place: tuple[int, ...] = ()

    @classmethod
    def of(cls, message: Message, source: Mapping[str, Any]) -> Position:
        """The position of a change event."""
        partition = stored_id(f"{message.topic}-{message.partition}")
        try:
            history, place = _in_log(source)
        except (TypeError, ValueError):
            history, place = "", ()
        return cls(partition, message.offset, stored_id(history) if history else "", place)

    def is_stale(self, stored: Position) -> bool:
        """Whether what is ``stored`` is of this change, or a later one."""
        if self.partition == stored.partition and self.offset <= stored.offset:
            return True
        return bool(self.history) and self.history == stored.history and self.place < stored.place


def _in_log(source: Mapping[str, Any]) -> tuple[str, tuple[int, ...]]:
    match source.get("connector"):
        case "mysql" | "mariadb":
            return _binlog(source)
        case "postgresql" if source.get("lsn") is not None:
            return f"{source.get('name')}", (int(source["lsn"]),)
        case "mongodb" if source.get("ts_ms") is not None and source.get("ord") is not None:
            return f"{source.get('name')}", (int(source["ts_ms"]) // 1000, int(source["ord"]))
    return "", ()


def _binlog(source: Mapping[str, Any]) -> tuple[str, tuple[int, ...]]:
    """Numbers of GTIDs are given out in the order of commits; within a transaction the file's positions tell."""
    file = _FILE.fullmatch(str(source.get("file") or ""))
    if file is None:
        return "", ()
    name, number = file.groups()
    within = (int(number), int(source.get("pos") or 0), int(source.get("row") or 0))
    if (gtid := _GTID.fullmatch(str(source.get("gtid") or ""))) is not None:
        return gtid[1], (int(gtid[2]), *within)
    return f"{source.get('server_id')}/{name}", within
