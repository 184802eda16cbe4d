"""From values as SQLite keeps them (int, float, str, bytes) to Connect values. All raise ValueError."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NoReturn

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
_DAY_SECONDS, _MICROS = 86_400, 1_000_000
_EPOCH_JULIAN = 2_440_587.5
"""The Julian day number at which 1970 begins."""
_CACHED = 4096
_MOST_DIGITS = 1000
"""Of a decimal number: any double's, and far more than other databases take."""
_DECIMALS = Context(prec=_MOST_DIGITS, rounding=ROUND_HALF_UP, traps=[InvalidOperation])


def _kind(value: object) -> str:
    return {int: "an integer", float: "a real number", str: "text", bytes: "a blob"}[type(value)]


def refuse(wanted: str) -> Callable[[Any], NoReturn]:
    """For types that are what SQLite keeps: any other value breaks the column's promise."""

    def convert(value: Any) -> NoReturn:
        raise ValueError(f"the column's type promises {wanted}, the value is {_kind(value)}")

    return convert


def number(value: Any) -> float:
    """A double."""
    if isinstance(value, (int, float)):
        return float(value)
    raise ValueError(f"the column's type promises a number, the value is {_kind(value)}")


def text(value: Any) -> str:
    """Text; numbers as SQLite would write them."""
    if isinstance(value, bytes):
        raise ValueError("the column's type promises text, the value is a blob")  # noqa: TRY004
    return value if isinstance(value, str) else repr(value)


def boolean(value: Any) -> bool:
    """SQLite's TRUE and FALSE are 1 and 0."""
    if value in (0, 1):
        return bool(value)
    raise ValueError(f"the column's type promises 1 or 0, the value is {_kind(value)} that is neither")


def _decimal(value: Any, scale: int) -> Decimal:
    if isinstance(value, bytes):
        raise ValueError("the column's type promises a decimal number, the value is a blob")  # noqa: TRY004
    exact = _exact(value)
    try:
        return exact.quantize(Decimal(1).scaleb(-scale, _DECIMALS), context=_DECIMALS)
    except InvalidOperation as error:
        raise ValueError(f"the value has more than {_MOST_DIGITS} digits with {scale} behind the point") from error


def _exact(value: str | float) -> Decimal:
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        exact = Decimal("NaN")
    if not exact.is_finite():
        raise ValueError("the column's type promises a decimal number, the value is none")
    return exact


def unscaled_decimal(scale: int) -> Callable[[Any], int]:
    """A decimal number as so many units of ``scale``, rounded where it has more digits."""
    return lambda value: int(_decimal(value, scale).scaleb(scale, _DECIMALS))


def decimal_text(scale: int) -> Callable[[Any], str]:
    """The same number as text."""
    return lambda value: f"{_decimal(value, scale):f}"


@lru_cache(maxsize=_CACHED)
def date_days(value: Any) -> int:
    """Days since 1970 of ``2024-02-29``, of seconds since 1970 (an integer) or of a Julian day (a real number)."""
    if isinstance(value, str):
        return date.fromisoformat(value[:10]).toordinal() - _EPOCH_DAY
    return _moment(value) // (_DAY_SECONDS * _MICROS)


def datetime_micros(value: Any) -> int:
    """Microseconds since 1970 of the same; a text without an offset is in UTC."""
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICRO
    return _moment(value)


def time_micros(value: Any) -> int:
    """Microseconds since midnight of ``12:34:56.789``, or of a number of seconds."""
    if isinstance(value, str):
        clock = time.fromisoformat(value)
        return ((clock.hour * 60 + clock.minute) * 60 + clock.second) * _MICROS + clock.microsecond
    if isinstance(value, bytes):
        raise ValueError("the column's type promises a time, the value is a blob")  # noqa: TRY004
    seconds: float = value
    return round(seconds * _MICROS)


def _moment(value: Any) -> int:
    """What SQLite takes numbers for: seconds since 1970 where they are integers, else Julian days."""
    if isinstance(value, int):
        return value * _MICROS
    if isinstance(value, float):
        return round((value - _EPOCH_JULIAN) * _DAY_SECONDS * 1000) * 1000
    raise ValueError(f"the column's type promises a date, the value is {_kind(value)}")
