"""Option names as people write them."""

import pytest

from headwater.config import ConfigDef, Option, OptionType
from headwater.worker.option_names import NameResolver

NAMES = NameResolver(
    ConfigDef(
        Option("topic.prefix", OptionType.STRING, None, ""),
        Option("value.converter", OptionType.CLASS, None, ""),
        refused={"transforms": ""},
        ignored={"driver.": "", "history.": "nothing is written there"},
    ),
    {"database.server.name": "topic.prefix", "driver.prefix": "topic.prefix"},
    ("producer.override.",),
)


@pytest.mark.parametrize(
    "name", ["topic.prefix", "transforms", "producer.override.linger.ms", "value.converter.schemas.enable"]
)
def test_known_names_are_taken_as_they_are(name):
    assert NAMES.resolve({name: "x"}) == ({name: "x"}, [])


@pytest.mark.parametrize(
    ("name", "declared", "message"),
    [
        ("database.server.name", "topic.prefix", "database.server.name is deprecated: use topic.prefix"),
        (
            "Topic.Prefix",
            "topic.prefix",
            "Topic.Prefix is taken as topic.prefix: names of options are written exactly so",
        ),
        (
            "database.Server.name",
            "topic.prefix",
            "database.Server.name is taken as topic.prefix: names of options are written exactly so",
        ),
        ("driver.prefix", "topic.prefix", "driver.prefix is deprecated: use topic.prefix"),
        ("driver.x", "driver.x", "driver.x has no effect here"),
        ("history.topic", "history.topic", "history.topic has no effect: nothing is written there"),
        (
            "topic.prefx",
            "topic.prefx",
            "topic.prefx is not a known option and has no effect; did you mean topic.prefix?",
        ),
        ("quite.another", "quite.another", "quite.another is not a known option and has no effect"),
    ],
)
def test_other_names_warn(name, declared, message):
    resolved, warnings = NAMES.resolve({name: "secret"})
    assert resolved == {declared: "secret"}
    assert [(warning.option, warning.message) for warning in warnings] == [(name, message)]


@pytest.mark.parametrize("others", ["database.server.name", "TOPIC.PREFIX"])
def test_the_exact_name_wins_over_others_that_mean_the_same(others):
    for raw in ({others: "old", "topic.prefix": "new"}, {"topic.prefix": "new", others: "old"}):
        assert NAMES.resolve(raw)[0] == {"topic.prefix": "new"}
