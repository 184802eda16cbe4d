"""``EnforceRecordSize``: cuts long texts and bytes of rows that would make a message too large.

The size is Debezium's estimate of what a record takes in Java's memory, without its offset. Of what is too much, each
column gives a share in proportion to its length; text is cut between characters.

Source: ``io.debezium.transforms.EnforceRecordSize`` and ``io.debezium.util.ApproximateStructSizeCalculator`` (Debezium
3.6).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from headwater.config import REQUIRED, Config, ConfigDef, Importance, Option, OptionType, at_least
from headwater.record import DECIMAL, Schema, Type
from headwater.shape import Const, MessageShape, Node, Struct
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.operand import operand, with_operand
from headwater.tree import Member, Scalar, call, is_absent, member, members, or_default, whole

_ROWS = ("before", "after")


def _positive(ratio: float | None) -> str | None:
    return None if ratio is None or 0 < ratio < math.inf else "Must be a positive number"


OPTIONS = ConfigDef(
    Option(
        "max.bytes",
        OptionType.INT,
        REQUIRED,
        "The largest size of a message, in bytes.",
        Importance.HIGH,
        at_least(1),
        label="Maximum record size",
    ),
    Option(
        "compression.ratio",
        OptionType.DOUBLE,
        1.0,
        "What the estimated size is multiplied by before it is compared: 0.5 where half of it is what is sent.",
        Importance.MEDIUM,
        _positive,
        label="Compression ratio",
    ),
    Option(
        "min.field.size",
        OptionType.INT,
        25_000,
        "Columns that are not longer are not cut.",
        Importance.MEDIUM,
        at_least(0),
        label="Minimum field size",
    ),
)
_STRUCT, _STRING, _BYTES, _ARRAY, _MAP, _NUMBER, _REFERENCE, _HEADER, _TIMESTAMP = 56, 56, 24, 64, 88, 24, 8, 100, 8
"""What is counted for each, besides its content."""


def create(options: Mapping[str, str], part: Part | None) -> EnforceRecordSize:  # noqa: ARG001 - there is one form
    """The transform. Raises `headwater.config.ConfigError`."""
    return EnforceRecordSize(OPTIONS.parse(options))


class EnforceRecordSize:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config) -> None:
        self._most: int = config["max.bytes"]
        self._ratio: float = config["compression.ratio"]
        self._least: int = config["min.field.size"]

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        value = operand(message, Part.VALUE)
        if value.schema is None or value.schema.type is not Type.STRUCT or value.is_absent(ask):
            return message
        excess = call(_Excess(self._most, self._ratio), _size_of(message))
        if not ask(call(_is_positive, excess)):
            return message
        rows = [self._cuttable(value.schema, value.node, name, ask) for name in _ROWS]
        fields = [field for row in rows for field in row]
        nodes = [whole(field.schema, or_default(field)) for field in fields]
        if not nodes:
            return message
        cut = call(_Cut(self._least, len(rows[0])), excess, *nodes)
        changed = iter([call(itemgetter(number), cut) for number in range(len(nodes))])
        envelope = members(value.schema, value.node)
        for name, row in zip(_ROWS, rows, strict=True):
            texts = {field.name: next(changed) for field in row}
            envelope = [_with_texts(field, texts) if field.name == name and texts else field for field in envelope]
        return with_operand(message, Part.VALUE, value.schema, Struct(tuple(field.node for field in envelope)))

    @staticmethod
    def _cuttable(schema: Schema, node: Node, name: str, ask: Ask) -> list[Member]:
        """The columns of a row that may be cut."""
        row = member(schema, node, name)
        if row is None or row.schema.type is not Type.STRUCT or is_absent(row.schema, row.node, ask):
            return []
        return [
            field
            for field in members(row.schema, row.node)
            if field.schema.type in (Type.STRING, Type.BYTES) and field.schema.name != DECIMAL
        ]


def _with_texts(row: Member, texts: Mapping[str, Scalar]) -> Member:
    """A row with other texts in some of its fields; where they were not cut, the fields' own values."""
    fields = members(row.schema, row.node)
    nodes = [
        call(_keep, whole(field.schema, field.node), texts[field.name]) if field.name in texts else field.node
        for field in fields
    ]
    return replace(row, node=Struct(tuple(nodes)))


def _keep(value: Any, cut: Any) -> Any:
    return value if cut is None else cut


def _is_positive(excess: int) -> bool:
    return excess > 0


@dataclass(frozen=True, slots=True)
class _Excess:
    """How many bytes an estimated size is too large."""

    most: int
    ratio: float

    def __call__(self, size: int) -> int:
        return math.ceil(size * self.ratio) - self.most


@dataclass(frozen=True, slots=True)
class _Cut:
    """Cuts the values of two rows, ``first`` of them those of the first, and gives None for each that stays.

    ``least`` is the length above which a value is cut.
    """

    least: int
    first: int

    def __call__(self, excess: int, *values: str | bytes | None) -> list[str | bytes | None]:
        lengths = [0 if value is None else _length(value) for value in values]
        lengths = [length if length > self.least else 0 for length in lengths]
        total = sum(lengths)
        cut: list[str | bytes | None] = []
        for row in (slice(None, self.first), slice(self.first, None)):
            of_row = sum(lengths[row])
            share = math.ceil(of_row / total * excess) if total else 0
            for value, length in zip(values[row], lengths[row], strict=True):
                left = max(0, length - math.ceil(length / of_row * share)) if length else 0
                cut.append(_beginning(value, left) if value is not None and length else None)
        return cut


def _length(value: str | bytes) -> int:
    """Bytes, or UTF-16 units as Java counts them."""
    if isinstance(value, bytes) or value.isascii():
        return len(value)
    return len(_utf16(value)) // 2


def _beginning(value: str | bytes, length: int) -> str | bytes:
    """The first of its bytes, or of its UTF-16 units but no half of a character."""
    if isinstance(value, bytes) or value.isascii():
        return value[:length]
    cut = _utf16(value)[: 2 * length].decode("utf-16-le", "surrogatepass")
    return cut[:-1] if "\ud800" <= cut[-1:] < "\udc00" else cut


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


_Measure = Callable[[Any], int]


def _size_of(message: MessageShape) -> Scalar:
    """The estimated size of a message."""
    if message.key_schema is not None and message.key_schema.type is not Type.STRUCT:
        raise TransformError("the size is known of messages whose key is a struct only")
    known = len(message.headers) * _HEADER + _TIMESTAMP + len(message.topic.encode())
    parts = [*_parts(message.key_schema, message.key), *_parts(message.value_schema, message.value)]
    known += sum(part for part in parts if isinstance(part, int))
    unknown = [part for part in parts if not isinstance(part, int)]
    return call(_Sum(known, tuple(measure for measure, _ in unknown)), *(node for _, node in unknown))


def _parts(schema: Schema | None, node: Node) -> list[int | tuple[_Measure, Scalar]]:
    """What a value takes: numbers where that is known, and functions of what is not."""
    if schema is None:
        return []
    match node:
        case Const(value):
            return [_measure(schema)(value)]
        case Struct(nodes):
            inner = [
                part for field, child in zip(schema.fields, nodes, strict=True) for part in _parts(field.schema, child)
            ]
            return [_STRUCT + _REFERENCE * len(nodes), *inner]
        case _:
            measure = _measure(schema)
            return [_NUMBER] if measure is _number else [(measure, node)]


@dataclass(frozen=True, slots=True)
class _Sum:
    """Adds up what values take to what is known."""

    known: int
    measures: tuple[_Measure, ...]

    def __call__(self, *values: Any) -> int:
        return self.known + sum(measure(value) for measure, value in zip(self.measures, values, strict=True))


def _measure(schema: Schema) -> _Measure:
    """The function that says what a value of this schema takes."""
    match schema.type:
        case Type.STRING:
            return _string
        case Type.BYTES:
            return _decimal if schema.name == DECIMAL else _bytes
        case Type.STRUCT:
            return _Struct(tuple((field.name, _measure(field.schema)) for field in schema.fields))
        case Type.ARRAY:
            return _Array(_measure_of(schema.value_schema))
        case Type.MAP:
            return _Map(_measure_of(schema.key_schema), _measure_of(schema.value_schema))
        case _:
            return _number


def _measure_of(schema: Schema | None) -> _Measure:
    assert schema is not None  # noqa: S101 - arrays and maps have those of their members
    return _measure(schema)


def _number(_value: Any) -> int:
    return _NUMBER


def _string(value: str | None) -> int:
    if value is None:
        return 0
    return _STRING + (len(value) if value.isascii() else len(value.encode("utf-8", "replace")))


def _bytes(value: bytes | None) -> int:
    return 0 if value is None else _BYTES + len(value)


def _decimal(unscaled: int | None) -> int:
    return 0 if unscaled is None else _BYTES + (unscaled if unscaled >= 0 else ~unscaled).bit_length() // 8 + 1


@dataclass(frozen=True, slots=True)
class _Struct:
    fields: Sequence[tuple[str, _Measure]]

    def __call__(self, value: Mapping[str, Any] | None) -> int:
        if value is None:
            return 0
        return _STRUCT + sum(_REFERENCE + measure(value.get(name)) for name, measure in self.fields)


@dataclass(frozen=True, slots=True)
class _Array:
    element: _Measure

    def __call__(self, value: Sequence[Any] | None) -> int:
        return 0 if value is None else _ARRAY + sum(_REFERENCE + self.element(each) for each in value)


@dataclass(frozen=True, slots=True)
class _Map:
    key: _Measure
    value: _Measure

    def __call__(self, value: Mapping[Any, Any] | None) -> int:
        if value is None:
            return 0
        return _MAP + sum(2 * _REFERENCE + self.key(name) + self.value(each) for name, each in value.items())
