"""``TopicNameMatches``: messages to topics that a regular expression matches as a whole.

Source: ``org.apache.kafka.connect.transforms.predicates.TopicNameMatches`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Mapping

from headwater.config import REQUIRED, ConfigDef, Importance, Option, OptionType, not_blank
from headwater.java_regex import check_java, compile_java
from headwater.shape import MessageShape
from headwater.transform import Ask


def _check(pattern: str | None) -> str | None:
    return not_blank(pattern) or check_java(pattern)


OPTIONS = ConfigDef(
    Option("pattern", OptionType.STRING, REQUIRED, "Java's regular expression.", Importance.MEDIUM, _check),
)


def create(options: Mapping[str, str]) -> TopicNameMatches:
    """The predicate. Raises `headwater.config.ConfigError`."""
    return TopicNameMatches(OPTIONS.parse(options)["pattern"])


class TopicNameMatches:
    """`headwater.transform.Predicate`."""

    def __init__(self, pattern: str) -> None:
        self._pattern = compile_java(pattern)

    def test(self, message: MessageShape, ask: Ask) -> bool:  # noqa: ARG002 - the topic is known
        """As `Predicate.test`."""
        return self._pattern.fullmatch(message.topic) is not None
