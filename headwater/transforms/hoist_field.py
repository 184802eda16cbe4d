"""``HoistField``: the key or value becomes the only field of a struct.

Source: ``org.apache.kafka.connect.transforms.HoistField`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Mapping

from headwater.config import REQUIRED, ConfigDef, Importance, Option, OptionType
from headwater.record import Schema, Type
from headwater.shape import MessageShape
from headwater.transform import Ask, Part
from headwater.transforms.operand import operand, with_operand
from headwater.tree import Member, Together, call, struct_of, whole

OPTIONS = ConfigDef(Option("field", OptionType.STRING, REQUIRED, "The name of that field.", Importance.MEDIUM))


def create(options: Mapping[str, str], part: Part | None) -> HoistField:
    """The transform. Raises `headwater.config.ConfigError`."""
    return HoistField(OPTIONS.parse(options)["field"], part)


class HoistField:
    """`headwater.transform.Transform`."""

    def __init__(self, name: str, part: Part | None) -> None:
        self._name = name
        self._part = part

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:  # noqa: ARG002 - null is hoisted too
        """As `Transform.plan`."""
        found = operand(message, self._part)
        if found.schema is None:
            return with_operand(message, self._part, None, call(Together((self._name,)), whole(None, found.node)))
        hoisted = struct_of(Schema(Type.STRUCT), [Member(self._name, found.schema, found.node)])
        return with_operand(message, self._part, *hoisted)
