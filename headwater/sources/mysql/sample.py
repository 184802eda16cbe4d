"""Some rows of a table as a snapshot would give them, without a lock, a view or anything else that is kept."""

from __future__ import annotations

from typing import Any

from pymysql.connections import Connection

from headwater.source import Rows
from headwater.sources.filters import TableFilter
from headwater.sources.mysql import checks
from headwater.sources.mysql.server import quoted, read_tables
from headwater.sources.mysql.shapes import ShapeOptions, snapshot_shape
from headwater.sources.mysql.snapshot import current_point, snapshot_rows, table_names
from headwater.sources.mysql.text import RAW_DECODERS, select_list
from headwater.sources.sample import find_table


def take_sample(
    connection: Connection[Any], tables: TableFilter, options: ShapeOptions, wanted: str, count: int
) -> Rows:
    """At most ``count`` rows of the table that ``wanted`` names. Raises `headwater.source.SourceError`."""
    with connection.cursor() as cursor:
        checks.check_settings(cursor)
        name = find_table(wanted, [each for each in table_names(cursor) if tables.captures(*each)])
        table = read_tables(cursor, [name])[name]
        point = current_point(cursor)
        cursor.execute("SET SESSION sql_mode = '', time_zone = '+00:00'")  # as a snapshot reads
    connection.decoders = RAW_DECODERS
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {select_list(table)} FROM {quoted(name[0])}.{quoted(name[1])} LIMIT %s", (count,))  # noqa: S608
        return snapshot_rows(snapshot_shape(table, options), list(cursor.fetchall()), "true", point)
