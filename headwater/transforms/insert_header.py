"""``InsertHeader``: adds a header with a fixed value.

The value is written as text and gets the type that it looks like: a boolean, the smallest number that holds it, a Date,
Time or Timestamp in ISO 8601 (in UTC), and else text. Arrays and maps stay text.

Source: ``org.apache.kafka.connect.transforms.InsertHeader`` and ``org.apache.kafka.connect.data.Values`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from headwater.config import REQUIRED, ConfigDef, Importance, Option, OptionType, not_blank
from headwater.java_dates import JavaDateFormat
from headwater.java_number import float32, parse_decimal
from headwater.record import DECIMAL, Schema, Type
from headwater.shape import Const, HeaderShape, MessageShape
from headwater.transform import Ask, Part

OPTIONS = ConfigDef(
    Option("header", OptionType.STRING, REQUIRED, "The header's name.", Importance.HIGH, not_blank),
    Option("value.literal", OptionType.STRING, REQUIRED, "Its value.", Importance.HIGH, not_blank),
)
_INTEGERS = ((Type.INT8, 8), (Type.INT16, 16), (Type.INT32, 32), (Type.INT64, 64))
_DAY = 86_400_000
_TEMPORAL = {
    10: ("Date", Type.INT32, JavaDateFormat("yyyy-MM-dd")),
    13: ("Time", Type.INT32, JavaDateFormat("HH:mm:ss.SSS'Z'")),
    24: ("Timestamp", Type.INT64, JavaDateFormat("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'")),
}
"""By the length of the text: the logical type, the one it is held in, and how it is written."""


def create(options: Mapping[str, str], part: Part | None) -> InsertHeader:  # noqa: ARG001 - there is one form
    """The transform. Raises `headwater.config.ConfigError`."""
    config = OPTIONS.parse(options)
    return InsertHeader(config["header"], *literal(config["value.literal"]))


class InsertHeader:
    """`headwater.transform.Transform`."""

    def __init__(self, name: str, schema: Schema | None, value: Any) -> None:
        self._header = HeaderShape(name, schema, Const(value))

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:  # noqa: ARG002 - the value is known
        """As `Transform.plan`."""
        return replace(message, headers=(*message.headers, self._header))


def literal(text: str) -> tuple[Schema | None, Any]:
    """The value that text looks like, with its schema."""
    if text == "null":
        return None, None
    if text in ("true", "false"):
        return Schema(Type.BOOLEAN), text == "true"
    return _temporal(text) or _number(text) or (Schema(Type.STRING), text)


def _temporal(text: str) -> tuple[Schema, int] | None:
    found = _TEMPORAL.get(len(text))
    if found is None or not text[0].isdigit():
        return None
    name, held, written = found
    try:
        milliseconds = written.parse(text)
    except ValueError:
        return None
    schema = Schema(held, name=f"org.apache.kafka.connect.data.{name}", version=1)
    return schema, milliseconds // _DAY if name == "Date" else milliseconds


def _number(text: str) -> tuple[Schema, int | float] | None:
    try:
        decimal = parse_decimal(text)
    except ValueError:
        return None
    if text[0] == ".":
        return None
    whole = int(decimal)
    if whole == decimal:
        for kind, bits in _INTEGERS:
            if -(1 << bits - 1) <= whole < 1 << bits - 1:
                return Schema(kind), whole
    exponent = decimal.as_tuple().exponent
    for kind, value in ((Type.FLOAT32, float32(float(decimal))), (Type.FLOAT64, float(decimal))):
        if value - value == 0 and exponent != 0:
            return Schema(kind), value
    parameters = (("scale", str(-int(exponent))),)
    return Schema(Type.BYTES, name=DECIMAL, version=1, parameters=parameters), int(decimal.scaleb(-int(exponent)))
