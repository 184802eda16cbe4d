"""When a secret is kept for a `[hidden]` that comes back."""

import pytest

from headwater.config import ConfigError
from headwater.worker.connector_config import hide_secrets, keep_secrets

STORED = {
    "connector.class": "mysql",
    "database.hostname": "db",
    "database.user": "reader",
    "database.password": "first",
    "database.pasword": "second",
    "producer.override.sasl.jaas.config": "third",
}


def test_what_was_shown_can_be_sent_back():
    assert keep_secrets(hide_secrets(STORED), STORED) == STORED


@pytest.mark.parametrize(
    "change",
    [
        {"table.include.list": "shop.orders"},
        {"database.port": "3306"},
        {"Database.Hostname": "db"},
        {"database.password": "[hidden]", "database.pasword": "new"},
    ],
)
def test_secrets_are_kept_where_they_are_sent_to_the_same_place(change):
    kept = keep_secrets({**hide_secrets(STORED), **change}, STORED)
    assert kept == {**STORED, **change, "database.password": "first"}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("database.hostname", "elsewhere"),
        ("database.port", "3307"),
        ("database.user", "admin"),
        ("producer.override.bootstrap.servers", "elsewhere:9092"),
        ("value.converter.schema.registry.url", "http://elsewhere"),
        ("connector.class", "unknown"),
    ],
)
def test_secrets_are_not_sent_elsewhere(option, value):
    with pytest.raises(ConfigError, match=rf"database.password must be given again.* {option} changed") as caught:
        keep_secrets({**hide_secrets(STORED), option: value}, STORED)
    assert "first" not in str(caught.value)


def test_an_option_that_is_left_out_is_a_change():
    without_user = {name: value for name, value in hide_secrets(STORED).items() if name != "database.user"}
    with pytest.raises(ConfigError, match=r"database.user changed"):
        keep_secrets(without_user, STORED)


def test_another_place_takes_secrets_that_are_given():
    moved = {**STORED, "database.hostname": "elsewhere", "database.password": "new"}
    assert keep_secrets(moved, STORED) == moved


def test_hidden_stays_where_there_is_no_secret_to_keep():
    stored = {"connector.class": "mysql"}
    given = {"connector.class": "mysql", "database.password": "[hidden]"}
    assert keep_secrets(given, stored) == given


def test_a_connection_string_is_kept_whole_and_with_it_the_password_beside_it():
    stored = {
        "connector.class": "mongodb",
        "mongodb.connection.string": "mongodb://user:first@db/",
        "mongodb.password": "second",
    }
    shown = hide_secrets(stored)
    assert shown == {**stored, "mongodb.connection.string": "[hidden]", "mongodb.password": "[hidden]"}
    assert keep_secrets({**shown, "capture.mode": "change_streams"}, stored) == {
        **stored,
        "capture.mode": "change_streams",
    }
    with pytest.raises(ConfigError, match=r"mongodb\.password must be given again"):
        keep_secrets({**shown, "mongodb.connection.string": "mongodb://elsewhere/"}, stored)
