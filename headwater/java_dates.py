"""Dates as ``java.text.SimpleDateFormat`` writes and reads them, in UTC and in English.

Years before 1582 are those of the Gregorian calendar, where Java takes the Julian one. Letters for weeks and eras
(``w``, ``W``, ``Y``, ``F``, ``u``, ``G``) are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - every date here is in UTC
_DAY = 86_400_000
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_PART = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<letter>[A-Za-z])(?P=letter)*|(?P<text>[^A-Za-z']+)", re.DOTALL)

_NUMBERS: dict[str, Callable[[datetime], int]] = {
    "y": lambda moment: moment.year,
    "M": lambda moment: moment.month,
    "L": lambda moment: moment.month,
    "d": lambda moment: moment.day,
    "D": lambda moment: moment.timetuple().tm_yday,
    "H": lambda moment: moment.hour,
    "k": lambda moment: moment.hour or 24,
    "K": lambda moment: moment.hour % 12,
    "h": lambda moment: moment.hour % 12 or 12,
    "m": lambda moment: moment.minute,
    "s": lambda moment: moment.second,
    "S": lambda moment: moment.microsecond // 1000,
}
_ZONE = re.compile(r"(?P<utc>Z|UTC|GMT)?(?:(?P<sign>[+-])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?)?")
_CENTURY_BEGINS = 80
"""How many years before now the hundred years begin that a year of two digits is in."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A letter so many times, or text as it stands (``letter`` is empty)."""

    letter: str
    count: int
    text: str = ""

    @property
    def is_number(self) -> bool:
        return self.letter in _NUMBERS and not (self.letter in "ML" and self.count > 2)


class JavaDateFormat:
    """A format; times are milliseconds since 1970. Raises ValueError for a pattern that is none."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._parts = list(_parts(pattern))

    def format(self, milliseconds: int) -> str:
        """The time as text. Raises ValueError outside the years 1 to 9999."""
        try:
            moment = _EPOCH + timedelta(milliseconds=milliseconds)
        except OverflowError:
            raise ValueError(f"{milliseconds} ms is outside the years 1 to 9999") from None
        return "".join(_written(part, moment) for part in self._parts)

    def parse(self, text: str) -> int:
        """The time that ``text`` begins with. Raises ValueError where it begins with none."""
        found: dict[str, int] = {}
        place = 0
        for number, part in enumerate(self._parts):
            rest = self._parts[number + 1 :]
            read = _read(part, text, place, found, is_fixed=bool(rest) and rest[0].is_number)
            if read is None:
                raise ValueError(f"Could not parse timestamp: value ({text}) does not match pattern ({self.pattern})")
            place = read
        return _milliseconds(found)


def _parts(pattern: str) -> Iterator[_Part]:
    place = 0
    while place < len(pattern):
        found = _PART.match(pattern, place)
        if found is None:
            raise ValueError(f"{pattern!r} has a quote without its counterpart")
        place = found.end()
        letter = found["letter"]
        if letter is None:
            quoted = found["quoted"]
            yield _Part("", 0, found["text"] if quoted is None else quoted.replace("''", "'") or "'")
        elif letter in _NUMBERS or letter in "EazZX":
            yield _Part(letter, len(found.group()))
        else:
            raise ValueError(f"{pattern!r} has the letter {letter!r}, which is not supported")


def _written(part: _Part, moment: datetime) -> str:
    letter, count = part.letter, part.count
    if not letter:
        return part.text
    if part.is_number:
        number = _NUMBERS[letter](moment)
        if letter == "y" and count == 2:
            number %= 100
        return str(number).zfill(count)
    if letter in "ML":
        name = _MONTHS[moment.month - 1]
        return name if count > 3 else name[:3]
    if letter == "E":
        name = _DAYS[moment.weekday()]
        return name if count > 3 else name[:3]
    if letter == "a":
        return "AM" if moment.hour < 12 else "PM"
    if letter == "z":
        return "UTC" if count < 4 else "Coordinated Universal Time"
    return "+0000" if letter == "Z" else "Z"


def _read(part: _Part, text: str, place: int, found: dict[str, int], *, is_fixed: bool) -> int | None:
    """The place behind what stands at ``place``, which is noted in ``found``; None where it doesn't fit."""
    letter = part.letter
    if not letter:
        return place + len(part.text) if text.startswith(part.text, place) else None
    place += len(text[place:]) - len(text[place:].lstrip(" \t"))
    if part.is_number:
        digits = re.compile(rf"\d{{{part.count}}}" if is_fixed else r"-?\d+").match(text, place)
        if digits is None:
            return None
        number = int(digits.group())
        is_short = letter == "y" and part.count <= 2 and len(digits.group()) == 2 and number >= 0
        found["M" if letter == "L" else letter] = _full_year(number) if is_short else number
        return digits.end()
    if letter in "zZX":
        return _read_zone(text, place, found)
    names: Sequence[str] = _MONTHS if letter in "ML" else _DAYS if letter == "E" else ("AM", "PM")
    for index, name in enumerate(names):
        for spelling in (name, name[:3]):
            if text[place : place + len(spelling)].lower() == spelling.lower():
                found["M" if letter == "L" else letter] = index + 1 if letter in "ML" else index
                return place + len(spelling)
    return None


def _read_zone(text: str, place: int, found: dict[str, int]) -> int | None:
    zone = _ZONE.match(text, place)
    if zone is None or zone.end() == place:
        return None
    minutes = int(zone["hours"] or 0) * 60 + int(zone["minutes"] or 0)
    found["zone"] = -minutes if zone["sign"] == "-" else minutes
    return zone.end()


def _full_year(short: int) -> int:
    """The year of two digits that lies within 80 years before now and 20 after."""
    begin = datetime.now().year - _CENTURY_BEGINS  # noqa: DTZ005 - the year is enough
    year = begin - begin % 100 + short
    return year + 100 if year < begin else year


def _milliseconds(found: dict[str, int]) -> int:
    """The time; what is too large for its place counts on, as 13 months do."""
    months = (found.get("y", 1970) * 12) + found.get("M", 1) - 1
    days = _days_before(months // 12, months % 12 + 1) + found.get("d", 1) - 1
    if "D" in found:
        days = _days_before(found.get("y", 1970), 1) + found["D"] - 1
    hours = found.get("H", found.get("k", 0) % 24)
    if "h" in found or "K" in found:
        hours = found.get("h", found.get("K", 0)) % 12 + 12 * found.get("a", 0)
    minutes = hours * 60 + found.get("m", 0) - found.get("zone", 0)
    return days * _DAY + minutes * 60_000 + found.get("s", 0) * 1000 + found.get("S", 0)


def _days_before(year: int, month: int) -> int:
    """Days from 1970 to the first of a month, of any year."""
    cycles, year_of_cycle = divmod(year, 400)
    first = datetime(2000 + year_of_cycle, month, 1)  # noqa: DTZ001
    return (first - _EPOCH).days + (cycles - 5) * 146_097
