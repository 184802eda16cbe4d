"""Messages that come with Protobuf or Confluent's converter, which a schema imports: wrappers, dates, decimals.

Source: ``google/protobuf/{wrappers,timestamp}.proto``, ``google/type/{date,timeofday}.proto`` and
``confluent/type/decimal.proto``; for how they are filled ``io.confluent.connect.protobuf.ProtobufData`` (7.0).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from headwater.converter import ConversionError
from headwater.converters.decimal_text import decimal_bytes
from headwater.converters.java_text import decimal_scale
from headwater.converters.protobuf.schema import ProtoField, ProtoFile, ProtoMessage
from headwater.converters.protobuf.wire import LEN, VARINT, octets, tag, varint
from headwater.record import DECIMAL, Schema, Type

_DAY_MILLISECONDS = 86_400_000
_FIRST_GREGORIAN_DAY = -141_427
"""15 October 1582: Java's calendar is the Julian one before."""
_EPOCH_JULIAN_DAY = 2_440_588
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
"""Of the years 1 to 9999, which a Timestamp must be in."""

Content = Callable[[int], bytes]
"""Gives the content of a message for a Connect value. Raises `ConversionError`."""


class WellKnown(NamedTuple):
    """A message that a logical type becomes."""

    type: str
    file: str
    content: Callable[[Schema], Content]


def _numbers(*numbers: int) -> bytes:
    """The content of a message of integers, the first of which has the number 1."""
    return b"".join(tag(number, VARINT) + varint(value) for number, value in enumerate(numbers, 1) if value)


def _date(days: int) -> bytes:
    julian_day = days + _EPOCH_JULIAN_DAY
    if days < _FIRST_GREGORIAN_DAY:
        century, shifted = 0, julian_day + 32_082
    else:
        century, shifted = divmod(4 * (julian_day + 32_044) + 3, 146_097)
        shifted = julian_day + 32_044 - 146_097 * century // 4
    years = (4 * shifted + 3) // 1461
    day_of_year = shifted - 1461 * years // 4
    months = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * months + 2) // 5 + 1
    year = 100 * century + years - 4800 + months // 10
    return _numbers(year if year > 0 else 1 - year, months + 3 - 12 * (months // 10), day)


def _time(milliseconds: int) -> bytes:
    if not 0 <= milliseconds <= _DAY_MILLISECONDS:
        raise ConversionError(f"{milliseconds} ms are no time of a day")
    seconds, milliseconds = divmod(milliseconds % _DAY_MILLISECONDS, 1000)
    return _numbers(seconds // 3600, seconds // 60 % 60, seconds % 60, milliseconds * 1_000_000)


def _timestamp(milliseconds: int) -> bytes:
    seconds, milliseconds = divmod(milliseconds, 1000)
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        raise ConversionError("a Timestamp in Protobuf must be in the years 1 to 9999")
    return _numbers(seconds, milliseconds * 1_000_000)


def _decimal(schema: Schema) -> Content:
    scale = decimal_scale(schema)
    behind = tag(3, VARINT) + varint(scale) if scale else b""
    value, precision = tag(1, LEN), tag(2, VARINT)

    def content(unscaled: int) -> bytes:
        digits = len(str(abs(unscaled)))
        return b"".join((value, octets(decimal_bytes(unscaled)), precision, varint(digits), behind))

    return content


LOGICAL = {
    DECIMAL: WellKnown("confluent.type.Decimal", "confluent/type/decimal.proto", _decimal),
    "org.apache.kafka.connect.data.Date": WellKnown("google.type.Date", "google/type/date.proto", lambda _: _date),
    "org.apache.kafka.connect.data.Time": WellKnown(
        "google.type.TimeOfDay", "google/type/timeofday.proto", lambda _: _time
    ),
    "org.apache.kafka.connect.data.Timestamp": WellKnown(
        "google.protobuf.Timestamp", "google/protobuf/timestamp.proto", lambda _: _timestamp
    ),
}
"""What the logical types of Connect's own become, by their names."""

WRAPPERS = {
    Type.INT8: "Int32Value",
    Type.INT16: "Int32Value",
    Type.INT32: "Int32Value",
    Type.INT64: "Int64Value",
    Type.FLOAT32: "FloatValue",
    Type.FLOAT64: "DoubleValue",
    Type.BOOLEAN: "BoolValue",
    Type.STRING: "StringValue",
    Type.BYTES: "BytesValue",
}
"""The message that holds a scalar alone."""
WRAPPERS_PACKAGE = "google.protobuf"
WRAPPERS_FILE = "google/protobuf/wrappers.proto"
_WRAPPED = {
    "DoubleValue": "double",
    "FloatValue": "float",
    "Int64Value": "int64",
    "UInt64Value": "uint64",
    "Int32Value": "int32",
    "UInt32Value": "uint32",
    "BoolValue": "bool",
    "StringValue": "string",
    "BytesValue": "bytes",
}
_WRAPPERS_OPTIONS = """\
option java_package = "com.google.protobuf";
option java_outer_classname = "WrappersProto";
option java_multiple_files = true;
option go_package = "google.golang.org/protobuf/types/known/wrapperspb";
option cc_enable_arenas = true;
option objc_class_prefix = "GPB";
option csharp_namespace = "Google.Protobuf.WellKnownTypes";
"""


def wrappers(root: str) -> ProtoFile:
    """The file of all wrappers, as it is registered for keys and values that are scalars; ``root`` is the one meant."""
    begin = f'syntax = "proto3";\npackage {WRAPPERS_PACKAGE};\n\n{_WRAPPERS_OPTIONS}\n'
    definitions = (
        f'message {name} {{\n  {type_} value = 1 [json_name = "value"];\n}}\n' for name, type_ in _WRAPPED.items()
    )
    messages = [ProtoMessage(name, [ProtoField("value", type_, 1)]) for name, type_ in _WRAPPED.items()]
    return ProtoFile(WRAPPERS_PACKAGE, messages, begin + "".join(definitions), f"{WRAPPERS_PACKAGE}.{root}")
