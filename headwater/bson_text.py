"""How MongoDB's Java driver quotes text in extended JSON: what Java doesn't print is escaped.

Source: ``org.bson.json.StrictCharacterStreamJsonWriter`` (Java driver 5.9).
"""

from __future__ import annotations

import re
import sys
import unicodedata
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Final

_PLAIN_CATEGORIES: Final = frozenset(
    ("Lu", "Ll", "Lt", "Lo", "Nd", "Nl", "No", "Zs", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So")
)


def quote(text: str) -> str:
    """A JSON string."""
    if text.isascii():
        return encode_basestring_ascii(text)
    return _UNPRINTED.sub(_escape, encode_basestring(text))


def _escape(match: re.Match[str]) -> str:
    return encode_basestring_ascii(match[0])[1:-1]


def _is_as_it_is(code: int) -> bool:
    if code < 0x7F:
        return code >= 0x20 and code not in b'"\\'
    return unicodedata.category(chr(code)) in _PLAIN_CATEGORIES


AS_IT_IS: Final = bytes(map(_is_as_it_is, range(0x10000)))
"""Of each character up to U+FFFF whether it needs no escape."""


def _unprinted() -> str:
    """The characters that are escaped though JSON would take them, for a regular expression's set of characters."""
    classes: list[str] = []
    start = -1
    for code in range(0x7F, 0x10000):
        plain = bool(AS_IT_IS[code])
        if plain and start >= 0:
            classes.append(f"{re.escape(chr(start))}-{re.escape(chr(code - 1))}")
            start = -1
        elif not plain and start < 0:
            start = code
    return f"{''.join(classes)}{chr(start)}-{chr(sys.maxunicode)}"


UNPRINTED: Final = _unprinted()
"""The same, for a regular expression."""
_UNPRINTED: Final = re.compile(f"[{UNPRINTED}]")
