"""BSON documents, byte by byte, and Hypothesis strategies for them: every type, also what no driver would write."""

from __future__ import annotations

import struct

from hypothesis import strategies as st

Element = tuple[int, bytes, bytes]
"""Type, name, value."""

DOUBLE, STRING, DOCUMENT, ARRAY, BINARY, UNDEFINED, OBJECT_ID, BOOLEAN = range(0x01, 0x09)
DATE, NULL, REGEX, DB_POINTER, CODE, SYMBOL, CODE_WITH_SCOPE, INT32 = range(0x09, 0x11)
TIMESTAMP, INT64, DECIMAL128, MIN_KEY, MAX_KEY = 0x11, 0x12, 0x13, 0xFF, 0x7F


def document(*elements: Element) -> bytes:
    """A document of these elements."""
    body = b"".join(bytes([kind]) + name + b"\0" + value for kind, name, value in elements)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def array(*values: tuple[int, bytes]) -> bytes:
    """An array of these types and values."""
    return document(*((kind, str(index).encode(), value) for index, (kind, value) in enumerate(values)))


def string(text: str | bytes) -> bytes:
    """The value of a string, of code or of a symbol."""
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<i", len(data) + 1) + data + b"\0"


def double(number: float) -> bytes:
    return struct.pack("<d", number)


def int32(number: int) -> bytes:
    return struct.pack("<i", number)


def int64(number: int) -> bytes:
    """Also the value of a date, in milliseconds."""
    return struct.pack("<q", number)


def timestamp(seconds: int, increment: int) -> bytes:
    return struct.pack("<II", increment, seconds)


def binary(subtype: int, data: bytes) -> bytes:
    if subtype == 2:
        data = int32(len(data)) + data
    return int32(len(data)) + bytes([subtype]) + data


def regex(pattern: str, options: str) -> bytes:
    return pattern.encode() + b"\0" + options.encode() + b"\0"


def code_with_scope(code: str, scope: bytes) -> bytes:
    body = string(code) + scope
    return int32(len(body) + 4) + body


def decimal128(coefficient: int, exponent: int, *, negative: bool = False) -> bytes:
    return (coefficient | (exponent + 6176) << 113 | negative << 127).to_bytes(16, "little")


def nested(levels: int) -> bytes:
    """A document with so many levels below it."""
    return document((DOCUMENT, b"a", nested(levels - 1))) if levels else document()


def documents(characters: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[bytes]:
    """Documents, often with names that repeat; ``characters`` are what their texts have."""
    if characters is None:
        characters = st.characters(exclude_categories=["Cs"])
    text = st.text(characters, max_size=12)
    without_zero = text.map(lambda value: value.replace("\0", ""))
    short = st.sampled_from([b"_id", b"a", b"b", b"c", b"name", b"total"])
    names = st.one_of(short, short, without_zero.map(str.encode), st.binary(max_size=4).map(_without_zero))
    strings = st.one_of(text, st.binary(max_size=8)).map(string)
    scalars = st.one_of(
        st.tuples(st.just(DOUBLE), st.one_of(st.floats(), st.integers(-(10**9), 10**9).map(float)).map(double)),
        st.tuples(st.sampled_from([STRING, CODE, SYMBOL]), strings),
        st.tuples(st.just(BINARY), st.builds(binary, st.integers(0, 255), st.binary(max_size=20))),
        st.tuples(st.sampled_from([UNDEFINED, NULL, MIN_KEY, MAX_KEY]), st.just(b"")),
        st.tuples(st.just(OBJECT_ID), st.binary(min_size=12, max_size=12)),
        st.tuples(st.just(BOOLEAN), st.sampled_from([b"\0", b"\1"])),
        st.tuples(st.sampled_from([INT64, DATE]), st.one_of(st.integers(-(2**63), 2**63 - 1), dates).map(int64)),
        st.tuples(st.just(REGEX), st.builds(regex, without_zero, without_zero)),
        st.tuples(st.just(DB_POINTER), st.builds(bytes.__add__, strings, st.binary(min_size=12, max_size=12))),
        st.tuples(st.just(INT32), st.integers(-(2**31), 2**31 - 1).map(int32)),
        st.tuples(st.just(TIMESTAMP), st.binary(min_size=8, max_size=8)),
        st.tuples(st.just(DECIMAL128), st.one_of(st.binary(min_size=16, max_size=16), decimals)),
    )
    values = st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.tuples(st.just(DOCUMENT), _documents(names, inner)),
            st.tuples(st.just(ARRAY), st.lists(inner, max_size=4).map(lambda found: array(*found))),
            st.tuples(st.just(CODE_WITH_SCOPE), st.builds(code_with_scope, text, _documents(names, inner))),
        ),
        max_leaves=12,
    )
    return _documents(names, values)


dates = st.integers(-(10**12), 4 * 10**14)
decimals = st.builds(
    decimal128,
    st.integers(0, 10**34 - 1),
    st.one_of(st.integers(-12, 4), st.integers(-6176, 6111)),
    negative=st.booleans(),
)


def _without_zero(data: bytes) -> bytes:
    return data.replace(b"\0", b"")


def _documents(
    names: st.SearchStrategy[bytes], values: st.SearchStrategy[tuple[int, bytes]]
) -> st.SearchStrategy[bytes]:
    elements = st.builds(lambda name, value: (value[0], name, value[1]), names, values)
    return st.lists(elements, max_size=6).map(lambda found: document(*found))


_ANY = documents()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A document with some bytes changed, taken out or put in."""
    data = bytearray(draw(_ANY))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        size = draw(st.integers(0, 2))
        data[at : at + size] = draw(st.binary(max_size=2))
    return bytes(data)
