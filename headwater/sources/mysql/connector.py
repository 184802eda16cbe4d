"""The MySQL connector: Debezium's options, and the source they make.

Source: "MySQL connector configuration properties" of Debezium 3.6.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from headwater.config import (
    REQUIRED,
    Config,
    ConfigDef,
    Importance,
    Option,
    OptionType,
    Problem,
    Width,
    at_least,
    between,
    grouped,
    not_blank,
    one_of,
)
from headwater.source import OffsetError, SourceError
from headwater.sources.envelope import context_headers
from headwater.sources.filters import TableFilter, check_patterns
from headwater.sources.mysql.connection import connect, drop
from headwater.sources.mysql.custom_converters import CONVERTERS, read_converters
from headwater.sources.mysql.position import check_offset
from headwater.sources.mysql.schema_change import SchemaChanges
from headwater.sources.mysql.shapes import ShapeOptions
from headwater.sources.mysql.snapshot import BUILTIN_DATABASES
from headwater.sources.mysql.source import MySqlSource
from headwater.sources.mysql.types import DecimalMode, ValueOptions
from headwater.sources.naming import check_topic_prefix

_HIGH, _LOW = Importance.HIGH, Importance.LOW


def _is_host_name(text: str | None) -> str | None:
    try:
        named = not_blank(text) is None and text is not None and b"\0" not in text.encode("idna")
    except UnicodeError:
        named = False
    return None if named else "must be the name or the address of a host"


def _names(name: str, doc: str, label: str, importance: Importance = Importance.MEDIUM) -> Option:
    """A list of names, each a regular expression."""
    return Option(name, OptionType.STRING, None, doc, importance, check_patterns, label=label, width=Width.LONG)


_NO_HISTORY_TOPIC = "no history topic is written yet: the structure of tables is kept in the worker's own state"

OPTIONS = ConfigDef(
    *grouped(
        "MySQL",
        Option(
            "topic.prefix",
            OptionType.STRING,
            REQUIRED,
            "Names the server in topics, schemas and offsets; must be unique and never change.",
            _HIGH,
            check_topic_prefix,
            label="Topic prefix",
            width=Width.MEDIUM,
        ),
        Option(
            "database.hostname",
            OptionType.STRING,
            REQUIRED,
            "Host name or address of the server.",
            _HIGH,
            _is_host_name,
            label="Hostname",
            width=Width.MEDIUM,
        ),
        Option(
            "database.port",
            OptionType.INT,
            3306,
            "Port of the server.",
            _HIGH,
            between(1, 65535),
            label="Port",
            width=Width.SHORT,
        ),
        Option(
            "database.user",
            OptionType.STRING,
            REQUIRED,
            "User to sign in as.",
            _HIGH,
            not_blank,
            label="User",
            width=Width.SHORT,
        ),
        Option(
            "database.password",
            OptionType.PASSWORD,
            None,
            "Password of the user.",
            _HIGH,
            label="Password",
            width=Width.SHORT,
        ),
        Option(
            "database.server.id",
            OptionType.LONG,
            REQUIRED,
            "Number of this replica; must differ from that of every server and replica of the cluster.",
            _HIGH,
            between(1, 2**32 - 1),
            label="Cluster ID",
            width=Width.LONG,
        ),
        Option(
            "database.ssl.mode",
            OptionType.STRING,
            "preferred",
            "Whether to encrypt, and what to check of the server's certificate.",
            validator=one_of("disabled", "disable", "preferred", "required", "verify_ca", "verify_identity"),
            label="SSL mode",
            width=Width.MEDIUM,
        ),
        Option(
            "database.ssl.ca",
            OptionType.STRING,
            None,
            "PEM file with the certificate authorities to trust (Headwater's own; the system's without it).",
            label="SSL certificate authorities",
            width=Width.LONG,
        ),
        Option(
            "database.allowPublicKeyRetrieval",
            OptionType.BOOLEAN,
            False,
            "Whether to take the server's public key from the server itself where there is no TLS.",
            label="Allow public key retrieval",
            width=Width.SHORT,
        ),
    ),
    *grouped(
        "Connector",
        Option(
            "connection.validation.timeout.ms",
            OptionType.LONG,
            60_000,
            "How long config/validate waits for a connection, where that is less than connect.timeout.ms.",
            _LOW,
            at_least(1),
            label="Connection validation timeout (ms)",
            width=Width.SHORT,
        ),
        Option(
            "extended.headers.enabled",
            OptionType.BOOLEAN,
            True,
            "Whether events carry __debezium.context headers.",
            _LOW,
            label="Enable/Disable extended headers",
            width=Width.SHORT,
        ),
        Option(
            "decimal.handling.mode",
            OptionType.STRING,
            "precise",
            "How DECIMAL is written.",
            validator=one_of("precise", "double", "string"),
            label="Decimal Handling",
            width=Width.SHORT,
        ),
        Option(
            "snapshot.lock.timeout.ms",
            OptionType.LONG,
            10_000,
            "How long the snapshot waits for its lock, in whole seconds; then it is tried again.",
            validator=at_least(1000),
            label="Snapshot lock timeout (ms)",
            width=Width.LONG,
        ),
        Option(
            "connect.timeout.ms",
            OptionType.INT,
            30_000,
            "How long to wait for a connection.",
            validator=at_least(1000),
            label="Connection Timeout (ms)",
            width=Width.SHORT,
        ),
        Option(
            "connect.keep.alive.interval.ms",
            OptionType.LONG,
            60_000,
            "The server sends a heartbeat at four fifths of this; three missed ones are a lost connection.",
            _LOW,
            at_least(1000),
            label="Keep alive interval (ms)",
            width=Width.SHORT,
        ),
        Option(
            "snapshot.mode",
            OptionType.STRING,
            "initial",
            "What to read before the log, when there is no offset: the tables' rows (initial), or only their structure"
            " (no_data). With when_needed the rows are read then, and again whenever the log can't be followed any"
            " more: it was purged, or has rows of a table whose structure is not known.",
            _LOW,
            one_of("initial", "no_data", "schema_only", "when_needed"),
            label="Snapshot mode",
            width=Width.SHORT,
        ),
    ),
    *grouped(
        "Events",
        Option(
            "tombstones.on.delete",
            OptionType.BOOLEAN,
            True,
            "Whether a delete is followed by a tombstone.",
            label="Tombstones on delete",
            width=Width.SHORT,
        ),
        Option(
            "topic.naming.strategy",
            OptionType.CLASS,
            "io.debezium.schema.SchemaTopicNamingStrategy",
            "How topics are named; both strategies give PREFIX.DATABASE.TABLE.",
            validator=one_of(
                "io.debezium.schema.SchemaTopicNamingStrategy", "io.debezium.schema.DefaultTopicNamingStrategy"
            ),
            label="Topic naming strategy class",
            width=Width.MEDIUM,
        ),
        CONVERTERS,
        _names("column.include.list", "Columns (database.table.column) to have in events.", "Include Columns"),
        _names("column.exclude.list", "Columns (database.table.column) to leave out.", "Exclude Columns"),
        _names("table.include.list", "Tables (database.table) to capture.", "Include Tables", _HIGH),
        _names("table.exclude.list", "Tables (database.table) not to capture.", "Exclude Tables"),
        Option(
            "include.schema.changes",
            OptionType.BOOLEAN,
            True,
            "Whether to send schema changes to the topic named by topic.prefix.",
            label="Include database schema changes",
            width=Width.SHORT,
        ),
        _names("database.include.list", "Databases to capture.", "Include Databases", _HIGH),
        _names("database.exclude.list", "Databases not to capture.", "Exclude Databases"),
    ),
    exclusive=[(f"{kind}.include.list", f"{kind}.exclude.list") for kind in ("database", "table", "column")],
    refused={
        "bigint.unsigned.handling.mode": "long",
        "binary.handling.mode": "bytes",
        "column.mask.": "",
        "column.propagate.source.type": "",
        "column.truncate.": "",
        "datatype.propagate.source.type": "",
        "database.initial.statements": "",
        "database.ssl.keystore": "",
        "database.ssl.truststore": "",
        "enable.time.adjuster": "true",
        "event.deserialization.failure.handling.mode": "fail",
        "event.processing.failure.handling.mode": "fail",
        "field.name.adjustment.mode": "none",
        "gtid.ignore.on.recovery": "false",
        "gtid.source.excludes": "",
        "gtid.source.includes": "",
        "heartbeat.action.query": "",
        "heartbeat.interval.ms": "0",
        "include.query": "false",
        "include.schema.comments": "false",
        "inconsistent.schema.handling.mode": "fail",
        "message.key.columns": "",
        "provide.transaction.metadata": "false",
        "read.only": "false",
        "schema.history.internal.store.only.captured.databases.ddl": "false",
        "schema.history.internal.store.only.captured.tables.ddl": "false",
        "schema.name.adjustment.mode": "none",
        "signal.data.collection": "",
        "skip.messages.without.change": "false",
        "skipped.operations": "t",
        "snapshot.delay.ms": "0",
        "snapshot.include.collection.list": "",
        "snapshot.locking.mode": "minimal",
        "snapshot.query.mode": "select_all",
        "snapshot.select.statement.overrides": "",
        "snapshot.tables.order.by.row.count": "disabled",
        "source.struct.version": "v2",
        "streaming.delay.ms": "0",
        "table.ignore.builtin": "true",
        "time.precision.mode": "adaptive_time_microseconds",
        "topic.delimiter": ".",
    },
    ignored={
        "binlog.buffer.size": "",
        "binlog.net.read.timeout": "",
        "binlog.net.write.timeout": "",
        "connect.keep.alive": "",
        "custom.metric.tags": "",
        "database.jdbc.driver": "",
        "database.protocol": "",
        "database.query.timeout.ms": "",
        "driver.": "",
        "guardrail.collections.limit.action": "",
        "guardrail.collections.max": "",
        "incremental.snapshot.": "there are no incremental snapshots yet",
        "max.batch.size": "",
        "max.queue.size": "",
        "max.queue.size.in.bytes": "",
        "min.row.count.to.stream.results": "",
        "notification.": "there are no notifications yet",
        "poll.interval.ms": "",
        "signal.": "there are no signals yet",
        "snapshot.fetch.size": "",
        "snapshot.max.threads": "",
        "statistics.metrics.enabled": "",
        "topic.cache.size": "",
        "topic.heartbeat.": "there are no heartbeats yet",
        "topic.transaction": "there is no transaction metadata yet",
        "use.nongraceful.disconnect": "",
        "database.history.": _NO_HISTORY_TOPIC,
        "schema.history.internal": _NO_HISTORY_TOPIC,
        "schema.history.internal.": _NO_HISTORY_TOPIC,
    },
)


class MySqlConnector:
    """`headwater.source.SourceConnector` for MySQL."""

    name = "mysql"
    class_name = "io.debezium.connector.mysql.MySqlConnector"
    options = OPTIONS
    deprecated: Mapping[str, str] = {
        "database.server.name": "topic.prefix",
        "database.whitelist": "database.include.list",
        "database.blacklist": "database.exclude.list",
        "table.whitelist": "table.include.list",
        "table.blacklist": "table.exclude.list",
        "column.whitelist": "column.include.list",
        "column.blacklist": "column.exclude.list",
        "driver.allowPublicKeyRetrieval": "database.allowPublicKeyRetrieval",
    }

    def open(self, config: Config) -> MySqlSource:
        """The source of the connector's only task."""
        prefix = config["topic.prefix"]
        extended = config["extended.headers.enabled"]
        headers = context_headers(prefix, self.name, 0, str(uuid.uuid4())) if extended else ()
        tables = TableFilter(
            builtin=BUILTIN_DATABASES,
            database_include=config["database.include.list"],
            database_exclude=config["database.exclude.list"],
            table_include=config["table.include.list"],
            table_exclude=config["table.exclude.list"],
            column_include=config["column.include.list"],
            column_exclude=config["column.exclude.list"],
        )
        options = ShapeOptions(
            prefix=prefix,
            values=ValueOptions(decimal=DecimalMode(config["decimal.handling.mode"].lower())),
            tombstones=config["tombstones.on.delete"],
            headers=headers,
            captures_column=tables.captures_column,
            converters=read_converters(config.raw),
        )
        changes = SchemaChanges(prefix, headers) if config["include.schema.changes"] else None
        return MySqlSource(config, options, tables, changes)

    def check_connection(self, config: Config) -> list[Problem]:
        """See `headwater.source.SourceConnector.check_connection`."""
        timeout_ms = min(config["connect.timeout.ms"], config["connection.validation.timeout.ms"])
        try:
            drop(connect(config, timeout_ms=timeout_ms))
        except SourceError as error:
            return [Problem("database.hostname", f"Unable to connect: {error}")]
        return []

    def check_offset(self, config: Config, partition: Mapping[str, Any], offset: Mapping[str, Any]) -> None:
        """See `headwater.source.SourceConnector.check_offset`."""
        expected = {"server": config["topic.prefix"]}
        if partition != expected:
            raise OffsetError(f"The partition must be the connector's topic.prefix: {json.dumps(expected)}")
        check_offset(offset)


CONNECTOR = MySqlConnector()
