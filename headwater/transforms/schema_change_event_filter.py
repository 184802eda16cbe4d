"""``SchemaChangeEventFilter``: drops schema changes of certain kinds.

Source: ``io.debezium.transforms.SchemaChangeEventFilter`` (Debezium 3.6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headwater.config import REQUIRED, ConfigDef, Importance, Option, OptionType, Width
from headwater.shape import MessageShape
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.envelope import is_schema_change
from headwater.transforms.operand import operand
from headwater.tree import call, member, whole

KINDS = ("CREATE", "ALTER", "DROP", "TRUNCATE", "DATABASE")


def _check(kinds: Sequence[str] | None) -> str | None:
    unknown = [kind for kind in kinds or () if kind not in KINDS]
    return f"{unknown[0]!r} is none of {', '.join(KINDS)}" if unknown else None


OPTIONS = ConfigDef(
    Option(
        "schema.change.event.exclude.list",
        OptionType.LIST,
        REQUIRED,
        f"The kinds to drop: {', '.join(KINDS)}.",
        Importance.HIGH,
        _check,
        label="Schema change event exclude list",
        width=Width.SHORT,
    ),
)


def create(
    options: Mapping[str, str],
    part: Part | None,  # noqa: ARG001 - there is one form
) -> SchemaChangeEventFilter:
    """The transform. Raises `headwater.config.ConfigError`."""
    return SchemaChangeEventFilter(OPTIONS.parse(options)["schema.change.event.exclude.list"])


class SchemaChangeEventFilter:
    """`headwater.transform.Transform`."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self._kinds = frozenset(kinds)

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape | None:
        """As `Transform.plan`."""
        value = operand(message, Part.VALUE)
        if value.is_absent(ask) or not is_schema_change(value.schema):
            return message
        changes = member(value.struct("filtering schema changes"), value.node, "tableChanges")
        if changes is None:
            raise TransformError("there is no field 'tableChanges' in the schema change")
        kind = ask(call(_kind, whole(changes.schema, changes.node)))
        return None if kind is None or kind in self._kinds else message


def _kind(changes: Sequence[Mapping[str, Any]] | None) -> str | None:
    """What the first of the changes is; a change of no table is one of the database."""
    if changes is None:
        return None
    return str(changes[0]["type"]) if changes else "DATABASE"
