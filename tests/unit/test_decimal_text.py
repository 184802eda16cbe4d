"""Decimals as Connect's JSON has them, beside what the standard library makes of the same bytes."""

from __future__ import annotations

from base64 import b64encode

from hypothesis import example, given
from hypothesis import strategies as st

from headwater.converters.decimal_text import decimal_base64

EDGES = [sign * (1 << bits) + off for bits in range(7, 72, 8) for sign in (-1, 1) for off in (-1, 0, 1)]


def java_bytes(value: int) -> bytes:
    """``BigInteger.toByteArray``: the fewest bytes whose first bit is the sign."""
    size = 1
    while not -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1:
        size += 1
    return value.to_bytes(size, "big", signed=True)


@given(st.integers(-(1 << 80), 1 << 80) | st.integers(-(1 << 25), 1 << 25) | st.sampled_from(EDGES))
@example(0)
@example(12345)
def test_a_decimal_is_the_base64_of_javas_bytes(value: int) -> None:
    assert decimal_base64(value) == b64encode(java_bytes(value)).decode()


def test_every_edge_of_a_byte_has_its_length() -> None:
    assert [decimal_base64(value) for value in EDGES] == [b64encode(java_bytes(value)).decode() for value in EDGES]
