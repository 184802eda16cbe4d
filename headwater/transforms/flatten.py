"""``Flatten``: the fields of structs within a key or value become its own.

Source: ``org.apache.kafka.connect.transforms.Flatten`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from headwater.config import ConfigDef, Importance, Option, OptionType
from headwater.record import Schema, Type
from headwater.shape import NULL, Const, MessageShape, Node
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.operand import operand, with_operand
from headwater.tree import Member, members, or_default, struct_of

OPTIONS = ConfigDef(
    Option("delimiter", OptionType.STRING, ".", "What stands between the names of fields.", Importance.MEDIUM),
)


def create(options: Mapping[str, str], part: Part | None) -> Flatten:
    """The transform. Raises `headwater.config.ConfigError`."""
    return Flatten(OPTIONS.parse(options)["delimiter"], part)


class Flatten:
    """`headwater.transform.Transform`."""

    def __init__(self, delimiter: str, part: Part | None) -> None:
        self._delimiter = delimiter
        self._part = part

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        found = operand(message, self._part)
        if found.is_absent(ask):
            return message
        schema = found.struct("flattening")
        fields = list(self._fields(schema, found.node, "", schema.default, optional=schema.optional))
        return with_operand(message, self._part, *struct_of(schema, fields))

    def _fields(
        self, schema: Schema, node: Node, prefix: str, default: dict[str, Any] | None, *, optional: bool
    ) -> Iterator[Member]:
        """The fields of a struct and all within it; ``default`` and ``optional`` come from what it is in."""
        is_null = isinstance(node, Const) and node.value is None
        for field in members(schema, node):
            name = f"{prefix}{self._delimiter}{field.name}" if prefix else field.name
            is_optional = optional or field.schema.optional
            own = field.schema.default
            inherited = own if own is not None or default is None else default.get(field.name)
            if field.schema.type is Type.STRUCT:
                yield from self._fields(field.schema, field.node, name, inherited, optional=is_optional)
            elif field.schema.type is Type.MAP:
                raise TransformError(f"the field {name!r} of type {field.schema.type} can't be flattened")
            else:
                flat = replace(field.schema, optional=is_optional, default=inherited)
                yield Member(name, flat, NULL if is_null else or_default(field))
