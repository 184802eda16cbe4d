"""The code that writes a table's rows in Avro.

Avro has neither names nor separators, so a message is its values one behind the other: constant ones, folded when
planned; those of a log event, joined once for all its rows; and a call for each column:

    join((k1_, some_string(a1), e3_, some_long(a2) if a2 is not None else k4_, k5_))
"""

from __future__ import annotations

from headwater.converter import CALLS_ARE_SLOTS, ConversionError, Scope
from headwater.converters.avro import binary
from headwater.converters.avro.schema import AvroSchema, Kind
from headwater.converters.avro.values import AvroValues, default_of, null, pack_double, pack_float
from headwater.converters.decimal_text import decimal_bytes
from headwater.converters.pieces import Pieces
from headwater.record import DECIMAL, Schema, Type
from headwater.shape import Call, Const, Node, Slot, Stage, Struct

_SOME = b"\x02"
"""The number of a union's second branch."""


class AvroCode:
    """Writes the expression of one key or value."""

    def __init__(self, values: AvroValues, scope: Scope) -> None:
        self._values = values
        self._scope = scope
        self._pieces = Pieces(scope)

    def expression(self, schema: Schema, avro: AvroSchema, node: Node, header: bytes) -> str:
        """The bytes of ``node`` behind the message's header; None in a row where a whole key or value is null."""
        self._pieces.constant(header)
        if not isinstance(node, Slot):
            self._write(schema, avro, node)
            return self._pieces.joined()
        self._pieces.computed(Stage.ROW if schema.optional else node.stage, self._top(schema, avro, node.name))
        message = self._pieces.joined()
        return f"(None if {node.name} is None else {message})" if schema.optional else message

    def _top(self, schema: Schema, avro: AvroSchema, name: str) -> str:
        """A whole key or value that is one slot: bytes stand there as they are."""
        if avro.kind is not Kind.BYTES:
            prefix, branch = self._values.branch(schema, avro)
            return self._present(schema, branch, prefix, name)
        return f"{self._scope.bind(decimal_bytes)}({name})" if schema.name == DECIMAL else name

    def _write(self, schema: Schema, avro: AvroSchema, node: Node) -> None:
        match node:
            case Const(value):
                self._pieces.constant(self._values.writer(schema, avro)(value))
            case Slot(name, stage):
                self._pieces.computed(stage, self._slot(schema, avro, name))
            case Struct():
                self._write_record(schema, avro, node)
            case Call():
                raise TypeError(CALLS_ARE_SLOTS)

    def _write_record(self, schema: Schema, avro: AvroSchema, node: Struct) -> None:
        prefix, record = self._values.branch(schema, avro)
        self._pieces.constant(prefix)
        nodes = dict(zip((field.name for field in schema.fields), node.nodes, strict=True))
        for member, field in self._values.members(schema, record):
            if field is None:
                self._pieces.constant(default_of(member))
                continue
            child = nodes[field.name]
            if child == Const(None):
                child = Const(field.schema.default)
            try:
                self._write(field.schema, member.schema, child)
            except ConversionError as error:
                raise ConversionError(f"{field.name}: {error}") from None

    def _slot(self, schema: Schema, avro: AvroSchema, name: str) -> str:
        """A field's slot. One whose schema is required is trusted to hold no null."""
        prefix, branch = self._values.branch(schema, avro)
        present = self._present(schema, branch, prefix, name)
        if not schema.optional:
            return present
        default = schema.default
        absent = null(avro) if default is None else self._values.writer(schema, avro)(default)
        if absent is None:
            raise ConversionError("may be null, which the schema in the registry has no place for")
        return f"({self._scope.bind(absent)} if {name} is None else {present})"

    def _present(self, schema: Schema, avro: AvroSchema, prefix: bytes, name: str) -> str:
        """A slot that isn't null, behind the number of its branch."""
        bind = self._scope.bind
        match avro.kind:
            case Kind.BOOLEAN:
                true, false = bind(prefix + b"\x01"), bind(prefix + b"\x00")
                return f"({true} if {name} else {false})"
            case Kind.FLOAT | Kind.DOUBLE:
                written = f"{bind(pack_float if avro.kind is Kind.FLOAT else pack_double)}({name})"
            case Kind.INT | Kind.LONG if prefix == _SOME:
                return f"{bind(binary.some_long)}({name})"
            case Kind.INT | Kind.LONG:
                written = f"{bind(binary.long)}({name})"
            case Kind.STRING if prefix == _SOME:
                return f"{bind(binary.some_string)}({name})"
            case Kind.STRING:
                written = f"{bind(binary.string)}({name})"
            case Kind.BYTES if schema.name == DECIMAL and prefix == _SOME:
                return f"{bind(binary.some_decimal)}({name})"
            case Kind.BYTES if schema.name == DECIMAL:
                written = f"{bind(binary.decimal)}({name})"
            case Kind.BYTES if schema.type is Type.BYTES and prefix == _SOME:
                return f"{bind(binary.some_octets)}({name})"
            case Kind.BYTES if schema.type is Type.BYTES:
                written = f"{bind(binary.octets)}({name})"
            case _:
                written = f"{bind(self._values.present(schema, avro))}({name})"
        return f"{bind(prefix)} + {written}" if prefix else written
