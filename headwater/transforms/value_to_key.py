"""``ValueToKey``: the key is made of fields of the value.

Source: ``org.apache.kafka.connect.transforms.ValueToKey`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from headwater.config import REQUIRED, Config, ConfigDef, Importance, Option, OptionType
from headwater.record import Schema, Type
from headwater.shape import MessageShape
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.operand import REPLACE_NULL, not_empty, operand
from headwater.tree import struct_of

OPTIONS = ConfigDef(
    Option("fields", OptionType.LIST, REQUIRED, "The value's fields to take.", Importance.HIGH, not_empty),
    REPLACE_NULL,
)


def create(options: Mapping[str, str], part: Part | None) -> ValueToKey:  # noqa: ARG001 - there is one form
    """The transform. Raises `headwater.config.ConfigError`."""
    return ValueToKey(OPTIONS.parse(options))


class ValueToKey:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config) -> None:
        self._names: list[str] = config["fields"]
        self._defaults: bool = config["replace.null.with.default"]

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        value = operand(message, Part.VALUE)
        if value.is_absent(ask):
            raise TransformError("a null value has no fields to make a key of")
        fields = {field.name: field for field in value.members("making a key", defaults=self._defaults)}
        for name in self._names:
            if name not in fields:
                raise TransformError(f"Field does not exist: {name}")
        schema, key = struct_of(Schema(Type.STRUCT), [fields[name] for name in self._names])
        return replace(message, key_schema=schema, key=key)
