"""``SetSchemaMetadata``: gives the schema of a key or value another name or version.

Source: ``org.apache.kafka.connect.transforms.SetSchemaMetadata`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from headwater.config import Config, ConfigDef, ConfigError, Importance, Option, OptionType, Problem
from headwater.record import Type
from headwater.shape import MessageShape, Struct
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.operand import REPLACE_NULL, operand, with_operand

OPTIONS = ConfigDef(
    Option("schema.name", OptionType.STRING, None, "The schema's name.", Importance.HIGH),
    Option("schema.version", OptionType.INT, None, "The schema's version.", Importance.HIGH),
    REPLACE_NULL,
)


def create(options: Mapping[str, str], part: Part | None) -> SetSchemaMetadata:
    """The transform. Raises `headwater.config.ConfigError`."""
    config = OPTIONS.parse(options)
    if config["schema.name"] is None and config["schema.version"] is None:
        raise ConfigError([Problem("schema.name", "Neither schema name nor version configured")])
    return SetSchemaMetadata(config, part)


class SetSchemaMetadata:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config, part: Part | None) -> None:
        self._part = part
        self._name: str | None = config["schema.name"]
        self._version: int | None = config["schema.version"]
        self._defaults: bool = config["replace.null.with.default"]

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        found = operand(message, self._part)
        if found.schema is None:
            if found.is_absent(ask):
                return message
            raise TransformError("updating schema metadata takes a schema, and there is none")
        schema = replace(
            found.schema,
            name=found.schema.name if self._name is None else self._name,
            version=found.schema.version if self._version is None else self._version,
        )
        node = found.node
        if schema.type is Type.STRUCT and not found.is_absent(ask):
            node = Struct(tuple(field.node for field in found.members("its schema", defaults=self._defaults)))
        return with_operand(message, self._part, schema, node)
