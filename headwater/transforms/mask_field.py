"""``MaskField``: puts a value that says nothing in place of fields' values.

Source: ``org.apache.kafka.connect.transforms.MaskField`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.config import REQUIRED, Config, ConfigDef, Importance, Option, OptionType
from headwater.java_number import float32, parse_decimal, wrapped
from headwater.record import DECIMAL, Schema, Type
from headwater.shape import Const, MessageShape, Node, Struct
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.operand import REPLACE_NULL, not_empty, operand, with_operand
from headwater.tree import Member, call, may_be_null, whole

OPTIONS = ConfigDef(
    Option("fields", OptionType.LIST, REQUIRED, "The fields to mask.", Importance.HIGH, not_empty),
    Option(
        "replacement",
        OptionType.STRING,
        None,
        "What takes the place of text and numbers; without it, empty text and 0.",
        Importance.LOW,
        lambda text: "String must be non-empty" if text == "" else None,
    ),
    REPLACE_NULL,
)
_NOTHING: dict[Type, Any] = {
    Type.BOOLEAN: False,
    Type.INT8: 0,
    Type.INT16: 0,
    Type.INT32: 0,
    Type.INT64: 0,
    Type.FLOAT32: 0.0,
    Type.FLOAT64: 0.0,
    Type.STRING: "",
    Type.ARRAY: [],
    Type.MAP: {},
}
_INTEGER_BITS = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 64}
_DATES = frozenset(f"org.apache.kafka.connect.data.{name}" for name in ("Date", "Time", "Timestamp"))


def create(options: Mapping[str, str], part: Part | None) -> MaskField:
    """The transform. Raises `headwater.config.ConfigError`."""
    return MaskField(OPTIONS.parse(options), part)


class MaskField:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config, part: Part | None) -> None:
        self._part = part
        self._names = frozenset(config["fields"])
        self._replacement: str | None = config["replacement"]
        self._defaults: bool = config["replace.null.with.default"]

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        found = operand(message, self._part)
        if found.is_absent(ask):
            raise TransformError("a null has no fields to mask")
        fields = found.members("masking fields", defaults=self._defaults)
        nodes = tuple(self._masked(field) if field.name in self._names else field.node for field in fields)
        return with_operand(message, self._part, found.schema, Struct(nodes))

    def _masked(self, field: Member) -> Node:
        """What stands there instead; null stays null."""
        try:
            mask = _nothing(field.schema) if self._replacement is None else _replaced(field.schema, self._replacement)
        except ValueError as error:
            return call(_Refuse(f"the field {field.name!r} can't be masked: {error}"), whole(field.schema, field.node))
        if not may_be_null(field.schema, field.node):
            return Const(mask)
        return call(_Mask(mask), whole(field.schema, field.node))


class _Mask:
    """Puts one value in place of all but null."""

    def __init__(self, mask: Any) -> None:
        self._mask = mask

    def __call__(self, value: Any) -> Any:
        return None if value is None else self._mask


class _Refuse:
    """Takes nothing but null."""

    def __init__(self, why: str) -> None:
        self._why = why

    def __call__(self, value: Any) -> None:
        if value is not None:
            raise TransformError(self._why)


def _nothing(schema: Schema) -> Any:
    if schema.name == DECIMAL:
        scale = int(schema.parameter("scale") or 0)
        if scale:  # Java puts 0 there, which has no such scale, and its converters refuse it
            raise ValueError("a Decimal with a scale has no empty value")
        return 0
    if schema.type not in _NOTHING:
        raise ValueError(f"values of type {schema.type} have no empty value")
    return _NOTHING[schema.type]


def _replaced(schema: Schema, text: str) -> Any:
    if schema.type in _INTEGER_BITS and schema.name not in _DATES:
        return wrapped(int(parse_decimal(text)), _INTEGER_BITS[schema.type])
    if schema.type in (Type.FLOAT32, Type.FLOAT64):
        number = float(parse_decimal(text))
        return float32(number) if schema.type is Type.FLOAT32 else number
    if schema.type is Type.STRING:
        return text
    raise ValueError(f"only numbers and text have a replacement, and it is of type {schema.name or schema.type}")
