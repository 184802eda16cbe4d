"""BSON as extended JSON text, straight from its bytes, in the forms that Debezium's MongoDB connector gives it.

`Form.STRICT` is the old strict form, of ``before``, ``after`` and ``source.lsid``; the others are the relaxed form of
version 2. A document reads as one that was decoded into a map: of several elements with one name the last counts, in
the place of the first.

Source: ``JsonSerialization`` and ``MongoDbCollectionSchema`` in Debezium 3.6; ``org.bson.json.JsonWriter``,
``StrictCharacterStreamJsonWriter`` and the converters beside them, ``org.bson.BsonBinaryReader`` (Java driver 5.9).
"""

from __future__ import annotations

import re
import struct
from base64 import b64encode
from datetime import date, timedelta
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import orjson

from headwater.bson_text import AS_IT_IS, UNPRINTED, quote
from headwater.java_double import double_text
from headwater.sources.little_endian import s32, s64, u32
from headwater.sources.mongodb import bson
from headwater.sources.mongodb.bson import (
    BsonError,
    check_limits,
    document_end,
    name_end,
    require,
    string_end,
    value_end,
)

if TYPE_CHECKING:
    from mypy_extensions import i64

_FLOAT64: Final = struct.Struct("<d")
_EPOCH: Final = date(1970, 1, 1)
_PAIRS: Final = [f"{number:02}" for number in range(60)]
_END_OF_YEAR_9999: Final = 253402300799999
_MAX_HEADERS: Final = 65536
_OLD_BINARY: Final = 2

# What StrictCharacterStreamJsonWriter writes as it is; all else becomes an escape, and so does everything above U+FFFF,
# because Java looks at the halves of a surrogate pair.
_SURROGATE: Final = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]?")
"""Half of a surrogate pair, or most of it, in bytes that are no UTF-8; Java reads it as one unreadable character."""


_QUOTED: Final = ('"', '"')
_RELAXED_AFFIXES: Final = {bson.STRING: _QUOTED, bson.OBJECT_ID: ('{"$oid": "', '"}'), bson.DATE: ('{"$date": ', "}")}
_STRICT_AFFIXES: Final = _RELAXED_AFFIXES | {bson.INT64: ('{"$numberLong": "', '"}')}
"""What opens and closes the values of a type."""

_LONG: Final = 128
"""Bytes of a string from which on it is quicker to look at a copy of it."""
_PLAIN: Final = re.compile(rb"[ !#-\[\]-~]*")
_INTERPRETED: Final = __file__.endswith(".py")
_hex: Final = bytes.hex


class Form(Enum):
    """Which extended JSON: ``before`` and ``after``, the key's ``id``, or ``updatedFields``."""

    STRICT = "strict"
    KEY = "key"
    CHANGE = "change"


class Header:
    """The type and the name of an element, and the text that stands around its value; in an array it has no name.

    ``child`` is what came first within it the last time, ``sibling`` what came next, after the text ``link``: where
    documents are alike, a header is known before it is read.
    """

    __slots__ = ("child", "close", "first", "kind", "last", "link", "name", "next", "open", "raw", "sibling")

    def __init__(self, raw: bytes, name: Name, label: str, comma: str, affixes: tuple[str, str]) -> None:
        self.raw = raw
        self.kind: i64 = raw[0]
        self.name = name
        self.open, self.close = affixes
        self.first = ("{" if label else "[") + label + self.open
        self.next = comma + label + self.open
        self.last = self.close + ("}" if label else "]")
        self.link = ""
        self.sibling: Header | None = None
        self.child: Header | None = None

    def link_to(self, header: Header) -> str:
        """The text between the value of this and that of ``header``, which follows."""
        if self.sibling is not header:
            self.sibling = header
            self.link = self.close + header.next
        return self.link


class Name:
    """An element's name; ``seen`` is the last document that it was met in."""

    __slots__ = ("seen",)

    def __init__(self) -> None:
        self.seen: i64 = 0


class Writer:
    """Writes documents in one form. It keeps what it learns of their names, and serves one thread.

    One for each collection is quickest.
    """

    def __init__(self, form: Form) -> None:
        self._relaxed = form is not Form.STRICT
        self._comma = ", " if form is Form.CHANGE else ","
        self._affixes = _RELAXED_AFFIXES if self._relaxed else _STRICT_AFFIXES
        self._headers: dict[bytes, Header] = {}
        self._names: dict[str, Name] = {}
        nameless = Name()
        self._items = [Header(bytes([kind]), nameless, "", self._comma, self._around(kind)) for kind in range(256)]
        self._documents: i64 = 0
        self._parts: list[str] = []
        self._repeating: set[int] = set()  # where documents begin that have been found to have a name twice
        self._characters = ""
        self._start: i64 = 0

    def document(self, data: bytes, start: i64, end: i64) -> str:
        """The text of the document that takes up ``data[start:end]``. Raises `BsonError`."""
        return self.value(data, bson.DOCUMENT, start, end)

    def value(self, data: bytes, kind: i64, start: i64, end: i64) -> str:
        """The text of the value of type ``kind`` that takes up ``data[start:end]``. Raises `BsonError`."""
        check_limits(data, start, end)
        if len(self._headers) > _MAX_HEADERS:
            self._headers.clear()
            self._names.clear()
        parts: list[str] = []
        self._parts = parts
        self._repeating.clear()
        self._characters = data[start:end].decode("latin-1")
        self._start = start
        header = self._items[kind]
        parts.append(header.open)
        if self._value(data, header, start, end, 0) != end:
            raise BsonError(f"BSON: bytes behind a value of type 0x{kind:02x}")
        parts.append(header.close)
        self._parts, self._characters = [], ""
        return "".join(parts)

    def _document(self, data: bytes, parent: Header, start: i64, limit: i64, depth: i64) -> i64:
        """Write the document that begins at ``start``, the value of ``parent``; where it ends."""
        end = _enter(data, start, limit, depth)
        stop: i64 = end - 1
        at: i64 = start + 4
        parts = self._parts
        if at == stop:
            parts.append("{}")
            return end
        if self._repeating and start in self._repeating:  # else each level would double the time of those within it
            self._merged(data, at, stop, depth)
            return end
        before: i64 = len(parts)
        self._documents += 1
        this: i64 = self._documents
        may_repeat = True
        previous: Header | None = None
        while at < stop:
            header = parent.child if previous is None else previous.sibling
            if header is None or not _stands_at(data, at, stop, header.raw):
                header = self._header(data, at, stop)
            name = header.name
            if name.seen >= this and may_repeat:  # met here, or in a document within this one
                if _repeats(data, start + 4, stop):
                    self._repeating.add(start)
                    del parts[before:]
                    self._merged(data, start + 4, stop, depth)
                    return end
                may_repeat = False
            name.seen = this
            if previous is None:
                parent.child = header
                parts.append(header.first)
            else:
                parts.append(previous.link_to(header))
            at = self._value(data, header, at + len(header.raw), stop, depth)
            previous = header
        if previous is not None:
            parts.append(previous.last)
        return end

    def _merged(self, data: bytes, at: i64, stop: i64, depth: i64) -> None:
        """Write the elements from ``at`` to ``stop``, each name once. What a later one replaces has to be sound too."""
        parts = self._parts
        before: i64 = len(parts)
        last: dict[str, tuple[Header, str]] = {}
        while at < stop:
            header = self._header(data, at, stop)
            at = self._value(data, header, at + len(header.raw), stop, depth)
            last[_text(header.raw[1:-1])] = (header, "".join(parts[before:]))
            del parts[before:]
        previous: Header | None = None
        for header, text in last.values():
            parts.append(header.first if previous is None else previous.link_to(header))
            parts.append(text)
            previous = header
        if previous is not None:
            parts.append(previous.last)

    def _array(self, data: bytes, parent: Header, start: i64, limit: i64, depth: i64) -> i64:
        end = _enter(data, start, limit, depth)
        stop: i64 = end - 1
        at: i64 = start + 4
        parts = self._parts
        if at == stop:
            parts.append("[]")
            return end
        previous: Header | None = None
        while at < stop:
            kind: i64 = data[at]
            item = self._items[kind]
            parts.append(item.first if previous is None else previous.link_to(item))
            previous = item
            at = name_end(data, at + 1, stop) + 1
            if kind == bson.DOCUMENT:
                at = self._document(data, parent, at, stop, depth + 1)
            else:
                at = self._value(data, item, at, stop, depth)
        if previous is not None:
            parts.append(previous.last)
        return end

    def _header(self, data: bytes, at: i64, stop: i64) -> Header:
        raw = data[at : name_end(data, at + 1, stop) + 1]
        header = self._headers.get(raw)
        if header is None:
            text = _text(raw[1:-1])
            name = self._names.get(text)
            if name is None:
                name = self._names[text] = Name()
            header = Header(raw, name, f"{quote(text)}: ", self._comma, self._around(raw[0]))
            self._headers[raw] = header
        return header

    def _around(self, kind: int) -> tuple[str, str]:
        return self._affixes.get(kind, ("", ""))

    def _value(self, data: bytes, header: Header, at: i64, limit: i64, depth: i64) -> i64:
        """Write the value that begins at ``at``, but for what opens and closes it; where it ends."""
        parts = self._parts
        kind = header.kind
        if kind == bson.STRING:
            end = string_end(data, at, limit)
            parts.append(self._string(data, at + 4, end - 1))
            return end
        if kind == bson.OBJECT_ID:
            require(at, 12, limit)
            parts.append(_hex(data[at : at + 12]))
            return at + 12
        if kind == bson.INT32:
            require(at, 4, limit)
            parts.append(str(s32(data, at)))
            return at + 4
        if kind == bson.DOCUMENT:
            return self._document(data, header, at, limit, depth + 1)
        if kind == bson.ARRAY:
            return self._array(data, header, at, limit, depth + 1)
        if kind == bson.INT64:
            require(at, 8, limit)
            parts.append(str(s64(data, at)))
            return at + 8
        if kind == bson.DATE:
            require(at, 8, limit)
            parts.append(_relaxed_date(s64(data, at)) if self._relaxed else str(s64(data, at)))
            return at + 8
        if kind == bson.NULL:
            parts.append("null")
            return at
        if kind == bson.BOOLEAN:
            require(at, 1, limit)
            parts.append(_boolean(data[at]))
            return at + 1
        if kind == bson.DOUBLE:
            require(at, 8, limit)
            parts.append(self._double(_FLOAT64.unpack_from(data, at)[0]))
            return at + 8
        if kind == bson.CODE_WITH_SCOPE:
            return self._code_with_scope(data, at, limit, depth)
        end = value_end(data, kind, at, limit)
        parts.append(self._rare(data, kind, at, end))
        return end

    def _code_with_scope(self, data: bytes, at: i64, limit: i64, depth: i64) -> i64:
        end = value_end(data, bson.CODE_WITH_SCOPE, at, limit)
        scope = string_end(data, at + 4, end)
        self._parts.append(f'{{"$code": {quote(_text(data[at + 8 : scope - 1]))}{self._comma}"$scope": ')
        if self._document(data, self._items[bson.CODE_WITH_SCOPE], scope, end, depth + 1) != end:
            raise BsonError("BSON: bytes behind the scope of code")
        self._parts.append("}")
        return end

    def _string(self, data: bytes, start: i64, end: i64) -> str:
        """The text that takes up ``data[start:end]`` as it stands within a JSON string."""
        if end - start < _LONG:
            if _plain(data, start, end):
                return self._characters[start - self._start : end - self._start]
        else:
            characters = self._characters[start - self._start : end - self._start]
            if _is_plain(characters):
                return characters
        text = _text(data[start:end])
        return text if _stands(data, start, end, text) else quote(text)[1:-1]

    def _rare(self, data: bytes, kind: i64, at: i64, end: i64) -> str:
        """A value that takes up ``data[at:end]``, of the types that documents seldom have."""
        comma = self._comma
        if kind == bson.BINARY:
            return self._binary(data, at, end)
        if kind == bson.DECIMAL128:
            return f'{{"$numberDecimal": "{_decimal(s64(data, at), s64(data, at + 8))}"}}'
        if kind == bson.TIMESTAMP:
            return f'{{"$timestamp": {{"t": {u32(data, at + 4)}{comma}"i": {u32(data, at)}}}}}'
        if kind == bson.REGEX:
            behind = name_end(data, at, end)
            pattern = quote(_text(data[at:behind]))
            options = quote(_sorted(_text(data[behind + 1 : end - 1])))
            if self._relaxed:
                return f'{{"$regularExpression": {{"pattern": {pattern}{comma}"options": {options}}}}}'
            return f'{{"$regex": {pattern}{comma}"$options": {options}}}'
        if kind == bson.CODE:
            return f'{{"$code": {quote(_text(data[at + 4 : end - 1]))}}}'
        if kind == bson.SYMBOL:
            return f'{{"$symbol": {quote(_text(data[at + 4 : end - 1]))}}}'
        if kind == bson.DB_POINTER:
            behind = end - 12
            namespace = quote(_text(data[at + 4 : behind - 1]))
            return f'{{"$ref": {namespace}{comma}"$id": {{"$oid": "{data[behind:end].hex()}"}}}}'
        if kind == bson.MIN_KEY:
            return '{"$minKey": 1}'
        if kind == bson.MAX_KEY:
            return '{"$maxKey": 1}'
        return '{"$undefined": true}'

    def _binary(self, data: bytes, at: i64, end: i64) -> str:
        subtype: i64 = data[at + 4]
        start: i64 = at + 5
        if subtype == _OLD_BINARY:  # has its size twice
            require(start, 4, end)
            if start + 4 + u32(data, start) != end:
                raise BsonError("BSON: binary data of subtype 2 with two different sizes")
            start += 4
        base64 = b64encode(data[start:end]).decode("ascii")
        if self._relaxed:
            return f'{{"$binary": {{"base64": "{base64}"{self._comma}"subType": "{subtype:02X}"}}}}'
        return f'{{"$binary": "{base64}"{self._comma}"$type": "{subtype:02X}"}}'

    def _double(self, value: float) -> str:
        text = double_text(value)
        if value - value != 0:
            return f'{{"$numberDouble": "{text}"}}' if self._relaxed else text
        return text.replace("E", "E+") if "E" in text and "E-" not in text else text


def _enter(data: bytes, start: i64, limit: i64, depth: i64) -> i64:
    """Where the document or array that begins at ``start`` ends, the ``depth``th of those within each other."""
    if depth > bson.MAX_DEPTH:
        raise BsonError(f"BSON nested deeper than {bson.MAX_DEPTH} levels")
    return document_end(data, start, limit)


def _repeats(data: bytes, at: i64, stop: i64) -> bool:
    """Whether two of the elements from ``at`` to ``stop`` have the same name."""
    names: set[str] = set()
    count = 0
    while at < stop:
        behind = name_end(data, at + 1, stop)
        names.add(_text(data[at + 1 : behind]))
        count += 1
        at = value_end(data, data[at], behind + 1, stop)
    return len(names) != count


def _stands_at(data: bytes, at: i64, stop: i64, raw: bytes) -> bool:
    """Whether ``data`` goes on with ``raw`` at ``at``, before ``stop``."""
    size: i64 = len(raw)
    if at + size > stop:
        return False
    if _INTERPRETED:
        return data.startswith(raw, at)
    place: i64 = 0
    while place < size:
        if data[at + place] != raw[place]:
            return False
        place += 1
    return True


def _relaxed_date(milliseconds: i64) -> str:
    if milliseconds < 0 or milliseconds > _END_OF_YEAR_9999:
        return f'{{"$numberLong": "{milliseconds}"}}'
    second: i64 = milliseconds // 1000
    minute: i64 = second // 60
    hour: i64 = minute // 60
    fraction: i64 = milliseconds % 1000
    shown = f".{fraction:03}".rstrip("0") if fraction else ""
    return f'"{_day(hour // 24)}T{_PAIRS[hour % 24]}:{_PAIRS[minute % 60]}:{_PAIRS[second % 60]}{shown}Z"'


@lru_cache(maxsize=4096)
def _day(number: int) -> str:
    """The date that many days after 1970-01-01."""
    return (_EPOCH + timedelta(days=number)).isoformat()


def _boolean(byte: i64) -> str:
    if byte > 1:
        raise BsonError(f"BSON: a boolean that is {byte}")
    return "true" if byte else "false"


def _text(raw: bytes) -> str:
    """Text in UTF-8; what is none is replaced as Java does."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return _SURROGATE.sub(b"\xef\xbf\xbd", raw).decode("utf-8", "replace")


def _plain(data: bytes, at: i64, end: i64) -> bool:
    """Whether ``data[at:end]`` is ASCII that needs no escape in JSON."""
    if _INTERPRETED:
        return _PLAIN.fullmatch(data, at, end) is not None
    while at < end:
        byte: i64 = data[at]
        if byte < 0x20 or byte > 0x7E or byte == 0x22 or byte == 0x5C:
            return False
        at += 1
    return True


def _is_plain(text: str) -> bool:
    """The same of a text; orjson looks at many characters at once."""
    return text.isascii() and len(orjson.dumps(text)) == len(text) + 2 and "\x7f" not in text


def _stands(data: bytes, at: i64, end: i64, text: str) -> bool:
    """Whether ``text``, which ``data[at:end]`` is, needs no escape; where the bytes are no UTF-8 the answer is no."""
    if _INTERPRETED:
        return _SPECIAL.search(text) is None
    while at < end:
        code: i64 = data[at]
        size: i64 = 1 if code < 0x80 else 2 if 0xC0 <= code < 0xE0 else 3 if 0xE0 <= code < 0xF0 else 0
        if size == 0 or at + size > end:
            return False
        if size > 1:
            code &= 0x3F >> (size - 1)
            for place in range(at + 1, at + size):
                byte: i64 = data[place]
                if byte & 0xC0 != 0x80:
                    return False
                code = code << 6 | byte & 0x3F
        if _AS_IT_IS[code] == 0:
            return False
        at += size
    return True


_AS_IT_IS: Final = AS_IT_IS
_SPECIAL: Final = re.compile(f'[\\x00-\\x1f"\\\\{UNPRINTED}]')


def _sorted(options: str) -> str:
    """The options of a regular expression, sorted by UTF-16 code units."""
    data = options.encode("utf-16-be")
    units = sorted(data[at : at + 2] for at in range(0, len(data), 2))
    return b"".join(units).decode("utf-16-be", "surrogatepass")


def _decimal(low: int, high: int) -> str:
    """A decimal128 in its binary integer encoding: ``Decimal128.toString``."""
    high &= 0xFFFFFFFFFFFFFFFF
    sign = "-" if high >> 63 else ""
    if high >> 58 & 0x1F == 0x1F:
        return "NaN"
    if high >> 59 & 0xF == 0xF:
        return f"{sign}Infinity"
    if high >> 61 & 3 == 3:  # more digits than there can be
        return _scientific(sign, "0", (high >> 47 & 0x3FFF) - 6176)
    coefficient = (high & 0x1FFFFFFFFFFFF) << 64 | low & 0xFFFFFFFFFFFFFFFF
    return _scientific(sign, str(coefficient), (high >> 49 & 0x3FFF) - 6176)


def _scientific(sign: str, digits: str, exponent: int) -> str:
    adjusted = exponent + len(digits) - 1
    if exponent > 0 or adjusted < -6:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}E{'+' if adjusted > 0 else ''}{adjusted}"
    if exponent == 0:
        return sign + digits
    digits = digits.rjust(1 - exponent, "0")
    return f"{sign}{digits[:exponent]}.{digits[exponent:]}"
