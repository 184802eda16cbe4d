"""MySQL's character sets as Python decodes them.

The stream carries text in its column's own character set; a snapshot's text is converted by the server.

Source: https://dev.mysql.com/doc/refman/9.4/en/charset-charsets.html; Connector/J's ``CharsetMapping`` for which
of several similar encodings a set is.
"""

from __future__ import annotations

from codecs import charmap_decode
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

UTF8 = frozenset({"utf8mb4", "utf8mb3", "utf8", "ascii"})
"""Sets whose text is valid UTF-8 as it stands."""

CODECS = {
    "big5": "cp950",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "cp1256": "cp1256",
    "cp1257": "cp1257",
    "cp850": "cp850",
    "cp852": "cp852",
    "cp866": "cp866",
    "cp932": "cp932",
    "euckr": "cp949",
    "gb18030": "gb18030",
    "gb2312": "gb2312",
    "gbk": "gbk",
    "greek": "iso8859_7",
    "hebrew": "iso8859_8",
    "hp8": "hp_roman8",
    "koi8r": "koi8_r",
    "koi8u": "koi8_u",
    "latin2": "iso8859_2",
    "latin5": "iso8859_9",
    "latin7": "iso8859_13",
    "macce": "mac_latin2",
    "macroman": "mac_roman",
    "sjis": "shift_jis",
    "tis620": "tis_620",
    "ucs2": "utf_16_be",
    "ujis": "euc_jp",
    "utf16": "utf_16_be",
    "utf16le": "utf_16_le",
    "utf32": "utf_32_be",
}

LATIN1 = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256))
"""MySQL's latin1 is cp1252, with the five bytes that cp1252 leaves out standing for the control characters."""


def decoder(charset: str) -> Callable[[bytes], str]:
    """The function that decodes text of a MySQL character set. Raises LookupError for a set that is not known."""
    if charset in UTF8:
        return bytes.decode
    if charset == "latin1":
        return _latin1
    return partial(_decode, codec=CODECS[charset])


def _decode(data: bytes, codec: str) -> str:
    return data.decode(codec)


def _latin1(data: bytes) -> str:
    return charmap_decode(data, "strict", LATIN1)[0]
