"""``Filter``: keeps the messages that an expression is true for, and drops the others.

The expression is one of CEL, not of Groovy. Kafka Connect's `Filter`, which takes a predicate, has the same last part:
name this one in full.

Source: ``io.debezium.transforms.Filter`` (Debezium 3.6).
"""

from __future__ import annotations

from collections.abc import Mapping

from headwater.config import Config, ConfigDef
from headwater.shape import MessageShape
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.expression import Decision, expression_options

OPTIONS = ConfigDef(
    *expression_options(
        "condition",
        "Filtering condition",
        "The expression: true keeps a message, as in value.op == 'u' && value.after.id > 2.",
    )
)


def create(options: Mapping[str, str], part: Part | None) -> ExpressionFilter:  # noqa: ARG001 - there is one form
    """The transform. Raises `headwater.config.ConfigError`."""
    return ExpressionFilter(OPTIONS.parse(options))


class ExpressionFilter:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config) -> None:
        self._decision = Decision(config, "condition", bool)

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape | None:
        """As `Transform.plan`."""
        if not self._decision.is_for(message.topic):
            return message
        dropped = self._decision.drops_null(message, ask)
        if dropped is None:
            keeps = self._decision.of(message, ask)
            if keeps is None:
                raise TransformError("the condition gives null, which is neither true nor false")
            dropped = not keeps
        return None if dropped else message
