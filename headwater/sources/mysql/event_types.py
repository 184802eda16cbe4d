"""``Log_event_type``: the types of the binlog's events that mean something here.

Plain constants and no enum: the hot path compares with them for each event, and a compiled module folds them.

Source: MySQL's ``libs/mysql/binlog/event/binlog_event.h``.
"""

from __future__ import annotations

from typing import Final

QUERY: Final = 2
STOP: Final = 3
ROTATE: Final = 4
FORMAT_DESCRIPTION: Final = 15
XID: Final = 16
EXECUTE_LOAD_QUERY: Final = 18
TABLE_MAP: Final = 19
WRITE_ROWS_V1: Final = 23
UPDATE_ROWS_V1: Final = 24
DELETE_ROWS_V1: Final = 25
INCIDENT: Final = 26
HEARTBEAT: Final = 27
ROWS_QUERY: Final = 29
WRITE_ROWS: Final = 30
UPDATE_ROWS: Final = 31
DELETE_ROWS: Final = 32
GTID: Final = 33
ANONYMOUS_GTID: Final = 34
PREVIOUS_GTIDS: Final = 35
XA_PREPARE: Final = 38
PARTIAL_UPDATE_ROWS: Final = 39
TRANSACTION_PAYLOAD: Final = 40
HEARTBEAT_V2: Final = 41
GTID_TAGGED: Final = 42

NAMES: Final[dict[int, str]] = {value: name for name, value in globals().items() if isinstance(value, int)}
"""The name of each type, for people."""
