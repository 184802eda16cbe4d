"""Under which subject a schema is registered.

Source: ``io.confluent.kafka.serializers.subject``: ``TopicNameStrategy``, ``RecordNameStrategy`` and
``TopicRecordNameStrategy``.
"""

from __future__ import annotations

from collections.abc import Callable

from headwater.config import Importance, Option, OptionType
from headwater.converter import ConversionError

Subject = Callable[[str, str], str]
"""Takes a topic and the name of the schema's record, empty where it is none. Raises `ConversionError`."""

_PACKAGE = "io.confluent.kafka.serializers.subject"
_STRATEGIES = ("TopicNameStrategy", "RecordNameStrategy", "TopicRecordNameStrategy")


def _known_strategy(value: str | None) -> str | None:
    if _simple(value or "") in _STRATEGIES:
        return None
    return f"must be one of: {', '.join(f'{_PACKAGE}.{name}' for name in _STRATEGIES)}"


def _strategy_option(part: str) -> Option:
    return Option(
        f"{part}.subject.name.strategy",
        OptionType.STRING,
        f"{_PACKAGE}.TopicNameStrategy",
        f"The subject of the schemas of {part}s: TopicNameStrategy (TOPIC-{part}), RecordNameStrategy (the record's"
        " name) or TopicRecordNameStrategy (both).",
        Importance.MEDIUM,
        _known_strategy,
        choices=tuple(f"{_PACKAGE}.{name}" for name in _STRATEGIES),
    )


SUBJECT_OPTIONS = (_strategy_option("key"), _strategy_option("value"))


def make_subject(strategy: str, *, is_key: bool) -> Subject:
    """The function that a strategy's name stands for, with or without its package."""
    part = "key" if is_key else "value"

    def record(name: str) -> str:
        if not name:
            raise ConversionError(f"{part}.subject.name.strategy={_simple(strategy)} needs {part}s that are structs")
        return name

    match _simple(strategy):
        case "RecordNameStrategy":
            return lambda _topic, name: record(name)
        case "TopicRecordNameStrategy":
            return lambda topic, name: f"{topic}-{record(name)}"
        case _:
            return lambda topic, _name: f"{topic}-{part}"


def _simple(strategy: str) -> str:
    package, _, name = strategy.rpartition(".")
    return name if package in ("", _PACKAGE) else strategy
