"""BSON as text, against the classes that Debezium's MongoDB connector writes it with."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.sources.mongodb import bson
from headwater.sources.mongodb.bson import BsonError, name_end, value_end
from headwater.sources.mongodb.extended_json import Form, Writer
from tests.bson_documents import STRING, damaged, document, documents, nested, string
from tests.conformance.reference import ConversionError, ExtendedJsonReference

EXAMPLES = 1000
DOUBLE = re.compile(r"-?\d+\.\d+(?:E[+-]?\d+)?")


@pytest.fixture(scope="module")
def java() -> Iterator[ExtendedJsonReference]:
    with ExtendedJsonReference() as reference:
        yield reference


class Ours:
    """One writer for each form, which lives on from document to document."""

    def __init__(self) -> None:
        self.writers = {form: Writer(form) for form in Form}

    def texts(self, data: bytes) -> dict[str, str]:
        data = data[: value_end(data, bson.DOCUMENT, 0, len(data))]  # What stands behind a document isn't read.
        kind, start, end = key(data)
        return {
            "strict": self.writers[Form.STRICT].document(data, 0, len(data)),
            "change": self.writers[Form.CHANGE].document(data, 0, len(data)),
            "key": self.writers[Form.KEY].value(data, kind, start, end),
        }


def key(data: bytes) -> tuple[int, int, int]:
    """Type, start and end of ``_id``: the last, as in a map."""
    found, at, stop = (bson.NULL, 0, 0), 4, len(data) - 1
    while at < stop:
        behind = name_end(data, at + 1, stop)
        end = value_end(data, data[at], behind + 1, stop)
        if data[at + 1 : behind] == b"_id":
            found = (data[at], behind + 1, end)
        at = end
    return found


def escaped(java: ExtendedJsonReference | Ours, characters: list[str]) -> list[str]:
    """Each character as it is written; none of them is ASCII."""
    elements = ((STRING, b"%d" % index, string(each)) for index, each in enumerate(characters))
    return [pair.partition(": ")[2] for pair in java.texts(document(*elements))["strict"][1:-1].split(",")]


@pytest.fixture(scope="module")
def disputed(java: ExtendedJsonReference) -> frozenset[str]:
    """Characters that are written differently, because only one of Python and Java knows them already."""
    characters = [chr(code) for code in range(0x80, 0x10000) if not 0xD800 <= code <= 0xDFFF]
    pairs = zip(characters, escaped(java, characters), escaped(Ours(), characters), strict=True)
    return frozenset(character for character, theirs, ours in pairs if theirs != ours)


def test_characters_are_escaped_alike_but_for_those_new_to_unicode(disputed, report):
    newer_in_python = {each for each in disputed if unicodedata.category(each) != "Cn"}
    assert len(disputed) < 1000
    assert all(escaped(Ours(), [each]) == [f'"{each}"'] for each in newer_in_python)
    assert all(escaped(Ours(), [each]) == [f'"\\u{ord(each):04x}"'] for each in disputed - newer_in_python)
    report(f"{0x10000 - 0x80 - 2048 - len(disputed)} characters equal, {len(disputed)} new to Unicode in one of both")


def test_documents_are_equal(java, disputed, report):
    ours = Ours()
    known = st.characters(exclude_categories=["Cs"], exclude_characters=sorted(disputed))
    seen = Tally()

    @settings(max_examples=EXAMPLES, deadline=None, database=None)
    @given(documents(known))
    def run(data: bytes) -> None:
        seen.compare(ours.texts(data), java.texts(data))

    run()
    report(f"{seen.documents} documents in 3 forms: {seen.equal} texts equal, {seen.longer} with a longer double")


def test_damaged_bytes_are_refused_together(java, disputed, report):
    seen = Tally()
    refused = 0

    @settings(max_examples=EXAMPLES, deadline=None, database=None)
    @given(damaged())
    def run(data: bytes) -> None:
        nonlocal refused
        try:
            theirs = java.texts(data)
        except ConversionError:
            refused += 1
            with pytest.raises(BsonError):
                Ours().texts(data)
        else:
            ours = Ours().texts(data)
            if disputed.isdisjoint(theirs["strict"] + ours["strict"]):
                seen.compare(ours, theirs)

    run()
    report(f"{refused} damaged documents refused, {seen.documents} still readable and equal")


@settings(max_examples=EXAMPLES, deadline=None, database=None)
@given(data=st.binary(max_size=12))
def test_text_that_is_no_utf_8_is_read_as_java_does(java, disputed, data):
    one = document((STRING, b"a", string(data)))
    theirs, ours = java.texts(one)["strict"], Ours().texts(one)["strict"]
    if disputed.isdisjoint(theirs + ours):
        assert ours == theirs


def test_the_deepest_documents_are_equal(java):
    data = nested(bson.MAX_DEPTH - 1)
    assert Ours().texts(data) == java.texts(data)


class Tally:
    """Counts what was compared. Before version 19 Java names some doubles with more digits than are needed."""

    def __init__(self) -> None:
        self.documents = self.equal = self.longer = 0

    def compare(self, ours: dict[str, str], theirs: dict[str, str]) -> None:
        self.documents += 1
        for form, text in theirs.items():
            if ours[form] == text:
                self.equal += 1
                continue
            assert DOUBLE.sub(shortest, ours[form]) == DOUBLE.sub(shortest, text)
            self.longer += 1


def shortest(match: re.Match[str]) -> str:
    return repr(float(match[0]))
