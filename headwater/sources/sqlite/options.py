"""What can be configured of the SQLite connector: Debezium's options where it has them for other databases."""

from __future__ import annotations

from headwater.config import (
    REQUIRED,
    ConfigDef,
    Importance,
    Option,
    OptionType,
    Width,
    at_least,
    grouped,
    not_blank,
    one_of,
)
from headwater.sources import heartbeat, skipped_operations
from headwater.sources.filters import check_patterns
from headwater.sources.naming import check_topic_prefix
from headwater.sources.snapshot_mode import SNAPSHOT_MODES
from headwater.sources.sqlite.types import DecimalMode

_HIGH, _LOW = Importance.HIGH, Importance.LOW


def _names(name: str, doc: str, label: str, importance: Importance = Importance.MEDIUM) -> Option:
    """A list of names, each a regular expression."""
    return Option(name, OptionType.STRING, None, doc, importance, check_patterns, label=label, width=Width.LONG)


OPTIONS = ConfigDef(
    *grouped(
        "SQLite",
        Option(
            "topic.prefix",
            OptionType.STRING,
            REQUIRED,
            "Names the database in topics, schemas and offsets, and the connector in the database; must be unique and"
            " never change.",
            _HIGH,
            check_topic_prefix,
            label="Topic prefix",
            width=Width.MEDIUM,
        ),
        Option(
            "database.file",
            OptionType.STRING,
            REQUIRED,
            "The database file. headwater sqlite install puts triggers on its tables first.",
            _HIGH,
            not_blank,
            label="Database file",
            width=Width.LONG,
        ),
        Option(
            "database.name",
            OptionType.STRING,
            None,
            "What the database is called in topics and lists; the file's name without its ending where it is not set.",
            validator=lambda value: None if value is None else not_blank(value),
            label="Database name",
            width=Width.MEDIUM,
        ),
        Option(
            "database.busy.timeout.ms",
            OptionType.LONG,
            5000,
            "How long to wait for another process that has the file locked; then it is tried again.",
            _LOW,
            at_least(0),
            label="Busy timeout (ms)",
            width=Width.SHORT,
        ),
        Option(
            "poll.interval.ms",
            OptionType.LONG,
            10,
            "Milliseconds between two times that the file is asked for news, which costs a few microseconds.",
            validator=at_least(1),
            label="Poll interval (ms)",
            width=Width.SHORT,
        ),
    ),
    *grouped(
        "Connector",
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
            "How DECIMAL(p,s) is written.",
            validator=one_of(*DecimalMode),
            label="Decimal Handling",
            width=Width.SHORT,
        ),
        Option(
            "snapshot.mode",
            OptionType.STRING,
            "initial",
            "What to read before the recorded changes: all rows where there is no offset (initial), at each start"
            " (always), whenever the changes can't be read on (when_needed), and nothing else (initial_only); or none"
            " (no_data).",
            _LOW,
            one_of(*SNAPSHOT_MODES),
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
        skipped_operations.OPTION,
        heartbeat.INTERVAL,
        heartbeat.TOPIC_PREFIX,
        heartbeat.TOPIC_NAME,
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
        _names("column.include.list", "Columns (database.table.column) to have in events.", "Include Columns"),
        _names("column.exclude.list", "Columns (database.table.column) to leave out.", "Exclude Columns"),
        _names(
            "table.include.list",
            "Tables (database.table) to capture, each of which must have triggers; without it those that have some.",
            "Include Tables",
            _HIGH,
        ),
        _names("table.exclude.list", "Tables (database.table) not to capture.", "Exclude Tables"),
    ),
    exclusive=[(f"{kind}.include.list", f"{kind}.exclude.list") for kind in ("table", "column")],
    refused={
        "binary.handling.mode": "bytes",
        "column.mask.": "",
        "column.truncate.": "",
        "converters": "",
        "datatype.propagate.source.type": "",
        "field.name.adjustment.mode": "none",
        "message.key.columns": "",
        "provide.transaction.metadata": "false",
        "schema.name.adjustment.mode": "none",
        "signal.data.collection": "",
        "skip.messages.without.change": "false",
        "snapshot.delay.ms": "0",
        "snapshot.include.collection.list": "",
        "snapshot.select.statement.overrides": "",
        "streaming.delay.ms": "0",
        "time.precision.mode": "adaptive_time_microseconds",
        "topic.delimiter": ".",
    },
    ignored={
        "incremental.snapshot.": "there are no incremental snapshots yet",
        "max.batch.size": "",
        "max.queue.size": "",
        "max.queue.size.in.bytes": "",
        "notification.": "there are no notifications yet",
        "schema.history.internal.": "the structure of tables is kept in the database itself",
        "signal.": "there are no signals yet",
        "snapshot.fetch.size": "",
        "snapshot.max.threads": "",
    },
)
