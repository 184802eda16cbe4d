"""What converters make sure of: a value's Python type is the one its schema asks for; see `headwater.record`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headwater.converter import ConversionError
from headwater.record import Field, Schema, Type

INTEGER_BITS = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 64}


def expect(expected: type, value: object, schema: Schema) -> None:
    """Raises `ConversionError` for a value of another type."""
    if type(value) is not expected:
        raise ConversionError(f"a value of type {schema.type} must be {expected.__name__}, not {type(value).__name__}")


def integer_check(schema: Schema) -> Callable[[int], None]:
    """A check of integers' type and range."""
    limit = 1 << (INTEGER_BITS[schema.type] - 1)

    def check(value: int) -> None:
        expect(int, value, schema)
        if not -limit <= value < limit:
            raise ConversionError(f"an int out of the range of {schema.type}")

    return check


def field_value(field: Field, struct: dict[str, Any]) -> Any:
    """``Struct.get``: null where there is neither a value nor a default."""
    value = struct.get(field.name)
    return field.schema.default if value is None else value
