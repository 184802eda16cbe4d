"""Random schemas of Kafka Connect, values of them, and messages that hold such values, for Hypothesis."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from hypothesis import strategies as st

from headwater.converter import Converter
from headwater.plan import Converters, plan
from headwater.record import DECIMAL, Field, Schema, Type
from headwater.shape import NULL, Const, EventShape, MessageShape, Node, ReaderCode, Slot, Stage, Struct

_HOSTILE = st.sampled_from(['"', "'", "\\", "\n", "{", "}", "{}", '"""', "%s", "é", "😀", "\u2028", "\x00"])
_INTEGERS = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 64}

text = st.text(max_size=8) | st.lists(_HOSTILE, min_size=1, max_size=4).map("".join)
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
surrogates = st.text(st.characters(categories=("Cs", "Lu")), min_size=1, max_size=4).filter(
    lambda text: not _PAIR.search(text)  # two halves that Java would take for a character
)
names = text.filter(bool) | surrogates


def _floats(width: Literal[32, 64]) -> st.SearchStrategy[float]:
    """Floats with one NaN among them: the references are asked in JSON, which has a word but no bits for it."""
    return st.floats(width=width).map(lambda value: math.nan if math.isnan(value) else value)


def _scalars(schema: Schema) -> st.SearchStrategy[Any]:
    if schema.name == DECIMAL:
        return st.integers(-(10**30), 10**30)
    if schema.type in _INTEGERS:
        limit = 2 ** (_INTEGERS[schema.type] - 1)
        return st.integers(-limit, limit - 1)
    return {
        Type.FLOAT32: _floats(32),
        Type.FLOAT64: _floats(64),
        Type.BOOLEAN: st.booleans(),
        Type.STRING: text,
        Type.BYTES: st.binary(max_size=8),
    }[schema.type]


def values(schema: Schema) -> st.SearchStrategy[Any]:
    """Connect values of ``schema``, null among them where it is optional."""
    match schema.type:
        case Type.ARRAY:
            assert schema.value_schema is not None
            present = st.lists(values(schema.value_schema), max_size=3)
        case Type.MAP:
            assert schema.key_schema is not None
            assert schema.value_schema is not None
            # Java takes NaN for equal to NaN, so a map of its has that key once.
            keys = values(schema.key_schema).filter(lambda key: key == key)
            present = st.dictionaries(keys, values(schema.value_schema), max_size=3)
        case Type.STRUCT:
            present = st.fixed_dictionaries({field.name: values(field.schema) for field in schema.fields})
        case _:
            present = _scalars(schema)
    return st.none() | present if schema.optional else present


@st.composite
def _described(draw: st.DrawFn, schema: Schema) -> Schema:
    """``schema`` with what describes it, and sometimes a default."""
    described = Schema(
        schema.type,
        draw(st.booleans()),
        schema.name or draw(st.none() | text),
        draw(st.none() | st.integers(1, 9)),
        draw(st.none() | text),
        schema.parameters or tuple(draw(st.dictionaries(names, text, max_size=2)).items()),
        None,
        schema.fields,
        schema.key_schema,
        schema.value_schema,
    )
    if _has_struct(schema) or draw(st.booleans()):
        return described
    default = draw(values(described))
    return Schema(*(default if name == "default" else getattr(described, name) for name in Schema.__slots__))


def _has_struct(schema: Schema | None) -> bool:
    if schema is None:
        return False
    return schema.type is Type.STRUCT or _has_struct(schema.key_schema) or _has_struct(schema.value_schema)


def _decimal(scale: int) -> Schema:
    return Schema(Type.BYTES, name=DECIMAL, version=1, parameters=(("scale", str(scale)),))


_PLAIN = st.sampled_from([kind for kind in Type if kind not in (Type.ARRAY, Type.MAP, Type.STRUCT)])
_SCALARS = (_PLAIN.map(Schema) | st.integers(-5, 25).map(_decimal)).flatmap(_described)


def _structs(members: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    fields = st.dictionaries(names, members, max_size=6)
    return fields.map(lambda found: Schema(Type.STRUCT, fields=tuple(Field(*item) for item in found.items())))


def _composed(members: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    arrays = members.map(lambda items: Schema(Type.ARRAY, value_schema=items))
    maps = st.tuples(_SCALARS, members).map(lambda pair: Schema(Type.MAP, key_schema=pair[0], value_schema=pair[1]))
    return (_structs(members) | arrays | maps).flatmap(_described)


schemas = st.recursive(_SCALARS, _composed, max_leaves=12)
"""Schemas of every type, nested. No struct has a default, nor has what contains one."""

schemaless = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | _floats(64) | text | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text | st.integers(0, 9), inner, max_size=3),
    max_leaves=8,
)
"""Values that need no schema."""


@dataclass
class Planned:
    """A value as a shape describes it, and one log event: a slot's values, by row where it is a column."""

    schema: Schema
    node: Node
    event: dict[str, Any] = field(default_factory=dict)
    rows: Sequence[dict[str, Any]] = ()

    def values(self) -> list[Any]:
        """The value of each row."""
        return [_value(self.schema, self.node, self.event | row) for row in self.rows]

    def arguments(self) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
        """What `code`'s function takes."""
        return tuple(self.event.values()), [tuple(row.values()) for row in self.rows]

    def code(self, used: frozenset[str]) -> ReaderCode:
        """`headwater.shape.Reader.code`."""
        row = f"{', '.join(self.rows[0])}, = columns" if self.rows[0] else "pass"
        event = [f"{', '.join(self.event)}, = event"] if self.event else []
        return ReaderCode(("event", "row_values"), event, "for columns in row_values:", [row])


def _value(schema: Schema, node: Node, slots: dict[str, Any]) -> Any:
    match node:
        case Const(value):
            return value
        case Slot(name):
            return slots[name]
        case Struct(nodes):
            members = zip(schema.fields, nodes, strict=True)
            return {field.name: _value(field.schema, child, slots) for field, child in members}


@st.composite
def planned(draw: st.DrawFn) -> Planned:
    """Any schema, each part of its value known at any stage."""
    found = Planned(draw(schemas), Const(None), {}, [{} for _ in range(draw(st.integers(1, 3)))])

    def node(schema: Schema) -> Node:
        if schema.type is Type.STRUCT and draw(st.integers(0, 4)):
            return Struct(tuple(node(field.schema) for field in schema.fields))
        stage = draw(st.sampled_from([Stage.TABLE, Stage.EVENT, Stage.ROW, Stage.ROW]))
        if stage is Stage.TABLE:
            return Const(draw(values(schema)))
        slot = Slot(f"a{len(found.event) + len(found.rows[0])}", stage)
        for slots in (found.event,) if stage is Stage.EVENT else found.rows:
            slots[slot.name] = draw(values(schema))
        return slot

    found.node = node(found.schema)
    return found


def run_planned(case: Planned, converter: Converter) -> list[bytes | None]:
    """The values of the messages that the planned function gives."""
    message = MessageShape("topic", None, NULL, case.schema, case.node)
    shape = EventShape("table", "create", case, (message,))
    function = plan(shape, Converters(converter, converter, converter)).function
    return [each[3] for each in function(*case.arguments())]


def every_schema(schema: Schema) -> Iterator[Schema]:
    """A schema and all within it."""
    yield schema
    for inner in (schema.key_schema, schema.value_schema, *(member.schema for member in schema.fields)):
        if inner is not None:
            yield from every_schema(inner)


def types(schema: Schema) -> set[Type]:
    """The types of a schema and all within it."""
    return {each.type for each in every_schema(schema)}
