"""Java's ``Double.toString``, which decides how doubles look in Kafka Connect's text and in Debezium's JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_extensions import i64

_HUNDREDTHS: Final = [f"{number:02}".rstrip("0") or "0" for number in range(100)]


def non_finite(value: float) -> str:
    """NaN or an infinity."""
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def double_text(value: float) -> str:
    """The fewest digits that name ``value``, at least two of them: ``1.5``, ``1.0E7``, ``4.9E-324``, ``NaN``.

    As Java writes it from version 19 on; older ones sometimes give a digit more (JDK-4511638).
    """
    if value - value != 0:
        return non_finite(value)
    magnitude = abs(value)
    if 1e-3 <= magnitude < 1e7:
        hundredths: i64 = int(magnitude * 100.0 + 0.5)
        if float(hundredths) / 100.0 == magnitude:  # as prices are: no other number of so few digits is this double
            return f"{'-' if value < 0 else ''}{hundredths // 100}.{_HUNDREDTHS[hundredths % 100]}"
        return repr(value)
    if value == 0:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    if len(digits) == 1:  # of all decimals with two digits the nearest, which need not end with a zero
        mantissa, _, power = f"{value:.1e}".partition("e")
        return f"{mantissa}E{int(power)}"
    fraction = "".join(map(str, digits[1:]))
    return f"{'-' * sign}{digits[0]}.{fraction}E{int(exponent) + len(digits) - 1}"
