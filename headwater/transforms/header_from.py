"""``HeaderFrom``: fields of a key or value become headers.

Source: ``org.apache.kafka.connect.transforms.HeaderFrom`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from headwater.config import (
    REQUIRED,
    Config,
    ConfigDef,
    ConfigError,
    Importance,
    Option,
    OptionType,
    Problem,
    exactly_one_of,
)
from headwater.shape import HeaderShape, MessageShape
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.operand import REPLACE_NULL, not_empty, operand, with_operand
from headwater.tree import struct_of

OPTIONS = ConfigDef(
    Option("fields", OptionType.LIST, REQUIRED, "The fields.", Importance.HIGH, not_empty),
    Option("headers", OptionType.LIST, REQUIRED, "The headers' names, in the same order.", Importance.HIGH, not_empty),
    Option(
        "operation",
        OptionType.STRING,
        REQUIRED,
        "Whether the fields stay (copy) or not (move).",
        Importance.HIGH,
        exactly_one_of("move", "copy"),
    ),
    REPLACE_NULL,
)


def create(options: Mapping[str, str], part: Part | None) -> HeaderFrom:
    """The transform. Raises `headwater.config.ConfigError`."""
    config = OPTIONS.parse(options)
    if len(config["fields"]) != len(config["headers"]):
        message = "'fields' config must have the same number of elements as 'headers' config."
        raise ConfigError([Problem("headers", message)])
    return HeaderFrom(config, part)


class HeaderFrom:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config, part: Part | None) -> None:
        self._part = part
        self._pairs = list(zip(config["fields"], config["headers"], strict=True))
        self._moves: bool = config["operation"] == "move"
        self._defaults: bool = config["replace.null.with.default"]

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        found = operand(message, self._part)
        if found.is_absent(ask):
            raise TransformError("a null has no fields to make headers of")
        fields = {field.name: field for field in found.members("making headers", defaults=self._defaults)}
        headers = list(message.headers)
        for name, header in self._pairs:
            if name not in fields:
                raise TransformError(f"there is no field {name!r} to make the header {header!r} of")
            headers.append(HeaderShape(header, fields[name].schema, fields[name].node))
        changed = replace(message, headers=tuple(headers))
        if not self._moves:
            return changed
        moved = {name for name, _ in self._pairs}
        kept = [field for field in fields.values() if field.name not in moved]
        return with_operand(changed, self._part, *struct_of(found.struct("making headers"), kept))
