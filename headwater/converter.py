"""What a converter is: it writes a Connect value as the bytes of a message's key, value or header.

A converter works in two ways that must give equal bytes: `Converter.convert` takes one value as it is, and
`Converter.plan` writes the code that does the same for every row of a table (see `headwater.shape`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from headwater.record import Schema
    from headwater.shape import Node, Stage


CALLS_ARE_SLOTS = "a converter sees a slot in place of each call"
"""For a converter that meets a `headwater.shape.Call` all the same."""


class ConversionError(Exception):
    """A value can't be written: says the topic, the field and why."""


class RetriableConversionError(ConversionError):
    """Nothing can be written for now, whatever the value: says what has to be mended, outside of the task.

    ``again`` does what failed once more: it raises this again as long as it fails.
    """

    def __init__(self, message: str, again: Callable[[], object]) -> None:
        super().__init__(message)
        self.again = again


class Scope(Protocol):
    """The generated function while it is being written.

    Nothing from outside the program (names, options) may enter an expression except by `repr` or `bind`.
    """

    def bind(self, value: object) -> str:
        """A name under which generated code finds ``value``."""

    def assign(self, stage: Stage, expression: str) -> str:
        """Compute ``expression`` once at ``stage``; the name that holds the result."""


class Converter(Protocol):
    """Kafka Connect's ``Converter``, for one of key, value or header."""

    def convert(self, topic: str, schema: Schema | None, value: Any) -> bytes | None:
        """The bytes of one value; None is a null message.

        Raises `ConversionError`; a `RetriableConversionError` where it has nothing to do with the value.
        """

    def plan(self, topic: str, schema: Schema | None, node: Node, scope: Scope) -> str:
        """A Python expression for the bytes (or None) that `convert` gives for the value ``node`` describes.

        Raises as `convert` does. There is no `headwater.shape.Call` in the tree: each is a slot by now.
        """
