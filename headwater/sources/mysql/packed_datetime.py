"""MySQL's DATETIME as it stands in row images. Byte by byte, which compiled is the quickest way to read it.

Five bytes, the highest first: a sign, year * 13 + month in 17 bits, day in 5, hour in 5, minute and second in 6 each;
then the fraction of a second, two decimal digits a byte.

Source: ``my_datetime_packed_to_binary`` in MySQL's mysys/my_time.cc.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from headwater.sources.mysql.temporal import epoch_day, fraction_bytes

if TYPE_CHECKING:
    from mypy_extensions import i64

DAY_MICROS: Final = 86_400_000_000
NO_DAY: Final = -1 << 62
REMEMBERED: Final = 4096
"""How many days a reader keeps in mind: few are far apart in one table's neighbouring rows."""


@final
class PackedDatetime:
    """Reads DATETIME(``digits``) as units of ``unit`` microseconds since the epoch; ``missing`` for a zero date."""

    def __init__(self, digits: int, unit: int, missing: Any) -> None:
        self._end: i64 = 5 + fraction_bytes(digits)
        self._scale: i64 = 100 ** (3 - fraction_bytes(digits))
        self._unit: i64 = unit
        self._missing = missing
        self._days: dict[int, int] = {}

    def read(self, data: bytes) -> Any:
        """The value of as many bytes as the column has. Raises ValueError for a date that does not exist."""
        packed: i64 = data[0] << 32 | data[1] << 24 | data[2] << 16 | data[3] << 8 | data[4]
        day: int = packed >> 17 & 0x3FFFFF
        known = self._days.get(day)
        start: i64 = self._start_of(day) if known is None else known
        if start == NO_DAY:
            return self._missing
        fraction: i64 = 0
        at: i64 = 5
        while at < self._end:
            fraction = fraction << 8 | data[at]
            at += 1
        second: i64 = (packed >> 12 & 0x1F) * 3600 + (packed >> 6 & 0x3F) * 60 + (packed & 0x3F)
        micros: i64 = start + second * 1_000_000 + fraction * self._scale
        return micros // self._unit

    def _start_of(self, packed: int) -> int:
        """The microsecond in which a day begins, `NO_DAY` for one with a zero part."""
        month = packed >> 5
        day = epoch_day(month // 13, month % 13, packed & 0x1F)
        start = NO_DAY if day is None else day * DAY_MICROS
        if len(self._days) >= REMEMBERED:
            self._days.clear()
        self._days[packed] = start
        return start
