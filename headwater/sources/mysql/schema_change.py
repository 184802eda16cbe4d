"""Schema change events: the statements that make the databases what they are, on the topic named as the prefix.

A snapshot tells them for every table of the server, captured or not, as Debezium does unless it is told to store
only captured tables' statements. Source: "schema change topic" in Debezium's documentation of the MySQL connector;
``io.debezium.relational.history.ConnectTableChangeSerializer``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater import __version__
from headwater.record import Header, Record, Schema, Type, struct
from headwater.source import SourceError
from headwater.sources.envelope import INT32, INT64, OPTIONAL_STRING, STRING
from headwater.sources.mysql.create_table import ColumnDefinition, column_definitions
from headwater.sources.mysql.server import create_statement, quoted
from headwater.sources.mysql.source_info import SOURCE
from headwater.sources.mysql.table import Table

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

_OPTIONAL_INT32 = INT32.as_optional()
_OPTIONAL_BOOLEAN = Schema(Type.BOOLEAN, optional=True)
_OPTIONAL_STRINGS = Schema(Type.ARRAY, optional=True, value_schema=STRING)

_COLUMN = struct(
    "io.debezium.connector.schema.Column",
    ("name", STRING),
    ("jdbcType", INT32),
    ("nativeType", _OPTIONAL_INT32),
    ("typeName", STRING),
    ("typeExpression", OPTIONAL_STRING),
    ("charsetName", OPTIONAL_STRING),
    ("length", _OPTIONAL_INT32),
    ("scale", _OPTIONAL_INT32),
    ("position", INT32),
    ("optional", _OPTIONAL_BOOLEAN),
    ("autoIncremented", _OPTIONAL_BOOLEAN),
    ("generated", _OPTIONAL_BOOLEAN),
    ("comment", OPTIONAL_STRING),
    ("defaultValueExpression", OPTIONAL_STRING),
    ("enumValues", _OPTIONAL_STRINGS),
    version=1,
)
_TABLE = struct(
    "io.debezium.connector.schema.Table",
    ("defaultCharsetName", OPTIONAL_STRING),
    ("primaryKeyColumnNames", _OPTIONAL_STRINGS),
    ("columns", Schema(Type.ARRAY, value_schema=_COLUMN)),
    ("comment", OPTIONAL_STRING),
    optional=True,
    version=1,
)
_CHANGE = struct(
    "io.debezium.connector.schema.Change",
    ("type", STRING),
    ("id", STRING),
    ("table", _TABLE),
    version=1,
)
KEY = struct("io.debezium.connector.mysql.SchemaChangeKey", ("databaseName", STRING), version=1)
VALUE = struct(
    "io.debezium.connector.mysql.SchemaChangeValue",
    ("source", SOURCE),
    ("ts_ms", INT64),
    ("databaseName", OPTIONAL_STRING),
    ("schemaName", OPTIONAL_STRING),
    ("ddl", OPTIONAL_STRING),
    ("tableChanges", Schema(Type.ARRAY, value_schema=_CHANGE)),
    version=1,
)

_JDBC_CHAR, _JDBC_VARCHAR, _JDBC_BLOB, _JDBC_OTHER = 1, 12, 2004, 1111
_JDBC_TYPES = {
    "BIT": -7,
    "TINYINT": 5,
    "SMALLINT": 5,
    "MEDIUMINT": 4,
    "INT": 4,
    "BIGINT": -5,
    "DECIMAL": 3,
    "FLOAT": 6,
    "DOUBLE": 8,
    "DATE": 91,
    "TIME": 92,
    "DATETIME": 93,
    "TIMESTAMP": 2014,
    "YEAR": 4,
    "BINARY": -2,
    "VARBINARY": -3,
    "CHAR": _JDBC_CHAR,
    "ENUM": _JDBC_CHAR,
    "SET": _JDBC_CHAR,
    **dict.fromkeys(("VARCHAR", "TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT"), _JDBC_VARCHAR),
    **dict.fromkeys(("TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB"), _JDBC_BLOB),
}
"""``java.sql.Types`` by MySQL's types; what is not here (JSON, spatial types) is OTHER."""

Locale = tuple[str, str]
"""Character set and collation."""


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One statement. ``table`` is the one it is about, if any; ``changes`` are Connect values of ``tableChanges``."""

    database: str
    statement: str
    table: str | None = None
    changes: tuple[dict[str, Any], ...] = ()


def snapshot_changes(
    server: Locale,
    databases: Mapping[str, Locale],
    tables: Sequence[Table],
    create_statements: Mapping[tuple[str, str], str],
) -> list[SchemaChange]:
    """The schema changes that make ``tables`` from nothing, in Debezium's order.

    ``create_statements`` holds SHOW CREATE TABLE's text by database and table. Raises `SourceError` where a statement
    does not have the columns of its table.
    """
    changes = [SchemaChange("", f"SET character_set_server={server[0]}, collation_server={server[1]}")]
    changes += [_drop_table(table) for table in tables]
    for database in dict.fromkeys(table.database for table in tables):
        charset, collation = databases[database]
        name = quoted(database)
        changes += [
            SchemaChange(database, f"DROP DATABASE IF EXISTS {name}"),
            SchemaChange(database, f"CREATE DATABASE {name} CHARSET {charset} COLLATE {collation}"),
            SchemaChange(database, f"USE {name}"),
        ]
        changes += [
            _create_table(table, create_statements[database, table.name])
            for table in tables
            if table.database == database
        ]
    return changes


def _drop_table(table: Table) -> SchemaChange:
    statement = f"DROP TABLE IF EXISTS {quoted(table.database)}.{quoted(table.name)}"
    return _change(table, statement, "DROP", None)


def _create_table(table: Table, statement: str) -> SchemaChange:
    columns = column_definitions(statement)
    if [column.name for column in columns] != [column.name for column in table.columns]:
        raise SourceError(
            f"SHOW CREATE TABLE of {table.id} shows other columns than information_schema: either a statement changed "
            "the table while the snapshot began, or the session's sql_mode has ANSI_QUOTES or NO_BACKSLASH_ESCAPES. "
            "Without these in sql_mode, start the connector again"
        )
    value = {
        "defaultCharsetName": table.charset,
        "primaryKeyColumnNames": list(table.key),
        "columns": [_column(column, position, table.charset) for position, column in enumerate(columns, 1)],
        "comment": None,
    }
    told = statement.removesuffix("*/").rstrip()  # of the comment around a PARTITION clause Debezium tells no end
    return _change(table, told, "CREATE", value)


def _change(table: Table, statement: str, kind: str, value: dict[str, Any] | None) -> SchemaChange:
    name = ".".join('"' + part.replace('"', '""') + '"' for part in (table.database, table.name))
    return SchemaChange(table.database, statement, table.name, ({"type": kind, "id": name, "table": value},))


def _column(column: ColumnDefinition, position: int, table_charset: str | None) -> dict[str, Any]:
    jdbc_type = _JDBC_TYPES.get(column.type.partition(" ")[0], _JDBC_OTHER)
    charset = (column.charset or table_charset) if jdbc_type in (_JDBC_CHAR, _JDBC_VARCHAR) else None
    return {
        "name": column.name,
        "jdbcType": jdbc_type,
        "nativeType": None,
        "typeName": column.type,
        "typeExpression": column.type,
        "charsetName": charset,
        "length": column.length,
        "scale": column.scale,
        "position": position,
        "optional": column.nullable,
        "autoIncremented": column.automatic,
        "generated": column.automatic,  # not so for GENERATED ALWAYS AS columns, whose clause Debezium passes over
        "comment": None,  # Debezium's include.schema.comments is off by default
        "defaultValueExpression": column.default,
        "enumValues": list(column.values) or None,
    }


class SchemaChanges:
    """Makes the records of one connector's schema changes."""

    def __init__(self, prefix: str, headers: tuple[Header, ...]) -> None:
        self._prefix = prefix
        self._headers = headers

    def of_snapshot(self, cursor: Cursor, tables: Sequence[Table], file: str, position: int) -> list[Record]:
        """The records of a snapshot at ``position``, for ``tables`` as the server has them now.

        Raises `SourceError` where the server shows one of the tables differently.
        """
        cursor.execute("SELECT @@character_set_server, @@collation_server")
        (server,) = cursor.fetchall()
        cursor.execute(
            "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"
        )
        databases = {database: (charset, collation) for database, charset, collation in cursor.fetchall()}
        statements = {
            (table.database, table.name): create_statement(cursor, table.database, table.name) for table in tables
        }
        changes = snapshot_changes(server, databases, tables, statements)
        return [self.snapshot_record(change, file, position) for change in changes]

    def snapshot_record(self, change: SchemaChange, file: str, position: int) -> Record:
        """The record of one of a snapshot's schema changes; ``file`` and ``position`` are the snapshot's."""
        now = time.time_ns()
        source = {
            "version": __version__,
            "connector": "mysql",
            "name": self._prefix,
            "ts_ms": now // 1_000_000,
            "snapshot": "true",
            "db": change.database,
            "sequence": None,
            "ts_us": now // 1_000,
            "ts_ns": now,
            "table": change.table,
            "server_id": 0,
            "gtid": None,
            "file": file,
            "pos": position,
            "row": 0,
            "thread": None,
            "query": None,
        }
        value = {
            "source": source,
            "ts_ms": now // 1_000_000,
            "databaseName": change.database,
            "schemaName": None,
            "ddl": change.statement,
            "tableChanges": list(change.changes),
        }
        return Record(
            self._prefix, KEY, {"databaseName": change.database}, VALUE, value, headers=self._headers, partition=0
        )
