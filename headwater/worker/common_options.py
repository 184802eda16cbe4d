"""The options that every connector has, in Kafka Connect's groups and order.

Sources: ``org.apache.kafka.connect.runtime.ConnectorConfig`` and ``SourceConnectorConfig``, Debezium's
``CommonConnectorConfig`` for ``errors.max.retries``, ``errors.retry.delay.initial.ms`` and
``event.converting.failure.handling.mode``. The dead letter queue's are those of ``SinkConnectorConfig``.
"""

from __future__ import annotations

from headwater.config import (
    REQUIRED,
    ConfigDef,
    Importance,
    Option,
    OptionType,
    Width,
    at_least,
    exactly_one_of,
    grouped,
    not_blank,
    one_of,
)
from headwater.tolerance import Unreadable

_ONE_VERSION = "there is one version of each plugin"


def _printable(name: str) -> str | None:
    """A connector's name may be anything that can be printed."""
    if not name:
        return "String may not be empty"
    controls = [str(ord(character)) for character in name if ord(character) < 32 or 127 <= ord(character) < 160]
    if controls:
        return f"String may not contain control sequences but had the following ASCII chars: {', '.join(controls)}"
    return None


def _no_transactions(value: str) -> str | None:
    return one_of("REQUIRED", "REQUESTED")(value) or (
        "a standalone worker can't give it: the offset is in the worker's own file, and can't be stored in the Kafka"
        " transaction that holds the messages"
        if value.lower() == "required"
        else None
    )


def _version(name: str, label: str) -> Option:
    return Option(
        name,
        OptionType.STRING,
        None,
        "Which version of the plugin to take.",
        Importance.LOW,
        label=label,
        width=Width.SHORT,
        without_effect=_ONE_VERSION,
    )


COMMON_OPTIONS = ConfigDef(
    *grouped(
        "Common",
        Option(
            "name",
            OptionType.STRING,
            REQUIRED,
            "Globally unique name to use for this connector.",
            Importance.HIGH,
            _printable,
            label="Connector name",
            width=Width.MEDIUM,
        ),
        Option(
            "connector.class",
            OptionType.STRING,
            REQUIRED,
            "The connector: Debezium's class name in full, its last part (MySqlConnector), or a short name (mysql).",
            Importance.HIGH,
            label="Connector class",
            width=Width.LONG,
        ),
        _version("connector.plugin.version", "Connector version"),
        Option(
            "tasks.max",
            OptionType.INT,
            1,
            "Maximum number of tasks; a connector that reads one log uses one, whatever stands here.",
            Importance.HIGH,
            at_least(1),
            label="Tasks max",
            width=Width.SHORT,
        ),
        Option(
            "tasks.max.enforce",
            OptionType.BOOLEAN,
            True,
            "Whether more tasks than tasks.max are refused.",
            Importance.LOW,
            label="Enforce tasks max",
            width=Width.SHORT,
            without_effect="there are never more",
        ),
        Option(
            "key.converter",
            OptionType.CLASS,
            None,
            "Converter for message keys; the worker's where it is not set. What starts with key.converter. configures"
            " it.",
            Importance.LOW,
            label="Key converter class",
            width=Width.SHORT,
        ),
        _version("key.converter.plugin.version", "Key converter version"),
        Option(
            "value.converter",
            OptionType.CLASS,
            None,
            "Converter for message values; the worker's where it is not set. What starts with value.converter."
            " configures it.",
            Importance.LOW,
            label="Value converter class",
            width=Width.SHORT,
        ),
        _version("value.converter.plugin.version", "Value converter version"),
        Option(
            "header.converter",
            OptionType.CLASS,
            None,
            "Converter for header values; the worker's where it is not set.",
            Importance.LOW,
            label="Header converter class",
            width=Width.SHORT,
        ),
        _version("header.converter.plugin.version", "Header converter version"),
        Option(
            "config.action.reload",
            OptionType.STRING,
            "restart",
            "What to do when a config provider has another value: nothing (none), or start the connector anew"
            " (restart).",
            Importance.LOW,
            exactly_one_of("none", "restart"),
            label="Reload Action",
            width=Width.MEDIUM,
            without_effect="",
        ),
    ),
    *grouped(
        "Transforms",
        Option(
            "transforms",
            OptionType.LIST,
            [],
            "Names of the transforms that change messages, with commas between.",
            Importance.LOW,
            label="Transforms",
            width=Width.LONG,
        ),
    ),
    *grouped(
        "Predicates",
        Option(
            "predicates",
            OptionType.LIST,
            [],
            "Names of the predicates that say which messages are transformed, with commas between.",
            Importance.LOW,
            label="Predicates",
            width=Width.LONG,
        ),
    ),
    *grouped(
        "Error Handling",
        Option(
            "errors.retry.timeout",
            OptionType.LONG,
            0,
            "Milliseconds for which an error that may pass is retried in a row before the task fails; -1 sets no limit,"
            " 0 leaves it to errors.max.retries. A conversion is not tried again: it would give the same error.",
            Importance.MEDIUM,
            at_least(-1),
            label="Retry Timeout for Errors",
            width=Width.MEDIUM,
        ),
        Option(
            "errors.retry.delay.max.ms",
            OptionType.LONG,
            10_000,
            "The longest time in milliseconds between two retries.",
            Importance.LOW,
            at_least(1),
            label="Maximum Delay Between Retries for Errors",
            width=Width.MEDIUM,
        ),
        Option(
            "errors.tolerance",
            OptionType.STRING,
            "none",
            "Whether a message that can't be made stops the task (none), or is let go (all): into"
            " errors.deadletterqueue.topic.name, or to nowhere without that. It is counted and logged.",
            Importance.MEDIUM,
            exactly_one_of("none", "all"),
            label="Error Tolerance",
            width=Width.SHORT,
        ),
        Option(
            "errors.log.enable",
            OptionType.BOOLEAN,
            False,
            "Whether the log tells of each error that is tolerated; else it tells of their number, every ten seconds at"
            " most.",
            Importance.MEDIUM,
            label="Log Errors",
            width=Width.SHORT,
        ),
        Option(
            "errors.log.include.messages",
            OptionType.BOOLEAN,
            False,
            "Whether the log then shows the key and value of the message, as far as they can be read.",
            Importance.MEDIUM,
            label="Log Error Details",
            width=Width.SHORT,
        ),
        Option(
            "errors.max.retries",
            OptionType.INT,
            10,
            "How often an error that may pass is retried in a row before the task fails; -1 sets no limit. Without"
            " effect where errors.retry.timeout is set.",
            Importance.MEDIUM,
            at_least(-1),
            label="The maximum number of retries",
            width=Width.MEDIUM,
        ),
        Option(
            "errors.retry.delay.initial.ms",
            OptionType.LONG,
            300,
            "Milliseconds before the first retry; doubled with each further one.",
            Importance.LOW,
            at_least(1),
            label="Delay Before the First Retry",
            width=Width.MEDIUM,
        ),
        Option(
            "event.converting.failure.handling.mode",
            OptionType.STRING,
            "fail",
            "What becomes of a value that can't be read from the log: its message can't be made (fail), or null takes"
            " the value's place where its schema allows that, with a warning in the log (warn) or without (skip).",
            Importance.MEDIUM,
            one_of(*Unreadable),
            label="Event Converting Failure Handling Mode",
            width=Width.MEDIUM,
        ),
        Option(
            "errors.deadletterqueue.topic.name",
            OptionType.STRING,
            "",
            "The topic that messages go to, in JSON as far as they can be told, which can't be made, with"
            " errors.tolerance=all.",
            Importance.MEDIUM,
            label="Dead Letter Queue Topic Name",
            width=Width.MEDIUM,
        ),
        Option(
            "errors.deadletterqueue.topic.replication.factor",
            OptionType.INT,
            3,
            "How many copies that topic gets where it does not exist yet.",
            Importance.MEDIUM,
            at_least(1),
            label="Dead Letter Queue Topic Replication Factor",
            width=Width.MEDIUM,
        ),
        Option(
            "errors.deadletterqueue.context.headers.enable",
            OptionType.BOOLEAN,
            False,
            "Whether those messages have headers that tell of the error, __connect.errors.… and headwater.errors.….",
            Importance.MEDIUM,
            label="Enable Error Context Headers",
            width=Width.MEDIUM,
        ),
    ),
    *grouped(
        "Topic Creation",
        Option(
            "topic.creation.groups",
            OptionType.LIST,
            [],
            "Names, with commas between, of groups of topics; topic.creation.NAME. says what is in each and how its"
            " topics are made.",
            Importance.LOW,
            label="Topic Creation Groups",
            width=Width.LONG,
        ),
    ),
    *grouped(
        "Exactly Once Support",
        Option(
            "exactly.once.support",
            OptionType.STRING,
            "requested",
            "Whether the connector must deliver exactly once (required) or may deliver at least once (requested).",
            Importance.MEDIUM,
            _no_transactions,
            label="Exactly once support",
            width=Width.SHORT,
        ),
        Option(
            "transaction.boundary",
            OptionType.STRING,
            "poll",
            "Where a transaction into Kafka ends.",
            Importance.MEDIUM,
            one_of("INTERVAL", "POLL", "CONNECTOR"),
            label="Transaction Boundary",
            width=Width.SHORT,
            without_effect="",
        ),
        Option(
            "transaction.boundary.interval.ms",
            OptionType.LONG,
            None,
            "Milliseconds between two ends of a transaction into Kafka.",
            Importance.LOW,
            at_least(0),
            label="Transaction boundary interval",
            width=Width.SHORT,
            without_effect="",
        ),
    ),
    *grouped(
        "offsets.topic",
        Option(
            "offsets.storage.topic",
            OptionType.STRING,
            None,
            "The topic that a connector of a distributed worker keeps its offsets in.",
            Importance.LOW,
            not_blank,
            label="Offsets topic",
            width=Width.LONG,
            without_effect="",
        ),
    ),
)
