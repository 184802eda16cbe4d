"""The code that writes a table's rows in Protobuf.

A message is its fields one behind the other: constant ones, folded when planned; those of a log event, joined once for
all its rows; and an expression for each column. What is within a message is joined first, because its length stands
before it:

    join((k1_, delimited(k2_, join((k3_ + varint(a0) if a0 else b'', e3_))), e4_))
"""

from __future__ import annotations

from headwater.converter import ConversionError, Scope
from headwater.converters.expected import INTEGER_BITS
from headwater.converters.pieces import Pieces
from headwater.converters.protobuf import wire
from headwater.converters.protobuf.connect_schema import Mapping
from headwater.converters.protobuf.schema import ProtoField, ProtoMessage
from headwater.converters.protobuf.values import SCALARS, ProtoValues, pack_double, pack_float
from headwater.converters.protobuf.well_known import LOGICAL
from headwater.record import Schema, Type
from headwater.shape import Const, Node, Slot, Stage, Struct, stage_of


class ProtoCode:
    """Writes the expression of one key or value."""

    def __init__(self, mapping: Mapping, values: ProtoValues, scope: Scope) -> None:
        self._mapping = mapping
        self._values = values
        self._scope = scope

    def expression(self, schema: Schema, message: ProtoMessage, node: Node, header: bytes) -> str:
        """The bytes of ``node`` behind the message's header; None in a row where a whole key or value is null."""
        pieces = Pieces(self._scope)
        pieces.constant(header)
        if isinstance(node, Struct):
            self._write_fields(pieces, schema, message, node)
            return pieces.joined()
        assert isinstance(node, Slot)  # noqa: S101 - `RegistryConverter.plan` writes constants
        content = f"{self._scope.bind(self._values.message(schema, message))}({node.name})"
        pieces.computed(Stage.ROW if schema.optional else node.stage, content)
        joined = pieces.joined()
        return f"(None if {node.name} is None else {joined})" if schema.optional else joined

    def _write_fields(self, pieces: Pieces, schema: Schema, message: ProtoMessage, node: Struct) -> None:
        for field, proto, child in zip(schema.fields, message.fields, node.nodes, strict=True):
            try:
                self._write(pieces, field.schema, proto, child)
            except ConversionError as error:
                raise ConversionError(f"{field.name}: {error}") from None

    def _write(self, pieces: Pieces, schema: Schema, proto: ProtoField, node: Node) -> None:
        match node:
            case Const(value):
                pieces.constant(self._values.field(schema, proto)(schema.default if value is None else value))
            case Slot(name, stage):
                pieces.computed(stage, self._slot(schema, proto, name))
            case Struct():
                self._write_message(pieces, schema, proto, node)

    def _write_message(self, pieces: Pieces, schema: Schema, proto: ProtoField, node: Struct) -> None:
        """A struct within another."""
        assert proto.message is not None  # noqa: S101 - the translation defines it
        begin = wire.tag(proto.number, wire.LEN)
        inner = Pieces(self._scope)
        self._write_fields(inner, schema, proto.message, node)
        if inner.known is not None:
            pieces.constant(wire.delimited(begin, inner.known))
        else:
            content = f"{self._scope.bind(wire.delimited)}({self._scope.bind(begin)}, {inner.joined()})"
            pieces.computed(stage_of(node), content)

    def _slot(self, schema: Schema, proto: ProtoField, name: str) -> str:
        """A field's slot. One whose schema is required is trusted to hold no null."""
        if schema.type not in SCALARS or schema.name in LOGICAL or self._mapping.is_wrapped(schema):
            present = f"{self._scope.bind(self._values.field(schema, proto))}({name})"
        else:
            present = self._scalar(schema, proto, name)
        if schema.default is None:
            return present
        default = self._scope.bind(self._values.field(schema, proto)(schema.default))
        return f"({default} if {name} is None else {present})"

    def _scalar(self, schema: Schema, proto: ProtoField, name: str) -> str:
        """A scalar, or nothing; calls are spared where an operator does."""
        bind = self._scope.bind
        encoding = SCALARS[schema.type].encoding
        begin = bind(wire.tag(proto.number, encoding))
        match schema.type:
            case Type.BOOLEAN:
                true, false = (bind(wire.tag(proto.number, encoding) + flag) for flag in (b"\x01", b"\x00"))
                written = f"({true} if {name} else {false})" if proto.label == "optional" else true
            case Type.FLOAT32 | Type.FLOAT64:
                packed = f"{bind(pack_float if schema.type is Type.FLOAT32 else pack_double)}({name})"
                if proto.label != "optional":
                    nonzero = f"{bind(wire.nonzero)}({begin}, {packed})"
                    return f"(b'' if {name} is None else {nonzero})" if schema.optional else nonzero
                written = f"{begin} + {packed}"
            case Type.STRING:
                written = f"{begin} + {bind(wire.string)}({name})"
            case Type.BYTES:
                written = f"{begin} + {bind(wire.octets)}({name})"
            case _:
                assert schema.type in INTEGER_BITS  # noqa: S101 - all others are above
                written = f"{begin} + {bind(wire.varint)}({name})"
        if proto.label == "optional":
            return f"(b'' if {name} is None else {written})"
        return f"({written} if {name} else b'')"
