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
from headwater.tree import Member, call, may_be_null, members, or_default, struct_of, whole

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
                yield Member(name, flat, _value(schema, node, field))


def _value(schema: Schema, node: Node, field: Member) -> Node:
    """The value of a struct's field, its default where it is null; null where the whole struct is."""
    if isinstance(node, Const) and node.value is None:
        return NULL
    value = or_default(field)
    if value is field.node or not may_be_null(schema, node):
        return value
    return call(_within, whole(schema, node), whole(field.schema, value))


def _within(struct: dict[str, Any] | None, value: Any) -> Any:
    return None if struct is None else value
