"""Which settings a new topic gets from ``topic.creation.*``."""

import pytest

from headwater.config import ConfigError
from headwater.sinks.kafka.topics import TopicCreation

DEFAULT = {"topic.creation.default.partitions": "2", "topic.creation.default.replication.factor": "-1"}


def new_topic(topic, **options):
    named = {f"topic.creation.{name.replace('__', '.')}": value for name, value in options.items()}
    creation = TopicCreation.from_config({}, DEFAULT | named)
    assert creation is not None
    found = creation.new_topic(topic)
    return found.num_partitions, found.replication_factor, found.config


def test_without_options_topics_are_left_to_the_brokers():
    assert TopicCreation.from_config({}, {"topic.prefix": "x"}) is None


def test_the_default_group_takes_what_no_other_does():
    assert new_topic("t") == (2, -1, {})
    assert new_topic("t", default__cleanup__policy="compact") == (2, -1, {"cleanup.policy": "compact"})


def test_the_first_group_that_matches_the_whole_name_wins():
    groups = {"groups": "a,b", "a__include": "x.*,y", "a__partitions": "5", "b__include": ".*", "b__partitions": "7"}
    assert [new_topic(name, **groups)[0] for name in ("xyz", "y", "yz")] == [5, 5, 7]


def test_exclude_stands_above_include():
    groups = {"groups": "a", "a__include": "x.*", "a__exclude": "xy", "a__partitions": "5"}
    assert [new_topic(name, **groups)[0] for name in ("x", "xy")] == [5, 2]


def test_a_group_without_include_takes_nothing():
    assert new_topic("t", groups="a", a__partitions="5")[0] == 2


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"topic.creation.default.partitions": "1"}, ["topic.creation.default.replication.factor"]),
        ({**DEFAULT, "topic.creation.default.partitions": "0"}, ["topic.creation.default.partitions"]),
        ({**DEFAULT, "topic.creation.groups": "a", "topic.creation.a.include": "("}, ["topic.creation.a.include"]),
    ],
)
def test_what_is_wrong_is_named(options, wrong):
    with pytest.raises(ConfigError) as raised:
        TopicCreation.from_config({}, options)
    assert [problem.option for problem in raised.value.problems] == wrong
