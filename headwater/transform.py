"""What a transform is: it says what becomes of messages, once for all that are of one shape.

A transform turns a `MessageShape` into another, and so costs nothing per row. Where what it does depends on a value
(the topic that a column names, a null), it asks for the value. For a message that is known whole, a record, the answer
is at hand. For a row it is not: then a `Choice` takes the message's place, and the transform is asked again once for
each value that is met. So one piece of code says what becomes of rows and of records, and a transform that asks for
nothing decides everything when the table's function is planned.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.shape import Call, Const, MessageShape, Node, Slot


class TransformError(Exception):
    """A message can't be transformed: says the transform, the field and why."""


class Part(StrEnum):
    """What a transform works on that has a form for each: ``InsertField$Key`` and ``InsertField$Value``."""

    KEY = "Key"
    VALUE = "Value"


class Ask(Protocol):
    """Gives the value of a node, which must be hashable.

    ``keep`` is what the message is made of from here on: columns that are in none of these nodes are not read. Without
    it all of the message may be used.

    Whoever asks is run again for each value, and must ask the same questions in the same order, given the same answers.
    """

    def __call__(self, node: Const | Slot | Call, keep: Sequence[Node] | None = None) -> Any:
        """The value."""


class Transform(Protocol):
    """Kafka Connect's ``Transformation``."""

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape | None:
        """What becomes of messages of this shape; None drops them. Raises `TransformError`."""


class Predicate(Protocol):
    """Kafka Connect's ``Predicate``: which messages a transform is for."""

    def test(self, message: MessageShape, ask: Ask) -> bool:
        """Whether it holds for messages of this shape. Raises `TransformError`."""
