"""Numbers that Java makes of values: ``Object.hashCode``, and Infinispan's MurmurHash3 as Debezium has it.

Each function takes the schema of values and gives the function of one that is not null, so that what depends on the
type alone is decided once.

Source: ``hashCode`` of the classes that Kafka Connect holds values in; ``io.debezium.util.MurmurHash3``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from headwater.java_number import wrapped
from headwater.record import DECIMAL, Schema, Type

Hash = Callable[[Any], int]
"""A 32-bit number, signed, of a value."""

_64 = 0xFFFFFFFFFFFFFFFF
_SEED = 9001
_DATA = "org.apache.kafka.connect.data."
_DATES = {f"{_DATA}Date": 86_400_000, f"{_DATA}Time": 1, f"{_DATA}Timestamp": 1}
"""Held as a ``java.util.Date``, and how many milliseconds one is."""


def hash_code(schema: Schema) -> Hash:
    """``Object.hashCode`` of values of this schema. Raises ValueError for structs, whose is another in each process."""
    if schema.name == DECIMAL:
        scale = int(schema.parameter("scale") or 0)
        return lambda unscaled: wrapped(31 * _big_integer(unscaled) + scale, 32)
    if schema.name in _DATES:
        milliseconds = _DATES[schema.name]
        return lambda value: _long(value * milliseconds)
    match schema.type:
        case Type.ARRAY:
            return _array(schema)
        case Type.MAP:
            return _map(schema)
        case Type.STRUCT:
            raise ValueError("Java's hash of a struct is another in each process")
        case _:
            return _SCALARS[schema.type]


def murmur3(schema: Schema) -> Hash:
    """Debezium's ``MurmurHash3.hash`` of values of this schema. Raises ValueError as `hash_code` does."""
    if schema.type is Type.STRING:
        return lambda text: _murmur3(text.encode("utf-8", "replace"))
    other = hash_code(schema)
    return lambda value: _murmur3(struct.pack("<i", other(value)))


def _string(text: str) -> int:
    found = 0
    for unit in memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H"):
        found = (31 * found + unit) & 0xFFFFFFFF
    return wrapped(found, 32)


def _long(value: int) -> int:
    bits = value & _64
    return wrapped(bits ^ (bits >> 32), 32)


def _double(value: float) -> int:
    return _long(0x7FF8000000000000 if value != value else struct.unpack("<q", struct.pack("<d", value))[0])


def _float(value: float) -> int:
    bits: int = 0x7FC00000 if value != value else struct.unpack("<i", struct.pack("<f", value))[0]
    return bits


def _buffer(value: bytes) -> int:
    """A ``ByteBuffer``'s, which is what Debezium's connectors give."""
    found = 1
    for byte in reversed(value):
        found = (31 * found + (byte - 256 if byte > 127 else byte)) & 0xFFFFFFFF
    return wrapped(found, 32)


def _big_integer(value: int) -> int:
    """A ``BigInteger``'s."""
    found, magnitude = 0, abs(value)
    for word in range((magnitude.bit_length() + 31) // 32 - 1, -1, -1):
        found = (31 * found + (magnitude >> 32 * word & 0xFFFFFFFF)) & 0xFFFFFFFF
    return wrapped(found if value >= 0 else -found, 32)


def _array(schema: Schema) -> Hash:
    element = _of(schema.value_schema)

    def of_list(values: list[Any]) -> int:
        found = 1
        for value in values:
            found = (31 * found + element(value)) & 0xFFFFFFFF
        return wrapped(found, 32)

    return of_list


def _map(schema: Schema) -> Hash:
    key, value = _of(schema.key_schema), _of(schema.value_schema)
    return lambda values: wrapped(sum(key(name) ^ value(each) for name, each in values.items()), 32)


def _of(schema: Schema | None) -> Hash:
    """`hash_code` of values that may be null."""
    assert schema is not None  # noqa: S101 - arrays and maps have those of their members
    function = hash_code(schema)
    return lambda value: 0 if value is None else function(value)


_SCALARS: dict[Type, Hash] = {
    **dict.fromkeys((Type.INT8, Type.INT16, Type.INT32), lambda value: value),
    Type.INT64: _long,
    Type.FLOAT32: _float,
    Type.FLOAT64: _double,
    Type.BOOLEAN: lambda value: 1231 if value else 1237,
    Type.STRING: _string,
    Type.BYTES: _buffer,
}


class _State:
    """The x64 variant's words; all of them 64 bits."""

    __slots__ = ("c1", "c2", "h1", "h2")

    def __init__(self) -> None:
        self.h1, self.h2 = 0x9368E53C2F6AF274 ^ _SEED, 0x586DCD208F7CD3FD ^ _SEED
        self.c1, self.c2 = 0x87C37B91114253D5, 0x4CF5AD432745937F

    def mix(self, k1: int, k2: int) -> None:
        k1 = _rotated(k1 * self.c1 & _64, 23) * self.c2 & _64
        self.h1 = (self.h1 ^ k1) + self.h2 & _64
        self.h2 = _rotated(self.h2, 41)
        k2 = _rotated(k2 * self.c2 & _64, 23) * self.c1 & _64
        self.h2 = (self.h2 ^ k2) + self.h1 & _64
        self.h1 = self.h1 * 3 + 0x52DCE729 & _64
        self.h2 = self.h2 * 3 + 0x38495AB5 & _64
        self.c1 = self.c1 * 5 + 0x7B7D159C & _64
        self.c2 = self.c2 * 5 + 0x6BCE6396 & _64


def _rotated(word: int, left: int) -> int:
    return (word << left | word >> 64 - left) & _64


def _finished(word: int) -> int:
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        word = (word ^ word >> 33) * factor & _64
    return word ^ word >> 33


def _murmur3(data: bytes) -> int:
    state = _State()
    whole = len(data) & ~15
    for at in range(0, whole, 16):
        state.mix(*struct.unpack_from("<QQ", data, at))
    if tail := data[whole:]:
        state.mix(_signed(tail[:8]), _signed(tail[8:]))
    h1, h2 = state.h1, state.h2 ^ len(data)
    h1 = h1 + h2 & _64
    h2 = h2 + h1 & _64
    h1, h2 = _finished(h1), _finished(h2)
    return wrapped((h1 + h2 & _64) >> 32, 32)


def _signed(data: bytes) -> int:
    """A tail's bytes in one word: Java widens each with its sign, into the bits of those behind it."""
    word = 0
    for number, byte in enumerate(data):
        word ^= (byte - 256 if byte > 127 else byte) << 8 * number
    return word & _64
