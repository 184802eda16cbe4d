"""``Cast``: gives fields, or the whole key or value, another type.

Source: ``org.apache.kafka.connect.transforms.Cast`` (Kafka 4.3).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NoReturn

from headwater.config import REQUIRED, Config, ConfigDef, Importance, Option, OptionType
from headwater.java_dates import JavaDateFormat
from headwater.java_double import double_text
from headwater.java_number import (
    float32,
    narrowed,
    parse_floating,
    parse_integer,
    shortest_float32,
    wrapped,
)
from headwater.record import DECIMAL, Schema, Type
from headwater.shape import MessageShape, Struct
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.operand import REPLACE_NULL, operand, with_operand
from headwater.tree import Member, call, whole, with_fields

_TARGETS = {
    "int8": Type.INT8,
    "int16": Type.INT16,
    "int32": Type.INT32,
    "int64": Type.INT64,
    "float32": Type.FLOAT32,
    "float64": Type.FLOAT64,
    "boolean": Type.BOOLEAN,
    "string": Type.STRING,
}
_BITS = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 64}
_SOURCES = frozenset(_TARGETS.values()) | {Type.BYTES}
_DAY = 86_400_000
_DATA = "org.apache.kafka.connect.data."
_TIME, _DATE, _TIMESTAMP = (
    JavaDateFormat(pattern) for pattern in ("HH:mm:ss.SSS'Z'", "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'")
)

Conversion = Callable[[Any], Any]


def _check(spec: Sequence[str] | None) -> str | None:
    if not spec:
        return "Must specify at least one field to cast."
    for text in spec:
        parts = text.split(":")
        if len(parts) > 2 or parts[-1].strip().lower() not in _TARGETS:
            return f"{text!r} is no type, or field:type, with one of {', '.join(_TARGETS)}"
        if len(parts) == 1 and len(spec) > 1:
            return "a type for the whole key or value stands alone"
    return None


OPTIONS = ConfigDef(
    Option(
        "spec",
        OptionType.LIST,
        REQUIRED,
        f"Fields and their types, as field:type, or one type for the whole: {', '.join(_TARGETS)}.",
        Importance.HIGH,
        _check,
    ),
    REPLACE_NULL,
)


def create(options: Mapping[str, str], part: Part | None) -> Cast:
    """The transform. Raises `headwater.config.ConfigError`."""
    return Cast(OPTIONS.parse(options), part)


class Cast:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config, part: Part | None) -> None:
        self._part = part
        self._defaults: bool = config["replace.null.with.default"]
        self._types: dict[str, Type] = {}
        self._whole: Type | None = None
        for text in config["spec"]:
            name, colon, kind = text.partition(":")
            if colon:
                self._types[name.strip()] = _TARGETS[kind.strip().lower()]
            else:
                self._whole = _TARGETS[name.strip().lower()]

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        found = operand(message, self._part)
        if found.is_absent(ask):
            return message
        if self._whole is not None:
            if found.schema is None:
                raise TransformError("casting takes a schema, and there is none")
            field = _cast(Member("", found.schema, found.node), self._whole)
            # The name of one of Connect's own types says how what it was is written, and goes with it.
            described = field.schema if (found.schema.name or "").startswith(_DATA) else found.schema
            schema = replace(
                field.schema,
                name=described.name,
                version=described.version,
                doc=described.doc,
                parameters=described.parameters,
            )
            return with_operand(message, self._part, schema, field.node)
        schema = found.struct("casting fields")
        fields = [
            _cast(field, self._types[field.name]) if field.name in self._types else field
            for field in found.members("casting fields", defaults=self._defaults)
        ]
        changed = replace(with_fields(schema, fields), optional=schema.optional)
        return with_operand(message, self._part, changed, Struct(tuple(field.node for field in fields)))


def _cast(field: Member, target: Type) -> Member:
    """The field in another type, null where it is null. Raises `TransformError`."""
    convert = _Cast(field.name, _conversion(field.schema, target))
    default = None if field.schema.default is None else convert(field.schema.default)
    schema = Schema(target, optional=field.schema.optional, default=default)
    return Member(field.name, schema, call(convert, whole(field.schema, field.node)))


class _Cast:
    """Casts all values but null; names the field where one can't be."""

    def __init__(self, name: str, convert: Conversion) -> None:
        self._name = name
        self._convert = convert

    def __call__(self, value: Any) -> Any:
        """The value. Raises `TransformError`."""
        if value is None:
            return None
        try:
            return self._convert(value)
        except ValueError as error:
            raise TransformError(f"the field {self._name!r} can't be cast: {error}") from None


def _conversion(schema: Schema, target: Type) -> Conversion:
    if schema.type not in _SOURCES:
        return _refuse(f"values of type {schema.type} have no other")
    if target is Type.STRING:
        return _text(schema)
    if schema.name == DECIMAL:
        scale = int(schema.parameter("scale") or 0)
        return _from_decimal(scale, target)
    match schema.type:
        case Type.STRING:
            return _from_text(target)
        case Type.BYTES:
            return _refuse(f"bytes are no {target}")
        case Type.FLOAT32 | Type.FLOAT64:
            return _from_floating(target)
        case _:
            return _from_integer(target)


def _refuse(why: str) -> Conversion:
    """For values that can't be cast; null can."""

    def refuse(_value: Any) -> NoReturn:
        raise ValueError(why)

    return refuse


def _from_text(target: Type) -> Conversion:
    if target in _BITS:
        return lambda text: parse_integer(text, _BITS[target])
    if target is Type.BOOLEAN:
        return lambda text: text.lower() == "true"
    return lambda text: parse_floating(text, single=target is Type.FLOAT32)


def _from_integer(target: Type) -> Conversion:
    """From an integer or a boolean."""
    if target in _BITS:
        return lambda value: wrapped(int(value), _BITS[target])
    if target is Type.BOOLEAN:
        return bool
    return (lambda value: float32(float(value))) if target is Type.FLOAT32 else float


def _from_floating(target: Type) -> Conversion:
    if target in _BITS:
        return lambda value: narrowed(value, _BITS[target])
    if target is Type.BOOLEAN:
        return lambda value: narrowed(value, 64) != 0
    return float32 if target is Type.FLOAT32 else float


def _from_decimal(scale: int, target: Type) -> Conversion:
    """From an unscaled integer."""

    def exact(unscaled: int) -> Decimal:
        return Decimal((unscaled < 0, tuple(map(int, str(abs(unscaled)))), -scale))

    if target in _BITS:
        return lambda unscaled: wrapped(int(exact(unscaled)), _BITS[target])
    if target is Type.BOOLEAN:
        return lambda unscaled: wrapped(int(exact(unscaled)), 64) != 0
    if target is Type.FLOAT32:
        return lambda unscaled: float32(float(exact(unscaled)))
    return lambda unscaled: float(exact(unscaled))


def _text(schema: Schema) -> Conversion:
    """Java's ``toString``."""
    if schema.name == DECIMAL:
        scale = int(schema.parameter("scale") or 0)
        return lambda unscaled: str(Decimal((unscaled < 0, tuple(map(int, str(abs(unscaled)))), -scale)))
    if schema.name == f"{_DATA}Date":
        return lambda days: _date_text(days * _DAY)
    if schema.name in (f"{_DATA}Time", f"{_DATA}Timestamp"):
        return _date_text
    match schema.type:
        case Type.BOOLEAN:
            return lambda value: "true" if value else "false"
        case Type.FLOAT32:
            return lambda value: double_text(shortest_float32(value) if value - value == 0 else value)
        case Type.FLOAT64:
            return double_text
        case Type.BYTES:
            return lambda value: b64encode(value).decode()
        case _:
            return str


def _date_text(milliseconds: int) -> str:
    """``Values.dateFormatFor``: a time on the first day, a date at midnight, else both."""
    if milliseconds < _DAY:
        return _TIME.format(milliseconds)
    return (_TIMESTAMP if milliseconds % _DAY else _DATE).format(milliseconds)
