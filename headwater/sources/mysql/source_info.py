"""The schema of the source block: where in MySQL's log an event comes from.

Source: Debezium's MySQL connector (``io.debezium.connector.mysql.SourceInfo``).
"""

from __future__ import annotations

from headwater.sources.envelope import INT32, INT64, OPTIONAL_INT64, OPTIONAL_STRING, STRING, source_schema

SOURCE = source_schema(
    "mysql",
    ("table", OPTIONAL_STRING),
    ("server_id", INT64),
    ("gtid", OPTIONAL_STRING),
    ("file", STRING),
    ("pos", INT64),
    ("row", INT32),
    ("thread", OPTIONAL_INT64),
    ("query", OPTIONAL_STRING),
)
