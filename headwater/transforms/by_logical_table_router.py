"""``ByLogicalTableRouter``: tables that are parts of one, such as shards, share a topic.

Their keys get a field that tells the tables apart; schemas are named after the new topic.

Source: ``io.debezium.transforms.ByLogicalTableRouter`` (Debezium 3.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import structlog

from headwater.config import (
    REQUIRED,
    Config,
    ConfigDef,
    ConfigError,
    Importance,
    Option,
    OptionType,
    Problem,
    Validator,
    Width,
)
from headwater.java_regex import check_java, compile_java, replace_first
from headwater.record import Field, Schema, Type
from headwater.shape import NULL, Const, MessageShape, Node, Struct
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.envelope import is_envelope
from headwater.transforms.operand import operand
from headwater.tree import Member, members, or_default, struct_of

log = structlog.get_logger(__name__)


def _text(name: str, default: object, label: str, doc: str, validator: Validator | None = None) -> Option:
    return Option(name, OptionType.STRING, default, doc, Importance.LOW, validator, label=label, width=Width.LONG)


OPTIONS = ConfigDef(
    _text(
        "topic.regex",
        REQUIRED,
        "Topic regex",
        "Java's regular expression that a topic must match as a whole to be replaced.",
        check_java,
    ),
    _text("topic.replacement", REQUIRED, "Topic replacement", "The new topic, with $1 for what the groups matched."),
    Option(
        "key.enforce.uniqueness",
        OptionType.BOOLEAN,
        True,
        "Whether keys get a field that tells tables apart.",
        Importance.LOW,
        label="Add source topic name into key",
        width=Width.SHORT,
    ),
    _text(
        "key.field.regex",
        None,
        "Key field regex",
        "Java's regular expression that the old topic must match to be shortened in that field.",
        check_java,
    ),
    _text("key.field.name", "__dbz__physicalTableIdentifier", "Key field name", "The field's name."),
    _text("key.field.replacement", None, "Key field replacement", "What the field holds where it matches."),
    Option(
        "logical.table.cache.size",
        OptionType.INT,
        16,
        "How many schemas are kept.",
        Importance.LOW,
        label="Logical table cache size",
        width=Width.LONG,
        without_effect="each table's are made once",
    ),
    refused={"schema.name.adjustment.mode": "none"},
)


def create(options: Mapping[str, str], part: Part | None) -> ByLogicalTableRouter:  # noqa: ARG001 - there is one form
    """The transform. Raises `headwater.config.ConfigError`."""
    config = OPTIONS.parse(options)
    if (config["key.field.regex"] or "").strip() and not (config["key.field.replacement"] or "").strip():
        message = "key.field.replacement must be non-empty if key.field.regex is set."
        raise ConfigError([Problem("key.field.replacement", message)])
    return ByLogicalTableRouter(config)


class _Replacement:
    """An expression and what takes the place of a topic that it matches as a whole."""

    def __init__(self, regex: str, replacement: str) -> None:
        self._pattern = compile_java(regex)
        self._replacement = replacement

    def of(self, topic: str) -> str | None:
        """What takes the topic's place; None where it doesn't match. Raises `TransformError`."""
        if self._pattern.fullmatch(topic) is None:
            return None
        try:
            return replace_first(self._pattern, topic, self._replacement)
        except ValueError as error:
            raise TransformError(str(error)) from None


class ByLogicalTableRouter:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config) -> None:
        self._topic = _Replacement(config["topic.regex"], config["topic.replacement"])
        regex: str = (config["key.field.regex"] or "").strip()
        self._table = _Replacement(regex, config["key.field.replacement"]) if regex else None
        self._field: str | None = config["key.field.name"] if config["key.enforce.uniqueness"] else None

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        topic = self._topic.of(message.topic)
        if topic is None:
            return message
        if not topic:
            log.warning("the expression makes no topic of it, so it stays", topic=message.topic)
            return message
        key, value = operand(message, Part.KEY), operand(message, Part.VALUE)
        routed = replace(message, topic=topic, key_schema=None, key=NULL)
        if not key.is_absent(ask):
            schema, fields = key.struct("making the key unique"), key.members("making the key unique", defaults=False)
            made = self._key(schema, fields, message.topic, topic)
            routed = replace(routed, key_schema=made[0], key=made[1])
        if value.is_absent(ask) or not is_envelope(value.schema):
            return routed
        return _renamed(routed, value.struct("naming its schema"))

    def _key(self, schema: Schema, fields: list[Member], old_topic: str, topic: str) -> tuple[Schema, Struct]:
        if self._field is not None:
            table = (self._table.of(old_topic) if self._table is not None else None) or old_topic
            fields = [*fields, Member(self._field, Schema(Type.STRING), Const(table))]
        made, node = struct_of(schema, fields)
        return replace(made, name=f"{topic}.Key", optional=schema.optional), node


def _renamed(message: MessageShape, envelope: Schema) -> MessageShape:
    """The event with the schemas of envelope and rows named after its topic."""
    fields = members(envelope, message.value)
    row = next((field.schema for field in fields if field.name == "before"), None)
    if row is None or row.type is not Type.STRUCT:
        raise TransformError("the event has no rows with fields, as documents of MongoDB have none")
    row = replace(row, name=f"{message.topic}.Value", default=None)
    schemas = [row if field.name in ("before", "after") else field.schema for field in fields]
    nodes: list[Node] = [field.node if field.name in ("before", "after") else or_default(field) for field in fields]
    schema = replace(
        envelope,
        name=f"{message.topic}.Envelope",
        default=None,
        fields=tuple(Field(field.name, schema) for field, schema in zip(fields, schemas, strict=True)),
    )
    return replace(message, value_schema=schema, value=Struct(tuple(nodes)))
