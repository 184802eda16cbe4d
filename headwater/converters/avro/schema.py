"""Avro schemas: what they consist of, and the text that Avro's Java library gives them.

Registries tell schemas apart by their text, so that it has to be that of ``org.apache.avro.Schema.toString`` (1.11):
members in its order, a named type in full where it comes first and by its name from then on.

Source: Avro's specification (1.11.3), and ``Schema.toJson`` and ``Schema.validateName`` for what it leaves open.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from headwater.converter import ConversionError


class Kind(StrEnum):
    """Avro's types."""

    NULL = "null"
    BOOLEAN = "boolean"
    INT = "int"
    LONG = "long"
    FLOAT = "float"
    DOUBLE = "double"
    BYTES = "bytes"
    STRING = "string"
    RECORD = "record"
    ENUM = "enum"
    ARRAY = "array"
    MAP = "map"
    UNION = "union"
    FIXED = "fixed"


PRIMITIVES = frozenset(list(Kind)[:8])
NAMED = frozenset({Kind.RECORD, Kind.ENUM, Kind.FIXED})

Json = Any
"""What `json` reads, with a `Number` wherever the notation of a number matters."""


class Number(str):
    """A number in JSON as it is to be written."""

    __slots__ = ()


class _NoDefault:
    """The default of a field that has none: null is one."""

    def __repr__(self) -> str:
        return "NO_DEFAULT"


NO_DEFAULT = _NoDefault()


@dataclass(frozen=True, slots=True)
class AvroField:
    """A member of a record. ``default`` is JSON, or `NO_DEFAULT`; ``properties`` are what only others know."""

    name: str
    schema: AvroSchema
    doc: str | None = field(default=None, compare=False)
    default: Json = NO_DEFAULT
    aliases: tuple[str, ...] = ()
    properties: Mapping[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class AvroSchema:
    """One type; which parts it has depends on its kind. Compared as Avro does, which leaves ``doc`` aside.

    ``name``        with its namespace, of a record, enum or fixed
    ``fields``      of a record; they are set after it was made where it contains itself
    ``items``       of an array, or the values of a map
    ``branches``    of a union
    ``properties``  what is no part of Avro, and logical types, in the order in which they are written
    """

    kind: Kind
    name: str = ""
    doc: str | None = field(default=None, compare=False)
    fields: tuple[AvroField, ...] = ()
    symbols: tuple[str, ...] = ()
    default_symbol: str | None = None
    size: int = 0
    items: AvroSchema | None = None
    branches: tuple[AvroSchema, ...] = ()
    aliases: tuple[str, ...] = field(default=(), compare=False)
    properties: dict[str, Json] = field(default_factory=dict)

    @property
    def branch_name(self) -> str:
        """What tells it from the other branches of a union."""
        return self.name or self.kind.value

    def text(self) -> str:
        """As JSON without spaces; half of a surrogate pair, which UTF-8 can't hold, as a question mark."""
        return "".join(_Text().schema(self, None)).encode(errors="replace").decode()

    def find_field(self, name: str) -> AvroField | None:
        """The field of that name, if the record has it."""
        return next((each for each in self.fields if each.name == name), None)


def named(kind: Kind, namespace: str | None, name: str, **parts: Any) -> AvroSchema:
    """A record, enum or fixed. Raises `ConversionError` for a name that Avro doesn't allow."""
    space, dot, simple = name.rpartition(".")
    space = space if dot else namespace or ""
    check_name(simple, "name of a type")
    full = f"{space}.{simple}" if space else simple
    if full in PRIMITIVES:
        raise ConversionError(f"an Avro type can't have the name {full}, which is that of one of Avro's own")
    return AvroSchema(kind, full, **parts)


def check_name(name: str, what: str) -> None:
    """Raises `ConversionError` for what can't be the name of a type, field or symbol."""
    if not name or name[0].isdecimal() or not all(map(_may_stand, name)):
        raise ConversionError(
            f"{name!r} can't be the {what} in Avro: letters, digits and _ may stand there, and no digit at the front. "
            "scrub.invalid.names=true on the converter changes such names"
        )


def _may_stand(letter: str) -> bool:
    """``Character.isLetterOrDigit`` of one of UTF-16's units, and the underscore."""
    return letter == "_" or (letter <= "\uffff" and (letter.isalpha() or letter.isdecimal()))


def record_fields(name: str, fields: Sequence[AvroField]) -> tuple[AvroField, ...]:
    """Fields of one record. Raises `ConversionError` where two have the same name."""
    names: set[str] = set()
    for each in fields:
        if each.name in names:
            raise ConversionError(f"the Avro record {name} would have two fields of the name {each.name}")
        names.add(each.name)
    return tuple(fields)


def is_valid_default(schema: AvroSchema, default: Json) -> bool:
    """Whether JSON stands for a value of the schema; of a union, for one of its first branch."""
    match schema.kind:
        case Kind.NULL:
            return default is None
        case Kind.BOOLEAN:
            return isinstance(default, bool)
        case Kind.INT | Kind.LONG:
            limit = 1 << (31 if schema.kind is Kind.INT else 63)
            return type(default) is int and -limit <= default < limit
        case Kind.FLOAT | Kind.DOUBLE:
            return isinstance(default, Number) or (type(default) in (int, float))
        case Kind.STRING | Kind.BYTES | Kind.ENUM | Kind.FIXED:
            return type(default) is str
        case Kind.ARRAY:
            return isinstance(default, list) and all(is_valid_default(_items(schema), item) for item in default)
        case Kind.MAP:
            return isinstance(default, dict) and all(is_valid_default(_items(schema), v) for v in default.values())
        case Kind.UNION:
            return bool(schema.branches) and is_valid_default(schema.branches[0], default)
        case Kind.RECORD:
            return isinstance(default, dict) and all(
                is_valid_default(each.schema, default.get(each.name, each.default)) for each in schema.fields
            )


def _items(schema: AvroSchema) -> AvroSchema:
    assert schema.items is not None  # noqa: S101 - an array and a map have them
    return schema.items


class _Text:
    """Writes one schema; remembers the named types that it has written."""

    def __init__(self) -> None:
        self._written: dict[str, AvroSchema] = {}

    def schema(self, schema: AvroSchema, space: str | None) -> list[str]:
        """Pieces of JSON; ``space`` is the namespace of the record around it."""
        match schema.kind:
            case Kind.UNION:
                branches = ["".join(self.schema(branch, space)) for branch in schema.branches]
                return ["[", ",".join(branches), "]"]
            case Kind.ARRAY | Kind.MAP:
                member = "items" if schema.kind is Kind.ARRAY else "values"
                inner = "".join(self.schema(_items(schema), space))
                return [f'{{"type":"{schema.kind}","{member}":', inner, *_properties(schema.properties), "}"]
            case Kind.RECORD | Kind.ENUM | Kind.FIXED:
                return self._named(schema, space)
            case _ if not schema.properties:
                return [f'"{schema.kind}"']
            case _:
                return [f'{{"type":"{schema.kind}"', *_properties(schema.properties), "}"]

    def _named(self, schema: AvroSchema, space: str | None) -> list[str]:
        known = self._written.get(schema.name)
        own_space, _, simple = schema.name.rpartition(".")
        if known is not None:
            if known is not schema and known != schema:
                raise ConversionError(f"the Avro type {schema.name} would stand for two different things")
            is_short = bool(own_space) and own_space == space and simple not in set(Kind)
            return [quoted(simple if is_short else schema.name)]
        self._written[schema.name] = schema
        pieces = [f'{{"type":"{schema.kind}","name":{quoted(simple)}']
        if own_space != (space or ""):
            pieces.append(f',"namespace":{quoted(own_space)}')
        if schema.doc is not None:
            pieces.append(f',"doc":{quoted(schema.doc)}')
        match schema.kind:
            case Kind.RECORD:
                fields = ",".join("".join(self._field(each, own_space)) for each in schema.fields)
                pieces.append(f',"fields":[{fields}]')
            case Kind.ENUM:
                pieces.append(f',"symbols":[{",".join(map(quoted, schema.symbols))}]')
                if schema.default_symbol is not None:
                    pieces.append(f',"default":{quoted(schema.default_symbol)}')
            case _:
                pieces.append(f',"size":{schema.size}')
        return [*pieces, *_properties(schema.properties), "}"]

    def _field(self, member: AvroField, space: str) -> list[str]:
        pieces = [f'{{"name":{quoted(member.name)},"type":', *self.schema(member.schema, space)]
        if member.doc is not None:
            pieces.append(f',"doc":{quoted(member.doc)}')
        if member.default is not NO_DEFAULT:
            pieces.append(f',"default":{json_text(member.default)}')
        return [*pieces, *_properties(member.properties), "}"]


def _properties(properties: Mapping[str, Json]) -> list[str]:
    return [f",{quoted(name)}:{json_text(value)}" for name, value in properties.items()]


def json_text(value: Json) -> str:
    """JSON as Jackson writes it."""
    match value:
        case Number():
            return str.__str__(value)
        case str():
            return quoted(value)
        case list():
            return f"[{','.join(map(json_text, value))}]"
        case dict():
            return f"{{{','.join(f'{quoted(name)}:{json_text(member)}' for name, member in value.items())}}}"
        case _:
            return json.dumps(value)


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_ESCAPED = re.compile(r'["\\\x00-\x1f]')


def quoted(text: str) -> str:
    """A string of JSON in Jackson's notation: control characters with capital digits, all else as it is."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04X}"
