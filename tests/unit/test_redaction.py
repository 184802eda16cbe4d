"""Secrets do not show in texts, and texts stay readable."""

import json

import pytest

from headwater.config import ConfigError, Problem
from headwater.worker.redaction import Redaction

LONG = "s3cret/pass"
WORD = "the"
"""A secret that may be a word of any text."""
SHORT = "p4$s"


def redact(text, *secrets):
    return Redaction(dict.fromkeys(secrets, "#"))(text)


@pytest.mark.parametrize("text", [LONG, f"got {LONG} here", f"x{LONG}x", f"{LONG}{LONG}", f"user:{LONG}@host"])
def test_a_long_secret_shows_nowhere(text):
    assert redact(text, LONG) == text.replace(LONG, "#")


@pytest.mark.parametrize("secret", ['quo"te\u00e9\n!', "back\\slash", "tab\there's"])
@pytest.mark.parametrize("write", [str, repr, json.dumps, lambda text: json.dumps(text, ensure_ascii=False), ascii])
def test_a_secret_shows_in_no_language(secret, write):
    assert secret not in redact(f"got {write(secret)} here", secret)
    assert write(secret)[1:-1] not in redact(f"got {write(secret)} here", secret)


VALUES = [
    "{}",
    "Access denied for user '{}'@'localhost' (using password: YES)",
    "KeyError: '{}'",
    'Invalid value "{}" for configuration property "ssl.key.password"',
    r"{{\"password\": \"{}\"}}",
    "Unknown database `{}`",
    "Invalid value {} for configuration database.port: Not a number of type INT",
    "password={}",
    "password={} is wrong",
    "mysql://{}:x@host/db",
    "mysql://user:{}@host/db",
    "user@{}: refused",
    "connecting to MySQL at {}:3306: refused",
    "hosts [{}]",
    "lookup failed ({})",
]
"""Texts in which what stands for {} is meant as a value."""


@pytest.mark.parametrize("secret", [LONG, SHORT, WORD, "3", "eu", "Abc", "9092"])
@pytest.mark.parametrize("text", VALUES)
def test_no_secret_shows_as_a_value(text, secret):
    assert redact(text.format(secret), secret) == text.format("#")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("the task reads the log, and then: the rest (the last) of them/the others", "the"),
        ("queues of eu-west are due", "eu"),
        ("attempt 3 of 10 at binlog.000003:31", "3"),
        ("Access denied", "Access"),
        ("mysql-bin.000001 in /var/lib/mysql", "mysql"),
        ("type INT8 in x9092y", "9092"),
        ("a p4$sword", SHORT),
    ],
)
def test_no_word_is_taken_for_a_secret(text, secret):
    assert redact(text, secret) == text


@pytest.mark.parametrize("text", [f"{SHORT} is wrong", f"wrong: {SHORT}, or not", f"eu-{SHORT}"])
def test_a_short_secret_that_is_no_word_does_not_show_where_it_stands_alone(text):
    assert redact(text, SHORT) == text.replace(SHORT, "#")


def test_parts_do_not_show_either():
    secret = "one.example:9092,two:1,pw7,b\n-----END-----\n=="
    assert redact("one.example:9092 is down", secret) == "# is down"
    assert redact("can't sign in with pw7 at two:1", secret) == "can't sign in with # at #"
    assert redact("column 'b' == 1", secret) == "column 'b' == 1"


def test_the_longest_that_is_meant_is_taken():
    redaction = Redaction({"eu": "${a}", "eu-west-1": "${b}"})
    assert redaction("'eu' and 'eu-west-1'") == "'${a}' and '${b}'"


def test_what_stands_in_place_of_a_secret_stays():
    redaction = Redaction({"first": "${a}"})
    redaction.add("first", "${b}")
    assert redaction("'first'") == "'${a}'"


def test_other_secrets_are_added_to_a_copy():
    few = Redaction({"first-secret": "${a}", "second-secret": "${b}"})
    many = few.with_others({"third-secret": "${c}", "second-secret": "${a}"})
    text = "first-secret second-secret third-secret"
    assert many(text) == "${a} ${a} ${c}"
    assert few(text) == "${a} ${b} third-secret"


def test_errors_leave_without_their_secrets_and_alone():
    redaction = Redaction({LONG: "#"})
    with pytest.raises(ConfigError) as caught, redaction.of_errors():
        raise ConfigError([Problem("a", f"no {LONG}")]) from ValueError(LONG)
    assert caught.value.problems == (Problem("a", "no #"),)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
