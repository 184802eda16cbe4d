"""``DropHeaders``: leaves headers out by their names.

Source: ``org.apache.kafka.connect.transforms.DropHeaders`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from headwater.config import REQUIRED, ConfigDef, Importance, Option, OptionType
from headwater.shape import MessageShape
from headwater.transform import Ask, Part
from headwater.transforms.operand import not_empty

OPTIONS = ConfigDef(Option("headers", OptionType.LIST, REQUIRED, "The headers' names.", Importance.HIGH, not_empty))


def create(options: Mapping[str, str], part: Part | None) -> DropHeaders:  # noqa: ARG001 - there is one form
    """The transform. Raises `headwater.config.ConfigError`."""
    return DropHeaders(OPTIONS.parse(options)["headers"])


class DropHeaders:
    """`headwater.transform.Transform`."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:  # noqa: ARG002 - which headers there are is known
        """As `Transform.plan`."""
        return replace(message, headers=tuple(each for each in message.headers if each.name not in self._names))
