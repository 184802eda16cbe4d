"""What the log's events become, where no server can be made to write them."""

import struct

import pytest

from headwater.sources.filters import TableFilter
from headwater.sources.mysql import event_types, server, structures
from headwater.sources.mysql.log_reader import LogReader
from headwater.sources.mysql.position import StartPoint
from headwater.sources.mysql.shapes import ShapeOptions
from headwater.sources.mysql.types import DecimalMode, ValueOptions
from headwater.sources.stale import StaleStateError


@pytest.fixture
def reader():
    tables = TableFilter()
    known = structures.Structures((), server.Charsets({}, {}), lambda name: None, lambda name: None, lambda: True)
    values = ValueOptions(decimal=DecimalMode.PRECISE)
    options = ShapeOptions("srv", values, tombstones=True, headers=(), captures_column=tables.captures_column)
    return LogReader(StartPoint("binlog.000007", 4), known, tables, options)


def test_events_that_the_server_lost_are_a_reason_for_a_new_snapshot(reader):
    lost_events = struct.pack("<HB", 1, 0)
    header = struct.pack("<IBIIIH", 1_700_000_000, event_types.INCIDENT, 1, 19 + len(lost_events), 126, 0)
    event = header + lost_events
    with pytest.raises(StaleStateError, match=r"binlog\.000007:104: INCIDENT: the server lost events"):
        reader.take([(event, 0, len(event))], [])
