"""Reading and building trees of nodes while a transform plans.

A struct's value may be known in three ways: as a `Struct` of nodes, as a constant dict (of a record), or only as a
whole, as a column that is read as a struct. What is here takes all three, and folds what is constant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.record import Field, Schema, Type
from headwater.shape import NULL, Call, Const, Node, Slot, Struct
from headwater.transform import TransformError

if TYPE_CHECKING:
    from headwater.transform import Ask

Scalar = Const | Slot | Call
"""A node that can be an argument of a `Call`."""


@dataclass(frozen=True, slots=True)
class Member:
    """A field of a struct: its schema and where its value comes from."""

    name: str
    schema: Schema
    node: Node


def call(function: Callable[..., Any], *arguments: Scalar) -> Const | Call:
    """What ``function`` gives for these values; computed now where all are constant."""
    if all(isinstance(argument, Const) for argument in arguments):
        return Const(function(*(argument.value for argument in arguments if isinstance(argument, Const))))
    return Call(function, arguments)


def members(schema: Schema, node: Node) -> list[Member]:
    """The fields of a struct that is not null."""
    if isinstance(node, Struct):
        return [Member(f.name, f.schema, child) for f, child in zip(schema.fields, node.nodes, strict=True)]
    return [Member(field.name, field.schema, _item(node, field.name)) for field in schema.fields]


def member(schema: Schema, node: Node, name: str) -> Member | None:
    """One field of a struct; of a null struct, null. None where there is no such field."""
    for index, field in enumerate(schema.fields):
        if field.name == name:
            child = node.nodes[index] if isinstance(node, Struct) else _item(node, name)
            return Member(name, field.schema, child)
    return None


def struct_of(schema: Schema, fields: Sequence[Member]) -> tuple[Schema, Struct]:
    """A struct of ``fields``, not null; ``schema`` gives all else of its schema. Raises `TransformError`."""
    return with_fields(schema, fields), Struct(tuple(field.node for field in fields))


def with_fields(schema: Schema, fields: Sequence[Member]) -> Schema:
    """A required struct schema with the name, version, doc and parameters of ``schema``; Connect's ``SchemaUtil``.

    Raises `TransformError` where two fields have one name.
    """
    seen: set[str] = set()
    for field in fields:
        if field.name in seen:
            raise TransformError(f"there would be two fields {field.name!r} in {schema.name or 'the struct'}")
        seen.add(field.name)
    return Schema(
        Type.STRUCT,
        name=schema.name,
        version=schema.version,
        doc=schema.doc,
        parameters=schema.parameters,
        fields=tuple(Field(field.name, field.schema) for field in fields),
    )


def or_default(field: Member) -> Node:
    """The field's value, its default where it is null: Connect's ``Struct.get``."""
    schema, node = field.schema, field.node
    if schema.default is None or isinstance(node, Struct) or not may_be_null(schema, node):
        return node
    return call(OrDefault(schema.default), node)


def may_be_null(schema: Schema | None, node: Node) -> bool:
    """Whether it can't be told from the shape alone that a value is not null."""
    match node:
        case Const(value):
            return value is None
        case Struct():
            return False
        case _:
            return schema is None or schema.optional


def is_absent(schema: Schema | None, node: Node, ask: Ask) -> bool:
    """Whether a value is null; asks where that shows only when it is there."""
    if isinstance(node, Const) or not may_be_null(schema, node):
        return may_be_null(schema, node)
    absent: bool = ask(call(is_null, whole(schema, node)))
    return absent


def is_null(value: Any) -> bool:
    """For `Call`."""
    return value is None


def whole(schema: Schema | None, node: Node) -> Scalar:
    """The value as one, a struct as a dict."""
    if not isinstance(node, Struct):
        return node
    assert schema is not None  # noqa: S101 - a struct has one
    names = tuple(field.name for field in schema.fields)
    children = (whole(field.schema, child) for field, child in zip(schema.fields, node.nodes, strict=True))
    return call(Together(names), *children)


def evaluate(schema: Schema | None, node: Node, slots: Mapping[str, Any]) -> Any:
    """The value of a node, given those of the slots. Raises what its calls raise."""
    match node:
        case Const(value):
            return value
        case Slot(name):
            return slots[name]
        case Call(function, arguments):
            return function(*(evaluate(None, argument, slots) for argument in arguments))
        case Struct(nodes):
            assert schema is not None  # noqa: S101 - a struct has one
            fields = zip(schema.fields, nodes, strict=True)
            return {field.name: evaluate(field.schema, child, slots) for field, child in fields}


def _item(node: Node, name: str) -> Node:
    if isinstance(node, Const):
        return NULL if node.value is None else Const(node.value.get(name))
    assert not isinstance(node, Struct)  # noqa: S101 - its nodes are at hand
    return Call(Item(name), (node,))


@dataclass(frozen=True, slots=True)
class Item:
    """Takes a field out of a dict; null out of null."""

    name: str

    def __call__(self, value: dict[str, Any] | None) -> Any:
        """The field's value."""
        return None if value is None else value.get(self.name)


@dataclass(frozen=True, slots=True)
class OrDefault:
    """Puts a default in place of null."""

    default: Any

    def __call__(self, value: Any) -> Any:
        """The value, or the default."""
        return self.default if value is None else value


@dataclass(frozen=True, slots=True)
class Together:
    """Makes a struct of its fields' values."""

    names: tuple[str, ...]

    def __call__(self, *values: Any) -> dict[str, Any]:
        """The dict."""
        return dict(zip(self.names, values, strict=True))
