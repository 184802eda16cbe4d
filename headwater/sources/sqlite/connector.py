"""The SQLite connector: from a configuration to its source, and what is checked before there is one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headwater.config import Config, Problem
from headwater.source import OffsetError, SourceError
from headwater.sources.envelope import context_headers
from headwater.sources.filters import TableFilter
from headwater.sources.sqlite.database import connect
from headwater.sources.sqlite.options import OPTIONS
from headwater.sources.sqlite.position import check_offset
from headwater.sources.sqlite.shapes import ShapeOptions
from headwater.sources.sqlite.source import SqliteSource
from headwater.sources.sqlite.types import DecimalMode, ValueOptions


class SqliteConnector:
    """`headwater.source.SourceConnector` for SQLite."""

    name = "sqlite"
    class_name = "headwater.sources.sqlite.SqliteConnector"
    options = OPTIONS
    deprecated: Mapping[str, str] = {}

    def open(self, config: Config) -> SqliteSource:
        """The source of the connector's only task."""
        prefix = config["topic.prefix"]
        extended = config["extended.headers.enabled"]
        tables = TableFilter(
            table_include=config["table.include.list"],
            table_exclude=config["table.exclude.list"],
            column_include=config["column.include.list"],
            column_exclude=config["column.exclude.list"],
        )
        options = ShapeOptions(
            prefix=prefix,
            database=config["database.name"] or Path(config["database.file"]).stem,
            values=ValueOptions(decimal=DecimalMode(config["decimal.handling.mode"].lower())),
            tombstones=config["tombstones.on.delete"],
            headers=context_headers(prefix, self.name, 0, str(uuid.uuid4())) if extended else (),
            captures_column=tables.captures_column,
        )
        return SqliteSource(config, options, tables, lists_tables=bool(config["table.include.list"]))

    def check_connection(self, config: Config) -> list[Problem]:
        """See `headwater.source.SourceConnector.check_connection`."""
        try:
            connect(Path(config["database.file"]), config["database.busy.timeout.ms"] / 1000).close()
        except SourceError as error:
            return [Problem("database.file", f"Unable to connect: {error}")]
        return []

    def check_offset(self, config: Config, partition: Mapping[str, Any], offset: Mapping[str, Any]) -> None:
        """See `headwater.source.SourceConnector.check_offset`."""
        expected = {"server": config["topic.prefix"]}
        if partition != expected:
            raise OffsetError(f"The partition must be the connector's topic.prefix: {json.dumps(expected)}")
        check_offset(offset)


CONNECTOR = SqliteConnector()
