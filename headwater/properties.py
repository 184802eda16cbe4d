"""Java's properties files, the format of a Kafka Connect worker's configuration.

Source: ``java.util.Properties.load``. One difference: the bytes are read as UTF-8 where they are that, and as
ISO 8859-1 only where they are not (as Java does for resource bundles since version 9).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_WHITESPACE = " \t\f"
_LINE = re.compile(r"\r\n|\r|\n")
_TRAILING_BACKSLASHES = re.compile(r"\\*\Z")
_KEY = re.compile(r"(?:[^\\=: \t\f]|\\.)*", re.DOTALL)
_SEPARATOR = re.compile(r"[ \t\f]*[=:]?[ \t\f]*")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|u|.)", re.DOTALL)
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


class PropertiesError(ValueError):
    """A properties file that can't be read: says the line and why."""


def parse_properties(data: bytes) -> dict[str, str]:
    """Every key with its value; the last one wins. Raises `PropertiesError`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("iso-8859-1")
    return dict(_entry(number, line) for number, line in _logical_lines(text))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """(number of its first line, text) of each line that holds an entry, continuations joined."""
    lines = enumerate(_LINE.split(text), start=1)
    for number, natural in lines:
        line = natural.lstrip(_WHITESPACE)
        if not line or line[0] in "#!" or line == "\\":
            continue
        while _continues(line):
            _, continuation = next(lines, (number, ""))
            line = line[:-1] + continuation.lstrip(_WHITESPACE)
        yield number, line


def _continues(line: str) -> bool:
    """Whether the line ends in a backslash that is not itself escaped."""
    backslashes = _TRAILING_BACKSLASHES.search(line)
    return backslashes is not None and len(backslashes.group()) % 2 == 1


def _entry(number: int, line: str) -> tuple[str, str]:
    key = _KEY.match(line)
    assert key is not None  # noqa: S101 - the pattern matches the empty text too
    separator = _SEPARATOR.match(line, key.end())
    assert separator is not None  # noqa: S101 - likewise
    return _unescape(number, key.group()), _unescape(number, line[separator.end() :])


def _unescape(number: int, text: str) -> str:
    if "\\" not in text:
        return text

    def character(match: re.Match[str]) -> str:
        escape = match.group(1)
        if escape == "u":
            raise PropertiesError(f"line {number}: \\u must be followed by four hexadecimal digits")
        return chr(int(escape[1:], 16)) if len(escape) > 1 else _CONTROLS.get(escape, escape)

    try:
        # Characters beyond U+FFFF are written as two escapes, a pair of UTF-16 surrogates.
        return _ESCAPE.sub(character, text).encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise PropertiesError(f"line {number}: a \\u escape is half of a surrogate pair") from None
