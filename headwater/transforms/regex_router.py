"""``RegexRouter``: gives messages another topic by a regular expression.

Source: ``org.apache.kafka.connect.transforms.RegexRouter`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from headwater.config import REQUIRED, ConfigDef, Importance, Option, OptionType
from headwater.java_regex import check_java, compile_java, replace_first
from headwater.shape import MessageShape
from headwater.transform import Ask, Part, TransformError

OPTIONS = ConfigDef(
    Option(
        "regex",
        OptionType.STRING,
        REQUIRED,
        "Java's regular expression that a topic must match as a whole to be replaced.",
        Importance.HIGH,
        check_java,
    ),
    Option(
        "replacement",
        OptionType.STRING,
        REQUIRED,
        "The new topic, with $1 or ${name} for what the groups matched.",
        Importance.HIGH,
    ),
)


def create(options: Mapping[str, str], part: Part | None) -> RegexRouter:  # noqa: ARG001 - there is one form
    """The transform. Raises `headwater.config.ConfigError`."""
    parsed = OPTIONS.parse(options)
    return RegexRouter(parsed["regex"], parsed["replacement"])


class RegexRouter:
    """`headwater.transform.Transform`."""

    def __init__(self, regex: str, replacement: str) -> None:
        self._pattern = compile_java(regex)
        self._replacement = replacement

    def route(self, topic: str) -> str:
        """The new topic; the same where the expression doesn't match. Raises `TransformError`."""
        if self._pattern.fullmatch(topic) is None:
            return topic
        try:
            return replace_first(self._pattern, topic, self._replacement)
        except ValueError as error:
            raise TransformError(str(error)) from None

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:  # noqa: ARG002 - the topic is known
        """As `Transform.plan`."""
        return replace(message, topic=self.route(message.topic))
