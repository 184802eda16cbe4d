"""``InsertField``: adds the topic, the partition, the timestamp or a fixed text to a key or value.

Source: ``org.apache.kafka.connect.transforms.InsertField`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from headwater.config import Config, ConfigDef, ConfigError, Importance, Option, OptionType, Problem
from headwater.record import Schema, Type
from headwater.shape import Const, MessageShape, Node
from headwater.transform import Ask, Part
from headwater.transforms.operand import REPLACE_NULL, operand, with_operand
from headwater.tree import Member, struct_of

TIMESTAMP = Schema(Type.INT64, name="org.apache.kafka.connect.data.Timestamp", version=1)
_MUST = " A name that ends in ! makes it a required field, in ? or neither an optional one."


def _field(name: str, doc: str) -> Option:
    return Option(name, OptionType.STRING, None, doc + _MUST, Importance.MEDIUM)


OPTIONS = ConfigDef(
    _field("topic.field", "The field for the topic."),
    _field("partition.field", "The field for the partition, where the message has one already."),
    Option(
        "offset.field",
        OptionType.STRING,
        None,
        "The field for the offset in Kafka, which only sink connectors know.",
        Importance.MEDIUM,
        lambda name: name and "only sink connectors know a message's offset: remove it",
    ),
    _field("timestamp.field", "The field for the message's timestamp, where it has one already."),
    _field("static.field", "The field for a fixed text."),
    Option("static.value", OptionType.STRING, None, "That text.", Importance.MEDIUM),
    REPLACE_NULL,
)


def create(options: Mapping[str, str], part: Part | None) -> InsertField:
    """The transform. Raises `headwater.config.ConfigError`."""
    config = OPTIONS.parse(options)
    names = ("topic.field", "partition.field", "timestamp.field", "static.field")
    if all(config[name] is None for name in names):
        raise ConfigError([Problem("static.field", f"No field insertion configured: one of {', '.join(names)}")])
    if config["static.field"] is not None and config["static.value"] is None:
        raise ConfigError([Problem("static.value", "No value specified for the field that static.field names")])
    return InsertField(config, part)


class _Insertion(NamedTuple):
    name: str
    optional: bool


def _insertion(text: str | None) -> _Insertion | None:
    if text is None:
        return None
    return _Insertion(text[:-1] if text.endswith(("!", "?")) else text, not text.endswith("!"))


class InsertField:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config, part: Part | None) -> None:
        self._part = part
        self._defaults: bool = config["replace.null.with.default"]
        self._topic = _insertion(config["topic.field"])
        self._partition = _insertion(config["partition.field"])
        self._timestamp = _insertion(config["timestamp.field"])
        self._static = _insertion(config["static.field"])
        self._text: str | None = config["static.value"]

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        found = operand(message, self._part)
        if found.is_absent(ask):
            return message
        fields = [*found.members("inserting fields", defaults=self._defaults), *self._inserted(message)]
        return with_operand(message, self._part, *struct_of(found.struct("inserting fields"), fields))

    def _inserted(self, message: MessageShape) -> Iterator[Member]:
        insertions: list[tuple[_Insertion | None, Schema, Node]] = [
            (self._topic, Schema(Type.STRING), Const(message.topic)),
            (self._partition, Schema(Type.INT32), message.partition),
            (self._timestamp, TIMESTAMP, message.timestamp),
            (self._static, Schema(Type.STRING), Const(self._text)),
        ]
        for insertion, schema, node in insertions:
            if insertion is not None:
                yield Member(insertion.name, schema.as_optional() if insertion.optional else schema, node)
