"""``topic.creation.*`` and other topics that are made before their first message.

Source: ``org.apache.kafka.connect.runtime.TopicCreationConfig`` and ``SourceConnectorConfig`` (KIP-158).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from confluent_kafka.cimpl import NewTopic

from headwater.config import REQUIRED, ConfigDef, Option, OptionType, regex_list
from headwater.sink import Topic

log = structlog.get_logger(__name__)

PREFIX = "topic.creation."
DEFAULT_GROUP = "default"
CLUSTER_DEFAULT = -1
"""Partitions or replication factor: let the brokers decide (``num.partitions``, ``default.replication.factor``)."""


@dataclass(frozen=True, slots=True)
class TopicGroup:
    """The topics that share their settings: those that match ``include`` and not ``exclude``."""

    include: re.Pattern[str]
    exclude: re.Pattern[str]
    partitions: int
    replication_factor: int
    config: Mapping[str, str]

    def matches(self, topic: str) -> bool:
        """Whether ``topic`` belongs to this group."""
        return bool(self.include.fullmatch(topic)) and not self.exclude.fullmatch(topic)


@dataclass(frozen=True, slots=True)
class TopicCreation:
    """How a connector's topics are made: by the first group that matches, else by the default one, if there is one."""

    groups: tuple[TopicGroup, ...]
    default: TopicGroup | None

    @classmethod
    def from_config(
        cls, worker: Mapping[str, str], connector: Mapping[str, str], topics: Sequence[Topic] = ()
    ) -> TopicCreation | None:
        """What ``topic.creation.*`` says of all topics but ``topics``, which say it themselves.

        None where all are left to the brokers' ``auto.create.topics.enable``. Raises `ConfigError`.
        """
        groups, default = _groups(worker, connector)
        own = tuple(map(_group_of_one, topics))
        return cls((*own, *groups), default) if own or default else None

    def new_topic(self, topic: str) -> NewTopic | None:
        """``topic`` with its group's settings; None where it is left to the brokers."""
        group = next((group for group in self.groups if group.matches(topic)), self.default)
        if group is None:
            return None
        return NewTopic(topic, group.partitions, group.replication_factor, config=dict(group.config))


def _groups(
    worker: Mapping[str, str], connector: Mapping[str, str]
) -> tuple[tuple[TopicGroup, ...], TopicGroup | None]:
    """What ``topic.creation.*`` says: the groups, and the default one, None where it says nothing."""
    options = {name: value for name, value in connector.items() if name.startswith(PREFIX)}
    if not options:
        return (), None
    if not _WORKER.parse(worker)["topic.creation.enable"]:
        log.warning("topic.creation.* has no effect: the worker sets topic.creation.enable=false")
        return (), None
    names = [name for name in _CONNECTOR.parse(options)["topic.creation.groups"] if name != DEFAULT_GROUP]
    default = _group(DEFAULT_GROUP, options, None)
    return tuple(_group(name, options, default) for name in names), default


def _group_of_one(topic: Topic) -> TopicGroup:
    return TopicGroup(re.compile(re.escape(topic.name)), _any_of([]), topic.partitions, topic.replication_factor, {})


def _count(value: int | None) -> str | None:
    return None if value is None or value == CLUSTER_DEFAULT or value >= 1 else "Value must be -1 or at least 1"


_WORKER = ConfigDef(
    Option(
        "topic.creation.enable",
        OptionType.BOOLEAN,
        True,
        "Whether connectors may have their topics created with topic.creation.*.",
    )
)
_CONNECTOR = ConfigDef(
    Option(
        "topic.creation.groups",
        OptionType.LIST,
        [],
        "Names of groups of topics, each with options of its own: topic.creation.<group>.*.",
    )
)


def _group(name: str, options: Mapping[str, str], default: TopicGroup | None) -> TopicGroup:
    prefix = f"{PREFIX}{name}."
    declared = ConfigDef(
        Option(f"{prefix}include", OptionType.LIST, [], "Regular expressions of topics.", validator=regex_list),
        Option(f"{prefix}exclude", OptionType.LIST, [], "Regular expressions of topics.", validator=regex_list),
        Option(
            f"{prefix}partitions",
            OptionType.INT,
            default.partitions if default else REQUIRED,
            "How many partitions a new topic gets; -1 for the cluster's default.",
            validator=_count,
        ),
        Option(
            f"{prefix}replication.factor",
            OptionType.INT,
            default.replication_factor if default else REQUIRED,
            "How many copies a new topic gets; -1 for the cluster's default.",
            validator=_count,
        ),
    )
    values = declared.parse(options)
    return TopicGroup(
        _any_of(values[f"{prefix}include"]),
        _any_of(values[f"{prefix}exclude"]),
        values[f"{prefix}partitions"],
        values[f"{prefix}replication.factor"],
        {
            option.removeprefix(prefix): value
            for option, value in options.items()
            if option.startswith(prefix) and option not in declared.options
        },
    )


def _any_of(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns))
