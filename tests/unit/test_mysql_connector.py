"""The MySQL connector's options, as a user gives them."""

from pathlib import Path

import pytest

from headwater.config import ConfigError
from headwater.sources.mysql.connector import CONNECTOR
from headwater.sources.mysql.reference import page

GIVEN = {
    "database.hostname": "db",
    "database.user": "cdc",
    "database.password": "s3cret",
    "database.server.id": "5400",
    "topic.prefix": "shop",
}
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "mysql.md"


def problems(**options: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        CONNECTOR.options.parse({**GIVEN, **{name.replace("__", "."): value for name, value in options.items()}})
    return [problem.option for problem in caught.value.problems]


def test_what_is_required_is_enough() -> None:
    config = CONNECTOR.options.parse(GIVEN)
    assert config["snapshot.mode"] == "initial"
    assert "s3cret" not in repr(config)


def test_every_problem_is_told_at_once() -> None:
    wrong = {
        "database.port": "70000",
        "snapshot.mode": "sometimes",
        "table.include.list": "shop.(",
        "topic.prefix": " ",
    }
    with pytest.raises(ConfigError) as caught:
        CONNECTOR.options.parse({**GIVEN, **wrong})
    assert {problem.option for problem in caught.value.problems} == set(wrong)


@pytest.mark.parametrize(
    "name",
    [
        "column.mask.with.10.chars",
        "column.mask.hash.v2.SHA-256.with.salt.x",
        "column.truncate.to.20.chars",
        "Column.Mask.x",
    ],
)
def test_columns_are_never_sent_unmasked_in_silence(name: str) -> None:
    assert problems(**{name: "shop.users.email"}) == [name]


def test_an_unsupported_option_is_taken_with_debeziums_default() -> None:
    assert problems(**{"heartbeat.interval.ms": "1000"}) == ["heartbeat.interval.ms"]
    CONNECTOR.options.parse({**GIVEN, "heartbeat.interval.ms": "0", "signal.enabled.channels": "source"})


@pytest.mark.parametrize("strategy", ["SchemaTopicNamingStrategy", "DefaultTopicNamingStrategy"])
def test_both_of_debeziums_naming_strategies_are_taken(strategy: str) -> None:
    CONNECTOR.options.parse({**GIVEN, "topic.naming.strategy": f"io.debezium.schema.{strategy}"})


def test_the_reference_page_is_up_to_date() -> None:
    hint = "run: python -m headwater.sources.mysql.reference > docs/reference/mysql.md"
    assert PAGE.read_text() == page(), hint
