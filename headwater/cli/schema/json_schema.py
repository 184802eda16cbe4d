"""What JsonConverter writes, as JSON Schema (draft 7, which AsyncAPI's own schemas extend)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from headwater.cli.schema.value_type import Anything, Array, Map, Member, Scalar, Struct, Unknown, ValueType
from headwater.record import DECIMAL, Type

Document = dict[str, Any]

_BY_TYPE: dict[Type, Document] = {
    Type.INT8: {"type": "integer", "minimum": -(2**7), "maximum": 2**7 - 1},
    Type.INT16: {"type": "integer", "minimum": -(2**15), "maximum": 2**15 - 1},
    Type.INT32: {"type": "integer", "format": "int32"},
    Type.INT64: {"type": "integer", "format": "int64"},
    Type.FLOAT32: {"type": "number", "format": "float"},
    Type.FLOAT64: {"type": "number", "format": "double"},
    Type.BOOLEAN: {"type": "boolean"},
    Type.STRING: {"type": "string"},
    Type.BYTES: {"type": "string", "contentEncoding": "base64"},
}
_MEANINGS = {
    "io.debezium.time.Date": "days since 1970-01-01",
    "io.debezium.time.Timestamp": "milliseconds since 1970-01-01 00:00, of a time without a zone",
    "io.debezium.time.MicroTimestamp": "microseconds since 1970-01-01 00:00, of a time without a zone",
    "io.debezium.time.NanoTimestamp": "nanoseconds since 1970-01-01 00:00, of a time without a zone",
    "io.debezium.time.Time": "milliseconds since midnight",
    "io.debezium.time.MicroTime": "microseconds since midnight",
    "io.debezium.time.NanoTime": "nanoseconds since midnight",
    "io.debezium.time.Year": "a year",
    "io.debezium.data.Bits": "bits, the lowest byte first",
    "io.debezium.data.EnumSet": "members with commas between them",
    "org.apache.kafka.connect.data.Date": "days since 1970-01-01",
    "org.apache.kafka.connect.data.Time": "milliseconds since midnight",
    "org.apache.kafka.connect.data.Timestamp": "milliseconds since 1970-01-01 00:00 UTC",
}
_FORMATS: dict[str, Document] = {
    "io.debezium.time.ZonedTimestamp": {"format": "date-time"},
    "io.debezium.data.Uuid": {"format": "uuid"},
    "io.debezium.data.Json": {"contentMediaType": "application/json"},
}
CONNECT_NAME = "x-connect-name"
"""Where the name of a Connect schema stands."""


@dataclass(frozen=True, slots=True)
class JsonForm:
    """How JSON is written. ``numeric_decimals`` stands for ``decimal.format=NUMERIC``."""

    numeric_decimals: bool = False

    def document(self, type_: ValueType) -> Document:
        """The schema of values of a type."""
        document = self._kind(type_)
        if not type_.nullable or "type" not in document:
            return document
        allowed = {"enum": [*document["enum"], None]} if "enum" in document else {}
        return {**document, "type": [document["type"], "null"], **allowed}

    def _kind(self, type_: ValueType) -> Document:
        match type_.kind:
            case Scalar() as scalar:
                return self._scalar(scalar)
            case Struct(members, name):
                return self._object(members, name)
            case Array(items):
                return {"type": "array", "items": self.document(items)}
            case Map(ValueType(Scalar(Type.STRING)), values):
                return {"type": "object", "additionalProperties": self.document(values)}
            case Map(keys, values):
                pair = [self.document(keys), self.document(values)]
                return {"type": "array", "items": {"type": "array", "items": pair, "minItems": 2, "maxItems": 2}}
            case Unknown() | Anything():
                return {}

    def _object(self, members: tuple[Member, ...], name: str | None) -> Document:
        return {
            "type": "object",
            **({CONNECT_NAME: name} if name else {}),
            "properties": {each.name: self.document(each.type) for each in members},
            **({"required": required} if (required := [each.name for each in members if each.always]) else {}),
        }

    def _scalar(self, scalar: Scalar) -> Document:
        if scalar.name == DECIMAL:
            return self._decimal(scalar)
        name = scalar.name or ""
        document = {**_BY_TYPE[scalar.type], **_FORMATS.get(name, {})}
        if name in _MEANINGS:
            document["description"] = _MEANINGS[name]
        if name == "io.debezium.data.Enum":
            # A comma within a member has a backslash before it, in values too.
            document["enum"] = re.split(r"(?<!\\),", scalar.parameter("allowed") or "")
        return {**document, CONNECT_NAME: name} if name else document

    def _decimal(self, scalar: Scalar) -> Document:
        digits = scalar.parameter("scale") or "0"
        if self.numeric_decimals:
            return {"type": "number", "description": f"{digits} digits behind the point", CONNECT_NAME: DECIMAL}
        unscaled = f"a decimal number times 10 to the power of {digits}, as an integer in two's complement, base64"
        return {**_BY_TYPE[Type.BYTES], "description": unscaled, CONNECT_NAME: DECIMAL}
