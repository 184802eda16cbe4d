"""``TimestampRouter``: puts the message's timestamp into its topic.

Source: ``org.apache.kafka.connect.transforms.TimestampRouter`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from headwater.config import ConfigDef, Importance, Option, OptionType
from headwater.java_dates import JavaDateFormat
from headwater.shape import MessageShape
from headwater.transform import Ask, Part, TransformError
from headwater.tree import call, whole


def check_format(pattern: str | None) -> str | None:
    """A validator: a pattern of ``SimpleDateFormat``."""
    try:
        JavaDateFormat(pattern or "")
    except ValueError as error:
        return str(error)
    return None


OPTIONS = ConfigDef(
    Option(
        "topic.format",
        OptionType.STRING,
        "${topic}-${timestamp}",
        "The new topic, with ${topic} for the old one and ${timestamp} for the time.",
        Importance.HIGH,
    ),
    Option(
        "timestamp.format",
        OptionType.STRING,
        "yyyyMMdd",
        "How the time is written, in UTC: a pattern of Java's SimpleDateFormat.",
        Importance.HIGH,
        check_format,
    ),
)


def create(options: Mapping[str, str], part: Part | None) -> TimestampRouter:  # noqa: ARG001 - there is one form
    """The transform. Raises `headwater.config.ConfigError`."""
    config = OPTIONS.parse(options)
    return TimestampRouter(config["topic.format"], JavaDateFormat(config["timestamp.format"]))


class TimestampRouter:
    """`headwater.transform.Transform`."""

    def __init__(self, topic_format: str, time_format: JavaDateFormat) -> None:
        self._topic_format = topic_format
        self._time_format = time_format

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        time: str | None = ask(call(self._written, whole(None, message.timestamp)), message.nodes)
        if time is None:
            raise TransformError("the message has no timestamp: a change event has none until EventRouter gives it one")
        parts = self._topic_format.split("${topic}")
        return replace(message, topic=message.topic.join(parts).replace("${timestamp}", time))

    def _written(self, timestamp: int | None) -> str | None:
        return None if timestamp is None else self._time_format.format(timestamp)
