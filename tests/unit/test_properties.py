"""Properties files are read as ``java.util.Properties`` reads them."""

import pytest

from headwater.properties import PropertiesError, parse_properties


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key=value", {"key": "value"}),
        ("key = value ", {"key": "value "}),
        ("key:value", {"key": "value"}),
        ("key value with spaces", {"key": "value with spaces"}),
        ("key\t \f=\tvalue", {"key": "value"}),
        ("  key=value", {"key": "value"}),
        ("key==value", {"key": "=value"}),
        ("key : = value", {"key": "= value"}),
        ("key", {"key": ""}),
        ("key=", {"key": ""}),
        ("=value", {"": "value"}),
        ("a=1\nb=2\r\nc=3\rd=4", {"a": "1", "b": "2", "c": "3", "d": "4"}),
        ("a=1\na=2", {"a": "2"}),
        ("# comment\n  ! comment \\\na=1 # no comment\n\n \t\n", {"a": "1 # no comment"}),
        ("a\\ b\\=\\:c=1", {"a b=:c": "1"}),
        ("a=\\t\\n\\r\\f\\\\\\q", {"a": "\t\n\r\f\\q"}),
        ("a=\\u00e9\\u20AC", {"a": "é€"}),
        ("a=\\ud83d\\ude00", {"a": "😀"}),
        ("a=\\\\u0041", {"a": "\\u0041"}),
        ("a=1,\\\n    2,\\\r\n\t3", {"a": "1,2,3"}),
        ("a=1\\\n#2", {"a": "1#2"}),
        ("a=1\\\\\nb=2", {"a": "1\\", "b": "2"}),
        ("a=1\\\\\\\nb=2", {"a": "1\\b=2"}),
        ("a=1\\\n\nb=2", {"a": "1", "b": "2"}),
        ("a=1\\", {"a": "1"}),
        ("\\\n# comment\na=1", {"a": "1"}),
        ("listeners=http://:8083", {"listeners": "http://:8083"}),
        ("", {}),
    ],
)
def test_reads_what_java_reads(text, expected):
    assert parse_properties(text.encode()) == expected


def test_bytes_are_utf_8_and_else_latin_1():
    assert parse_properties("a=é".encode()) == {"a": "é"}
    assert parse_properties("a=é".encode("utf-8-sig")) == {"a": "é"}
    assert parse_properties("a=é".encode("iso-8859-1")) == {"a": "é"}


@pytest.mark.parametrize("text", ["a=\\u12", "a=\\u12g4", "a=\\u"])
def test_a_broken_escape_is_named_with_its_line(text):
    with pytest.raises(PropertiesError, match=r"line 2: .*four hexadecimal digits"):
        parse_properties(f"# first\n{text}".encode())


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(PropertiesError, match=r"line 1: .*surrogate"):
        parse_properties(b"a=\\ud83d")
