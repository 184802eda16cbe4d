"""The code of converters that have none of their own: per row a call of the converter's function for one value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headwater.converter import CALLS_ARE_SLOTS, Scope
from headwater.record import Schema
from headwater.shape import Call, Const, Node, Slot, Struct

Convert = Callable[[Any], bytes | None]


def plan_call(convert: Convert, schema: Schema | None, node: Node, scope: Scope) -> str:
    """An expression that gives ``convert`` of the value ``node`` describes; a constant is converted now."""
    if isinstance(node, Const):
        converted = convert(node.value)
        return "None" if converted is None else scope.bind(converted)
    return f"{scope.bind(convert)}({_value(schema, node, scope)})"


def _value(schema: Schema | None, node: Node, scope: Scope) -> str:
    """The expression of a Connect value."""
    match node:
        case Const(value):
            return "None" if value is None else scope.bind(value)
        case Slot(name):
            return name
        case Struct(nodes):
            fields = schema.fields if schema else ()
            members = (
                f"{field.name!r}: {_value(field.schema, child, scope)}"
                for field, child in zip(fields, nodes, strict=True)
            )
            return f"{{{', '.join(members)}}}"
        case Call():
            raise TypeError(CALLS_ARE_SLOTS)
