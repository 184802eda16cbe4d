"""The schema of the source block: Debezium's, with what tells a change in SQLite (Debezium has no such connector)."""

from __future__ import annotations

from headwater.sources.envelope import OPTIONAL_INT64, OPTIONAL_STRING, source_schema

SOURCE = source_schema("sqlite", ("table", OPTIONAL_STRING), ("change_id", OPTIONAL_INT64))
