"""The part of a message that a transform works on, its key or its value, and what Kafka Connect's transforms share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from headwater.config import Importance, Option, OptionType
from headwater.record import Schema, Type
from headwater.shape import MessageShape, Node
from headwater.transform import Ask, Part, TransformError
from headwater.tree import Member, is_absent, members, or_default

REPLACE_NULL = Option(
    "replace.null.with.default",
    OptionType.BOOLEAN,
    True,
    "Whether fields that are null and have a default get it; otherwise they stay null.",
    Importance.MEDIUM,
)


@dataclass(frozen=True, slots=True)
class Operand:
    """A key or a value: its schema, and where it comes from."""

    schema: Schema | None
    node: Node

    def is_absent(self, ask: Ask) -> bool:
        """Whether it is null."""
        return is_absent(self.schema, self.node, ask)

    def struct(self, purpose: str) -> Schema:
        """Its schema, which must be one of a struct. Raises `TransformError`."""
        if self.schema is None:
            raise TransformError(f"{purpose} takes a struct, and this is a value without a schema")
        if self.schema.type is not Type.STRUCT:
            raise TransformError(f"{purpose} takes a struct, and this is of type {self.schema.type}")
        return self.schema

    def members(self, purpose: str, *, defaults: bool) -> list[Member]:
        """The fields of a struct that is not null, with ``defaults`` in place of nulls. Raises `TransformError`."""
        found = members(self.struct(purpose), self.node)
        return [replace(field, node=or_default(field)) for field in found] if defaults else found


def operand(message: MessageShape, part: Part | None) -> Operand:
    """The part of the message."""
    if part is Part.KEY:
        return Operand(message.key_schema, message.key)
    return Operand(message.value_schema, message.value)


def with_operand(message: MessageShape, part: Part | None, schema: Schema | None, node: Node) -> MessageShape:
    """The message with another key or value."""
    if part is Part.KEY:
        return replace(message, key_schema=schema, key=node)
    return replace(message, value_schema=schema, value=node)


def not_empty(names: Sequence[str] | None) -> str | None:
    """A validator: a list of something."""
    return None if names else "Empty list"
