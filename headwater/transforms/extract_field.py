"""``ExtractField``: one field takes the place of the whole key or value.

Source: ``org.apache.kafka.connect.transforms.ExtractField`` and ``field.SingleFieldPath`` (Kafka 4.3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from headwater.config import REQUIRED, Config, ConfigDef, ConfigError, Importance, Option, OptionType, Problem, one_of
from headwater.record import Schema
from headwater.shape import NULL, Const, MessageShape, Node
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.operand import REPLACE_NULL, operand, with_operand
from headwater.tree import Member, member, or_default

OPTIONS = ConfigDef(
    Option("field", OptionType.STRING, REQUIRED, "The field to take.", Importance.MEDIUM),
    REPLACE_NULL,
    Option(
        "field.syntax.version",
        OptionType.STRING,
        "V1",
        "How the field is named: V1 by its name, V2 by a path with dots (`a.b`.c is field c of field a.b).",
        Importance.HIGH,
        one_of("V1", "V2"),
    ),
)
_STEP = re.compile(r"`(?P<quoted>(?:\\`(?=\.)|`(?!\.|\Z)|[^`])*)`(?=\.|\Z)|(?P<plain>[^.`][^.]*|)(?=\.|\Z)")


def create(options: Mapping[str, str], part: Part | None) -> ExtractField:
    """The transform. Raises `headwater.config.ConfigError`."""
    return ExtractField(OPTIONS.parse(options), part)


def path_steps(path: str) -> tuple[str, ...]:
    """The names in a path of syntax version 2. Raises ValueError for a backtick without its counterpart."""
    steps, place = [], 0
    while True:
        found = _STEP.match(path, place)
        if found is None:
            raise ValueError(f"Incomplete backtick pair in path: [{path}]")
        quoted = found["quoted"]
        steps.append(found["plain"] if quoted is None else quoted.replace("\\`", "`"))
        place = found.end() + 1
        if found.end() == len(path):
            return tuple(steps)


class ExtractField:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config, part: Part | None) -> None:
        self._part = part
        self._name: str = config["field"]
        self._defaults: bool = config["replace.null.with.default"]
        try:
            is_path = config["field.syntax.version"].upper() == "V2"
            self._steps = path_steps(self._name) if is_path else (self._name,)
        except ValueError as error:
            raise ConfigError([Problem("field", str(error))]) from error

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        found = operand(message, self._part)
        if found.schema is None and found.is_absent(ask):
            return message
        field = self._find(found.struct("taking a field"), found.node)
        node = or_default(field) if self._defaults and not _is_null(found.node) else field.node
        return with_operand(message, self._part, field.schema, node)

    def _find(self, schema: Schema, node: Node) -> Member:
        *parents, last = self._steps
        for name in parents:
            parent = self._member(schema, node, name)
            schema, node = parent.schema, parent.node
        return self._member(schema, node, last)

    def _member(self, schema: Schema, node: Node, name: str) -> Member:
        found = member(schema, node, name)
        if found is None:
            raise TransformError(f"there is no field {self._name!r} in {schema.name or 'the struct'}")
        return replace(found, node=NULL) if _is_null(node) else found


def _is_null(node: Node) -> bool:
    return isinstance(node, Const) and node.value is None
