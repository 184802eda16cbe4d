"""Java's ``toString`` of numbers, where Kafka Connect's converters write it."""

from __future__ import annotations

from decimal import Decimal


def big_decimal(unscaled: int, scale: int) -> str:
    """``BigDecimal.toString``: plain, or with an exponent where the scale is negative or the number tiny."""
    return str(Decimal((unscaled < 0, tuple(map(int, str(abs(unscaled)))), -scale)))
