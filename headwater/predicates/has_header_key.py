"""``HasHeaderKey``: messages with a header of a certain name.

Source: ``org.apache.kafka.connect.transforms.predicates.HasHeaderKey`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Mapping

from headwater.config import REQUIRED, ConfigDef, Importance, Option, OptionType, not_blank
from headwater.shape import MessageShape
from headwater.transform import Ask

OPTIONS = ConfigDef(
    Option("name", OptionType.STRING, REQUIRED, "The header's name.", Importance.MEDIUM, not_blank),
)


def create(options: Mapping[str, str]) -> HasHeaderKey:
    """The predicate. Raises `headwater.config.ConfigError`."""
    return HasHeaderKey(OPTIONS.parse(options)["name"])


class HasHeaderKey:
    """`headwater.transform.Predicate`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def test(self, message: MessageShape, ask: Ask) -> bool:  # noqa: ARG002 - which headers there are is known
        """As `Predicate.test`."""
        return any(header.name == self._name for header in message.headers)
