"""``Filter``: drops the messages that its predicate holds for.

Source: ``org.apache.kafka.connect.transforms.Filter`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Mapping

from headwater.config import ConfigDef
from headwater.shape import MessageShape
from headwater.transform import Ask, Part

OPTIONS = ConfigDef()


def create(options: Mapping[str, str], part: Part | None) -> Filter:  # noqa: ARG001 - it has no options
    """The transform; it has no options."""
    return Filter()


class Filter:
    """`headwater.transform.Transform`."""

    @staticmethod
    def plan(message: MessageShape, ask: Ask) -> None:
        """As `Transform.plan`."""
