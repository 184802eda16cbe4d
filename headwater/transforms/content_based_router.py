"""``ContentBasedRouter``: gives messages the topic that an expression names.

The expression is one of CEL, not of Groovy.

Source: ``io.debezium.transforms.ContentBasedRouter`` (Debezium 3.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from headwater.config import Config, ConfigDef
from headwater.shape import MessageShape
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.expression import Decision, expression_options

OPTIONS = ConfigDef(
    *expression_options(
        "topic.expression",
        "Topic name expression",
        "The expression: the new topic, or null to leave it, as in value.after.total > 1000.0 ? 'large' : null.",
    )
)


def create(options: Mapping[str, str], part: Part | None) -> ContentBasedRouter:  # noqa: ARG001 - there is one form
    """The transform. Raises `headwater.config.ConfigError`."""
    return ContentBasedRouter(OPTIONS.parse(options))


class ContentBasedRouter:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config) -> None:
        self._decision = Decision(config, "topic.expression", str)

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape | None:
        """As `Transform.plan`."""
        if not self._decision.is_for(message.topic):
            return message
        dropped = self._decision.drops_null(message, ask)
        if dropped is not None:
            return None if dropped else message
        topic: str | None = self._decision.of(message, ask)
        if topic == "":
            raise TransformError("the expression gives an empty text, which is no name of a topic")
        return message if topic is None else replace(message, topic=topic)
