"""``RecordIsTombstone``: messages whose value is null.

Source: ``org.apache.kafka.connect.transforms.predicates.RecordIsTombstone`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Mapping

from headwater.config import ConfigDef
from headwater.shape import MessageShape
from headwater.transform import Ask
from headwater.tree import is_absent

OPTIONS = ConfigDef()


def create(options: Mapping[str, str]) -> RecordIsTombstone:  # noqa: ARG001 - it has no options
    """The predicate; it has no options."""
    return RecordIsTombstone()


class RecordIsTombstone:
    """`headwater.transform.Predicate`."""

    @staticmethod
    def test(message: MessageShape, ask: Ask) -> bool:
        """As `Predicate.test`."""
        return is_absent(message.value_schema, message.value, ask)
