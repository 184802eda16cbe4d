"""References in configurations: which text is one, what it becomes, and that what it became is not shown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.config import HIDDEN, ConfigError
from headwater.config_provider import ConfigProviderError
from headwater.worker.connector_config import hide_secrets, keep_secrets, name_options, read_connector_config
from headwater.worker.references import Reference, References, parse_references

JAVA = re.compile(r"\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}")
"""``ConfigTransformer.DEFAULT_PATTERN``."""


class Values:
    """A provider that gives what it was made with."""

    def __init__(self, values):
        self._values = values

    def get(self, path, key):
        try:
            return self._values[path, key]
        except KeyError:
            raise ConfigProviderError("there is no such value") from None


REFERENCES = References(
    {
        "env": Values({("", "USER"): "cdc-reader", ("", "PASSWORD"): "s3cret/pass", ("", "ZONE"): "eu"}),
        "file": Values({("/etc/a", "key"): "${env:USER}", ("/etc/a", "a:b"): "colon"}),
    }
)


def texts_of(parts):
    return [part.text if isinstance(part, Reference) else part for part in parts]


@given(st.text("${}:ab", max_size=20))
def test_references_are_where_java_finds_them(text):
    parts = parse_references(text)
    found = [(part.text, part.provider, part.path, part.key) for part in parts if isinstance(part, Reference)]
    assert found == [(m.group(0), m.group(1), m.group(3) or "", m.group(4)) for m in JAVA.finditer(text)]
    assert "".join(texts_of(parts)) == text


@pytest.mark.parametrize("text", ["${" * 200_000, "${" + ":" * 400_000, "${a:" * 100_000 + "}", "}" * 400_000])
def test_hostile_text_costs_no_more_than_its_length(text):
    assert "".join(texts_of(parse_references(text))) == text


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("${env:USER}", "cdc-reader"),
        ("${env::USER}", "cdc-reader"),
        ("db-${env:ZONE}-${env:ZONE}:3306", "db-eu-eu:3306"),
        ("${file:/etc/a:a:b}", "colon"),
        ("${file:/etc/a:key}", "${env:USER}"),  # what was looked up is not looked into
        ("${vault:/a:b}", "${vault:/a:b}"),
        ("${routedByValue}", "${routedByValue}"),
        ("$${env:ZONE}", "$eu"),
        ("${env:USER", "${env:USER"),
        ("", ""),
    ],
)
def test_references_become_values(text, resolved):
    assert REFERENCES.resolve({"option": text}) == {"option": resolved}


def test_every_reference_without_a_value_is_named_with_its_option():
    with pytest.raises(ConfigError) as caught:
        REFERENCES.resolve({"a": "${env:NOBODY}", "b": "${env:USER}", "c": "x${file:/etc/b:key}"})
    assert [problem.message for problem in caught.value.problems] == [
        "a: ${env:NOBODY} has no value: there is no such value",
        "c: ${file:/etc/b:key} has no value: there is no such value",
    ]


def test_the_reference_is_shown_in_place_of_what_was_looked_up():
    references = References({"env": Values({("", "A"): "first-secret", ("", "B"): "eu"})})
    text = "got first-secret and 'eu'"
    assert references.redact(text) == text
    references.resolve({"option": "x${env:A}${env:B}"})
    assert references.redact(text) == "got ${env:A} and '${env:B}'"


CONFIG = {
    "name": "outbox",
    "connector.class": "mysql",
    "topic.prefix": "shop",
    "database.hostname": "db-${env:ZONE}.example",
    "database.user": "${env:USER}",
    "database.password": "${env:PASSWORD}",
    "database.server.id": "5400",
}


def test_a_connector_gets_the_values():
    config = read_connector_config(CONFIG, REFERENCES)
    assert config.options["database.hostname"] == "db-eu.example"
    assert config.options["database.user"] == "cdc-reader"
    assert config.options["database.password"] == "s3cret/pass"
    assert name_options(CONFIG, REFERENCES).warnings == ()


def test_without_config_providers_a_reference_is_text_and_warns():
    config = read_connector_config(CONFIG)
    assert config.options["database.password"] == "${env:PASSWORD}"
    assert [warning.message for warning in name_options(CONFIG).warnings] == [
        f"{option} holds a reference that stays text: the worker's config.providers are none"
        for option in ("database.hostname", "database.user", "database.password")
    ]


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("database.port", "${env:USER}", "Invalid value ${env:USER} for configuration database.port: Not a number"),
        ("database.port", "1${env:USER}", "Invalid value 1${env:USER} for configuration database.port: Not a number"),
        ("snapshot.mode", "${env:PASSWORD}", "Invalid value ${env:PASSWORD} for configuration snapshot.mode: "),
        ("table.include.list", "(${env:USER}", "Invalid value (${env:USER} for configuration table.include.list: "),
    ],
)
def test_an_error_names_the_reference_and_not_its_value(option, text, message):
    with pytest.raises(ConfigError) as caught:
        read_connector_config({**CONFIG, option: text}, REFERENCES)
    assert message in str(caught.value)
    assert "cdc-reader" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("option", "text", "value", "shown"),
    [
        ("database.user", "my${env:ZONE}", "myeu", "my${env:ZONE}"),
        ("database.user", "${env:ZONE}${env:ZONE}", "eueu", "${env:ZONE}${env:ZONE}"),
        ("database.password", "my${env:ZONE}", "myeu", HIDDEN),
        ("database.password", "${env:ZONE}${env:ZONE}", "eueu", "${env:ZONE}${env:ZONE}"),
    ],
)
def test_a_value_with_something_looked_up_in_it_does_not_show_either(option, text, value, shown):
    redact = read_connector_config({**CONFIG, option: text}, REFERENCES).redact
    assert redact(f"Access denied for '{value}'@'cdc-reader'") == f"Access denied for '{shown}'@'${{env:USER}}'"


def test_what_says_which_connector_it_is_is_not_looked_up():
    assert read_connector_config({**CONFIG, "name": "${env:USER}"}, REFERENCES).name == "${env:USER}"
    with pytest.raises(ConfigError, match=r"which name matches \$\{env:USER\}"):
        read_connector_config({**CONFIG, "connector.class": "${env:USER}"}, REFERENCES)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("${env:PASSWORD}", "${env:PASSWORD}"),
        ("${env:NOBODY}", "${env:NOBODY}"),
        ("${file:/etc/a:key}${env:ZONE}", "${file:/etc/a:key}${env:ZONE}"),
        ("my${env:ZONE}", HIDDEN),
        ("${vault:PASSWORD}", HIDDEN),
        ("${env:PASSWORD", HIDDEN),
        ("", HIDDEN),
    ],
)
def test_a_password_is_shown_where_it_is_no_more_than_references(text, shown):
    assert hide_secrets({**CONFIG, "database.password": text}, REFERENCES)["database.password"] == shown


def test_a_password_that_is_text_and_reference_can_be_sent_back():
    stored = {**CONFIG, "database.password": "my${env:ZONE}"}
    assert keep_secrets(hide_secrets(stored, REFERENCES), stored) == stored
