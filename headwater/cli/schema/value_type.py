"""The type of a key, a value, or a part of one: of a Connect schema, of documents, or of several of either together."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import reduce
from typing import Any

from headwater.record import DECIMAL, Schema, Type

ZONED_TIMESTAMP = "io.debezium.time.ZonedTimestamp"
UUID = "io.debezium.data.Uuid"
_INTEGERS = (Type.INT8, Type.INT16, Type.INT32, Type.INT64)
_NUMBERS = (*_INTEGERS, Type.FLOAT32, Type.FLOAT64)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value without parts; ``name`` and ``parameters`` are its schema's."""

    type: Type
    name: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()

    def parameter(self, name: str) -> str | None:
        """As `Schema.parameter`."""
        return dict(self.parameters).get(name)


@dataclass(frozen=True, slots=True)
class Member:
    """A field. ``always`` says that it was there whenever its struct was."""

    name: str
    type: ValueType
    always: bool = True


@dataclass(frozen=True, slots=True)
class Struct:
    """Named fields."""

    members: tuple[Member, ...]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Array:
    """Values of one type."""

    items: ValueType


@dataclass(frozen=True, slots=True)
class Map:
    """Values of one type by keys of one type."""

    keys: ValueType
    values: ValueType


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing was seen but null."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Values of types that have nothing in common."""


Kind = Scalar | Struct | Array | Map | Unknown | Anything


@dataclass(frozen=True, slots=True)
class ValueType:
    """What values are, and whether they may be null."""

    kind: Kind
    nullable: bool = False


NULL = ValueType(Unknown(), nullable=True)
_NONE = ValueType(Unknown())
ANYTHING = ValueType(Anything(), nullable=True)
_TEXT = ValueType(Scalar(Type.STRING))
_OBJECT = ValueType(Map(_TEXT, ANYTHING))


def of_schema(schema: Schema | None) -> ValueType:
    """The type that a Connect schema says."""
    if schema is None:
        return ANYTHING
    return ValueType(_kind(schema), schema.optional)


def _kind(schema: Schema) -> Kind:
    match schema.type:
        case Type.STRUCT:
            members = (Member(field.name, of_schema(field.schema)) for field in schema.fields)
            return Struct(tuple(members), schema.name)
        case Type.ARRAY:
            return Array(of_schema(schema.value_schema))
        case Type.MAP:
            return Map(of_schema(schema.key_schema), of_schema(schema.value_schema))
        case _:
            return Scalar(schema.type, schema.name, schema.parameters)


def of_document(value: Any) -> ValueType:
    """The type of what JSON, or MongoDB's extended JSON read by `headwater.inbox.events`, says."""
    match value:
        case None:
            return NULL
        case dict() if len(value) == 1 and next(iter(value)).startswith("$"):
            return _OBJECT  # a type of BSON that JSON has none for
        case dict():
            return ValueType(Struct(tuple(Member(name, of_document(member)) for name, member in value.items())))
        case list():
            return ValueType(Array(merged(map(of_document, value), _NONE)))
        case _:
            return ValueType(_DOCUMENT_SCALARS.get(type(value), Anything()))


_DOCUMENT_SCALARS: dict[type, Scalar] = {
    bool: Scalar(Type.BOOLEAN),
    int: Scalar(Type.INT64),
    float: Scalar(Type.FLOAT64),
    str: Scalar(Type.STRING),
    bytes: Scalar(Type.BYTES),
    Decimal: Scalar(Type.BYTES, DECIMAL),
    datetime: Scalar(Type.STRING, ZONED_TIMESTAMP),
    uuid.UUID: Scalar(Type.STRING, UUID),
}


def merged(types: Iterable[ValueType], first: ValueType = _NONE) -> ValueType:
    """The type of values each of which is of one of these types."""
    return reduce(_merge, types, first)


def _merge(one: ValueType, other: ValueType) -> ValueType:
    return ValueType(_merge_kinds(one.kind, other.kind), one.nullable or other.nullable)


def _merge_kinds(one: Kind, other: Kind) -> Kind:
    match one, other:
        case _ if one == other:
            return one
        case (Unknown(), known) | (known, Unknown()):
            return known
        case Struct(), Struct():
            return Struct(tuple(_merge_members(one.members, other.members)), one.name)
        case Array(), Array():
            return Array(_merge(one.items, other.items))
        case Map(), Map():
            return Map(_merge(one.keys, other.keys), _merge(one.values, other.values))
        case Scalar(), Scalar() if _is_number(one) and _is_number(other):
            return max(one, other, key=lambda each: _NUMBERS.index(each.type))
        case _:
            return Anything()


def _is_number(scalar: Scalar) -> bool:
    return scalar.name is None and scalar.type in _NUMBERS


def _merge_members(one: Iterable[Member], other: Iterable[Member]) -> Iterable[Member]:
    """The members of both, each in the place where it came first."""
    others = {member.name: member for member in other}
    for member in one:
        found = others.pop(member.name, None)
        if found is None:
            yield replace(member, always=False)
        else:
            yield Member(member.name, _merge(member.type, found.type), member.always and found.always)
    yield from (replace(member, always=False) for member in others.values())
