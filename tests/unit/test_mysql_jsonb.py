"""MySQL's binary JSON: the text Debezium gives, for every type; and bytes that are no document."""

import json
import math
import struct
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.sources.mysql import jsonb

RECORDED = json.loads((Path(__file__).parent / "data" / "mysql_json.json").read_text())
"""Documents as MySQL 9.7 stores them, with the text that Debezium 3.6.3 gives for them and the server's own.

One differs from Debezium: a negative TIME, which its reader garbles.
"""


@pytest.mark.parametrize("document", RECORDED, ids=lambda document: document["text"][:40])
def test_recorded_documents_read_as_debezium_reads_them(document: dict[str, str]) -> None:
    assert jsonb.text(bytes.fromhex(document["binary"])) == document["text"]


# A writer of binary JSON, for round trips: the layout that MySQL's json_binary.h describes.


def written(value: Any, *, large: bool) -> bytes:
    kind, body = _value(value, large=large)
    return bytes([kind]) + body


def _value(value: Any, *, large: bool) -> tuple[int, bytes]:
    match value:
        case dict():
            return 0 + large, _container(list(value.values()), list(value), large=large)
        case list():
            return 2 + large, _container(value, None, large=large)
        case None:
            return 4, b"\0"
        case bool():
            return 4, b"\1" if value else b"\2"
        case int():
            return _integer(value)
        case float():
            return 11, struct.pack("<d", value)
        case _:
            data = value.encode()
            return 12, _length(len(data)) + data


def _integer(value: int) -> tuple[int, bytes]:
    for kind, form in ((5, "<h"), (6, "<H"), (7, "<i"), (8, "<I"), (9, "<q")):
        try:
            return kind, struct.pack(form, value)
        except struct.error:
            continue
    return 10, struct.pack("<Q", value)


def _length(size: int) -> bytes:
    out = bytearray()
    while size >= 0x80:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*out, size])


def _container(values: list[Any], keys: list[str] | None, *, large: bool) -> bytes:
    word = "<I" if large else "<H"
    width = 4 if large else 2
    names = [key.encode() for key in keys or []]
    entries_size = len(names) * (width + 2) + len(values) * (1 + width)
    offset = 2 * width + entries_size
    key_entries = b""
    for name in names:
        key_entries += struct.pack(word, offset) + struct.pack("<H", len(name))
        offset += len(name)
    value_entries, bodies = b"", b""
    for value in values:
        kind, body = _value(value, large=large)
        if kind in (4, 5, 6) or (large and kind in (7, 8)):
            value_entries += bytes([kind]) + body.ljust(width, b"\0")
        else:
            value_entries += bytes([kind]) + struct.pack(word, offset)
            bodies += body
            offset += len(body)
    return (
        struct.pack(word, len(values))
        + struct.pack(word, offset)
        + key_entries
        + value_entries
        + b"".join(names)
        + bodies
    )


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
documents = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(texts, inner, max_size=6),
    max_leaves=30,
)


@given(documents, st.booleans())
def test_any_document_reads_as_what_was_written(value: Any, large: bool) -> None:
    text = jsonb.text(written(value, large=large))
    assert json.loads(text) == value


@given(
    st.recursive(st.booleans() | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)
)
def test_text_is_compact_and_escapes_only_what_json_must(value: Any) -> None:
    text = jsonb.text(written(value, large=False))
    assert text.lower() == json.dumps(value, ensure_ascii=False, separators=(",", ":")).lower()


@given(st.floats(allow_nan=False, allow_infinity=False) | st.floats(1e-3, 1e7) | st.floats(-1e7, -1e-3))
def test_doubles_are_never_in_scientific_notation(number: float) -> None:
    text = jsonb.text(written(number, large=False))
    assert "e" not in text.lower()
    assert float(text) == number
    assert math.copysign(1, float(text)) == math.copysign(1, number) or number == 0
    if not 1e-3 <= abs(number) < 1e7 and number:
        assert Decimal(text) == Decimal(number)
    else:
        assert text == repr(number)


def test_control_characters_are_escaped_with_capitals_and_a_backslash_before_u_is_not_taken_for_one() -> None:
    assert jsonb.text(written("\x1f\x00\\u001f\t", large=False)) == r'"\u001F\u0000\\u001f\t"'


def test_a_hundred_levels_are_read_and_more_are_refused() -> None:
    value: Any = []
    for _ in range(99):
        value = [value]
    assert jsonb.text(written(value, large=False)) == "[" * 100 + "]" * 100
    with pytest.raises(jsonb.JsonError, match="deeper than 100"):
        jsonb.text(written([value], large=False))


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"\x0d", "no type 0x0d"),
        (b"\x04\x03", "no literal 0x03"),
        (b"\x0b\x00", "run beyond its end"),
        (b"\x02\x01", "cut short"),
        (b"\x0c\x05abc", "beyond its end"),
        (b"\x0c\xff\xff\xff\xff\xff\xff", "more than five bytes"),
        (b"\x0c\x02\xc3\x28", "damaged"),
        (b"\x02\xff\xff\x04\x00", "65535 members"),
        (b"\x00\x01\x00\x10\x00\x0b\x00\xff\x00\x04\x00\x00", "key"),
        (
            b"\x00\x02\x00\x14\x00\x12\x00\x01\x00\x13\x00\x01\x00\x04\x00\x00\x04\x00\x00aa",
            "two members of the same name",
        ),
        (b"\x0f\xf6\x04\x05\x02\x81\x00", r"decimal\(5,2\) of 2 bytes"),
        (b"\x0b" + struct.pack("<d", math.nan), "the number nan"),
    ],
)
def test_bytes_that_are_no_document_are_named(data: bytes, cause: str) -> None:
    with pytest.raises(jsonb.JsonError, match=cause):
        jsonb.text(data)


def test_a_document_whose_members_all_point_at_one_value_is_refused() -> None:
    """Otherwise a megabyte of hostile bytes would grow into gigabytes of text."""
    inner = b"\x02\x00\x0a\x00\x0c\x04\x00\x0c\x04\x00"
    count = 1000
    head = struct.pack("<HH", count, 4 + 3 * count + 2002)
    shared = struct.pack("<BH", 12, 4 + 3 * count)
    body = b"\xd0\x0f" + b"x" * 2000
    with pytest.raises(jsonb.JsonError, match="overlap"):
        jsonb.text(b"\x02" + head + shared * count + body)
    doubling = inner
    for _ in range(30):
        doubling = struct.pack("<HHBHBH", 2, 10 + len(doubling), 2, 10, 2, 10) + doubling
    with pytest.raises(jsonb.JsonError):
        jsonb.text(b"\x02" + doubling)


@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_read_or_are_refused(data: bytes) -> None:
    with suppress(jsonb.JsonError):
        jsonb.text(data)


@given(st.sampled_from(RECORDED), st.data())
def test_damaged_documents_read_or_are_refused(document: dict[str, str], data: st.DataObject) -> None:
    damaged = bytearray.fromhex(document["binary"])
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(jsonb.JsonError):
        jsonb.text(bytes(damaged[: data.draw(st.integers(1, len(damaged)))]))
