"""The code that writes a table's rows as JSON.

A message is a sequence of pieces of bytes, in the order of the schema's fields: constant ones, folded when planned;
those of a log event, joined once for all its rows; and those of a row. A struct of columns is one piece, an
``orjson.dumps`` of a dict display, so that per row remain as many calls as there are such structs, and one ``join``:

    join((k1_, dumps({'id': a0, 'name': a1}), e3_, dumps(row), e5_))
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import Any

import orjson

from headwater.converter import CALLS_ARE_SLOTS, Scope
from headwater.converters.decimal_text import decimal_base64
from headwater.converters.expected import INTEGER_BITS
from headwater.converters.json_values import JsonValues, dumps
from headwater.converters.pieces import Pieces
from headwater.java_double import non_finite
from headwater.record import DECIMAL, Schema, Type
from headwater.shape import Call, Const, Node, Slot, Stage, Struct, stage_of


def _is_columns(node: Struct) -> bool:
    """Whether most fields are columns, so that one dict display beats a piece for each field."""
    columns = sum(isinstance(child, Slot) and child.stage is Stage.ROW for child in node.nodes)
    return columns > sum(stage_of(child) is not Stage.ROW for child in node.nodes)


class JsonCode:
    """Writes the expression of one key, value or header."""

    def __init__(self, values: JsonValues, scope: Scope) -> None:
        self._values = values
        self._scope = scope
        self._pieces = Pieces(scope)

    def expression(self, schema: Schema, node: Node, before: bytes, after: bytes) -> str:
        """The bytes of ``node`` between constant ones."""
        self._pieces.constant(before)
        self._write(schema, node)
        self._pieces.constant(after)
        return self._pieces.joined()

    def _write(self, schema: Schema, node: Node) -> None:
        match node:
            case Const(value):
                self._pieces.constant(dumps(self._values.writer(schema)(value)))
            case Slot(name, stage):
                self._pieces.computed(stage, f"{self._dumps(schema, node)}({self._slot(schema, name)})")
            case Struct() if _is_columns(node):
                self._pieces.computed(Stage.ROW, f"{self._dumps(schema, node)}({self._display(schema, node)})")
            case Struct():
                self._write_fields(schema, node)

    def _write_fields(self, schema: Schema, node: Struct) -> None:
        """A struct field by field."""
        before = b"{"
        for field, child in zip(schema.fields, node.nodes, strict=True):
            self._pieces.constant(before + dumps(field.name) + b":")
            self._write(field.schema, child)
            before = b","
        self._pieces.constant(b"}" if schema.fields else b"{}")

    def _dumps(self, schema: Schema, node: Node) -> str:
        """orjson's ``dumps``, or the slower one where a name or constant is known to need it."""
        try:
            orjson.dumps(self._known(schema, node))
        except orjson.JSONEncodeError:
            return self._scope.bind(dumps)
        return self._scope.bind(orjson.dumps)

    def _known(self, schema: Schema, node: Node) -> Any:
        """What is known of the JSON of ``node``."""
        match node:
            case Const(value):
                return self._values.writer(schema)(value)
            case Slot():
                return self._values.schema(schema)
            case Struct(nodes):
                members = zip(schema.fields, nodes, strict=True)
                return {field.name: self._known(field.schema, child) for field, child in members}
            case Call():
                raise TypeError(CALLS_ARE_SLOTS)

    def _display(self, schema: Schema, node: Struct) -> str:
        """A struct as a dict display that orjson writes."""
        members = (
            f"{field.name!r}: {self._member(field.schema, child)}"
            for field, child in zip(schema.fields, node.nodes, strict=True)
        )
        return f"{{{', '.join(members)}}}"

    def _member(self, schema: Schema, node: Node) -> str:
        match node:
            case Const(value):
                written = self._values.writer(schema)(value)
                return "None" if written is None else self._scope.bind(written)
            case Slot(name):
                return self._slot(schema, name)
            case Struct():
                return self._display(schema, node)
            case Call():
                raise TypeError(CALLS_ARE_SLOTS)

    def _slot(self, schema: Schema, name: str) -> str:
        """A slot as orjson writes it."""
        present = self._present(schema, name)
        if not schema.optional:
            return present
        absent = self._values.absent(schema)
        if absent is not None:
            return f"({self._scope.bind(absent)} if {name} is None else {present})"
        return present if present == name else f"(None if {name} is None else {present})"

    def _present(self, schema: Schema, name: str) -> str:
        """A slot that isn't null; calls are spared where an operator does."""
        bind = self._scope.bind
        if schema.name == DECIMAL:
            if not self._values.numeric_decimals:
                return f"{bind(decimal_base64)}({name})"
        else:
            if schema.type in INTEGER_BITS or schema.type in (Type.STRING, Type.BOOLEAN):
                return name
            if schema.type is Type.FLOAT64:
                return f"({name} if {name} - {name} == 0 else {bind(non_finite)}({name}))"
            if schema.type is Type.BYTES:
                return f"{bind(b2a_base64)}({name}, newline=False).decode()"
        return f"{bind(self._values.present(schema))}({name})"
