"""BSON as extended JSON text: as Debezium wrote it, whatever was written before, and never from damaged bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.sources.mongodb import bson
from headwater.sources.mongodb.bson import BsonError
from headwater.sources.mongodb.extended_json import Form, Writer
from tests.bson_documents import (
    BINARY,
    BOOLEAN,
    CODE_WITH_SCOPE,
    DOCUMENT,
    INT32,
    NULL,
    OBJECT_ID,
    STRING,
    array,
    code_with_scope,
    damaged,
    document,
    documents,
    int32,
    nested,
    string,
)
from tests.recordings.extended_json import recorded

RECORDED = recorded()
WITH_ID = [case for case in RECORDED if case.document[5:9] == b"_id\0" and case.name != "names that repeat"]
ANY = documents()
DEEPEST = nested(bson.MAX_DEPTH - 1)


def write(data: bytes, form: Form = Form.STRICT) -> str:
    return Writer(form).document(data, 0, len(data))


@pytest.mark.parametrize("form", [Form.STRICT, Form.CHANGE])
@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.name)
def test_a_document_is_written_as_debezium_writes_it(case, form):
    assert write(case.document, form) == case.texts[form.value]


@pytest.mark.parametrize("case", WITH_ID, ids=lambda case: case.name)
def test_an_id_is_written_as_debezium_writes_it_in_a_key(case):
    kind, start = case.document[4], 9
    end = bson.value_end(case.document, kind, start, len(case.document) - 1)
    assert Writer(Form.KEY).value(case.document, kind, start, end) == case.texts["key"]


@given(st.binary(max_size=4), st.integers(0, 300), st.integers(0, 300))
def test_a_long_string_is_written_as_a_short_one(middle, before, behind):
    def text(raw: bytes) -> str:
        return write(document((STRING, b"a", string(raw))))[len('{"a": "') : -len('"}')]

    assert text(b"b" * before + middle + b"e" * behind) == "b" * before + text(middle) + "e" * behind


@given(st.lists(ANY, max_size=6), st.sampled_from(Form))
def test_what_was_written_before_changes_nothing(found, form):
    writer = Writer(form)
    for data in [*found, *found]:
        assert writer.document(data, 0, len(data)) == write(data, form)


@given(ANY, st.binary(), st.binary())
def test_what_stands_around_a_document_changes_nothing(data, before, behind):
    start = len(before)
    text = Writer(Form.STRICT).document(before + data + behind, start, start + len(data))
    assert text == write(data)


@given(ANY)
def test_a_document_that_is_cut_short_is_refused(data):
    writer = Writer(Form.STRICT)
    for end in range(len(data)):
        with pytest.raises(BsonError):
            writer.document(data[:end], 0, end)
        with pytest.raises(BsonError):
            writer.document(data, 0, end)


@given(st.lists(damaged(), max_size=6))
def test_damaged_bytes_give_a_text_or_an_error_and_leave_no_trace(found):
    writer = Writer(Form.STRICT)
    for data in found:
        try:
            text = writer.document(data, 0, len(data))
        except BsonError:
            with pytest.raises(BsonError):
                write(data)
        else:
            assert text == write(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "4 bytes wanted where 0 are left"),
        (b"\5\0\0\0\1", "without the zero byte at its end"),
        (b"\4\0\0\0\0", "a document of 4 bytes in 5"),
        (document() + b"\0", "bytes behind a value of type 0x03"),
        (document((0x20, b"a", b"")), "no type 0x20"),
        (document((0, b"a", b"")), "no type 0x00"),
        (b"\x07\0\0\0\x0aa\0", "a name without the zero byte at its end"),
        (document((BOOLEAN, b"a", b"\2")), "a boolean that is 2"),
        (document((OBJECT_ID, b"a", b"short")), "12 bytes wanted where 5 are left"),
        (document((STRING, b"a", int32(0))), "a string of 0 bytes"),
        (document((STRING, b"a", int32(-1) + b"a\0")), "a string of 4294967295 bytes in 2"),
        (document((STRING, b"a", int32(2) + b"ab")), "a string without the zero byte at its end"),
        (document((BINARY, b"a", int32(6) + b"\2" + int32(1) + b"ab")), "two different sizes"),
        (document((BINARY, b"a", int32(1) + b"\2" + b"a")), "4 bytes wanted where 1 are left"),
        (document((DOCUMENT, b"a", int32(9))), "a document of 9 bytes in 4"),
        (document((CODE_WITH_SCOPE, b"a", int32(3))), "smaller than its size"),
        (document((CODE_WITH_SCOPE, b"a", code_with_scope("", document() + b"\0"))), "bytes behind the scope"),
        (document((BOOLEAN, b"a", b"\2"), (NULL, b"a", b"")), "a boolean that is 2"),
        (nested(bson.MAX_DEPTH), "nested deeper than 200 levels"),
        (document((CODE_WITH_SCOPE, b"a", code_with_scope("", DEEPEST))), "nested deeper than 200 levels"),
    ],
)
def test_damage_is_named(data, message):
    with pytest.raises(BsonError, match=message):
        write(data)


def test_a_name_that_was_met_before_may_not_reach_beyond_its_document():
    writer = Writer(Form.STRICT)
    good = document((DOCUMENT, b"a", document((NULL, b"b", b""))), (NULL, b"c", b""))
    assert writer.document(good, 0, len(good)) == '{"a": {"b": null},"c": null}'
    bad = bytearray(good)
    bad[7] -= 1  # the inner document now ends with the name's zero byte
    with pytest.raises(BsonError):
        writer.document(bytes(bad), 0, len(bad))


def test_where_a_value_stands_is_checked():
    data = document((INT32, b"a", int32(1)))
    for start, end in ((-1, len(data)), (0, len(data) + 1), (3, 2)):
        with pytest.raises(BsonError, match="wanted of"):
            Writer(Form.KEY).document(data, start, end)


def test_names_without_end_take_no_memory_without_end():
    writer = Writer(Form.STRICT)
    for first in range(0, 200_000, 1000):
        data = document(*((NULL, b"%d" % number, b"") for number in range(first, first + 1000)))
        text = writer.document(data, 0, len(data))
        assert text.startswith(f'{{"{first}": null,')
        assert text.count(":") == 1000
    assert len(writer._headers) < 100_000
    assert len(writer._names) < 100_000


def test_the_deepest_document_is_written():
    assert write(DEEPEST) == '{"a": ' * (bson.MAX_DEPTH - 1) + "{}" + "}" * (bson.MAX_DEPTH - 1)
    assert write(document((0x04, b"a", array((NULL, b""))))) == '{"a": [null]}'


def test_names_that_repeat_on_every_level_are_each_written_once():
    data, text = document(), "{}"
    for _ in range(bson.MAX_DEPTH - 1):
        data = document((NULL, b"b", b""), (DOCUMENT, b"a", data), (NULL, b"b", b""))
        text = f'{{"b": null,"a": {text}}}'
    assert write(data) == text  # if each level were written twice, this would never end
