"""``ExtractChangedRecordState``: lists in headers which columns a change changed, and which not.

Source: ``io.debezium.transforms.ExtractChangedRecordState`` (Debezium 3.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from headwater.config import Config, ConfigDef, Importance, Option, OptionType, Width
from headwater.record import Schema, Type
from headwater.shape import Const, HeaderShape, MessageShape
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.envelope import is_envelope
from headwater.transforms.operand import operand
from headwater.tree import Member, Scalar, call, is_absent, member, members, whole

OPTIONS = ConfigDef(
    Option(
        "header.changed.name",
        OptionType.STRING,
        None,
        "The header that lists columns that changed; without it, there is none.",
        Importance.LOW,
        label="Header change name.",
        width=Width.LONG,
    ),
    Option(
        "header.unchanged.name",
        OptionType.STRING,
        None,
        "The header that lists columns that did not change; without it, there is none.",
        Importance.LOW,
        label="Header unchanged name.",
        width=Width.LONG,
    ),
)
_NAME = Schema(Type.STRING, optional=True)


def create(
    options: Mapping[str, str],
    part: Part | None,  # noqa: ARG001 - there is one form
) -> ExtractChangedRecordState:
    """The transform. Raises `headwater.config.ConfigError`."""
    return ExtractChangedRecordState(OPTIONS.parse(options))


class ExtractChangedRecordState:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config) -> None:
        names = ((config["header.changed.name"], True), (config["header.unchanged.name"], False))
        self._headers = [(name, changed) for name, changed in names if name is not None and name.strip()]

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        value = operand(message, Part.VALUE)
        if value.is_absent(ask) or not is_envelope(value.schema):
            return message
        schema = value.struct("comparing rows")
        rows = [member(schema, value.node, name) for name in ("before", "after")]
        if any(row is None for row in rows):
            raise TransformError("the event lacks the row before or after the change")
        headers = list(message.headers)
        before, after = (row for row in rows if row is not None)
        is_update = not any(is_absent(row.schema, row.node, ask) for row in (before, after))
        for name, changed in self._headers:
            listed = _listed(before, after, changed=changed) if is_update else Const([])
            headers.append(HeaderShape(name, Schema(Type.ARRAY, optional=True, name=name, value_schema=_NAME), listed))
        return replace(message, headers=tuple(headers))


def _listed(before: Member, after: Member, *, changed: bool) -> Scalar:
    """The names of the columns that differ, or that don't."""
    if after.schema.type is not Type.STRUCT:
        raise TransformError("the rows are no structs, as documents of MongoDB are none")
    names, nodes = [], []
    for old, new in zip(members(before.schema, before.node), members(after.schema, after.node), strict=True):
        names.append(new.name)
        nodes += [whole(old.schema, old.node), whole(new.schema, new.node)]
    return call(_Compare(tuple(names), changed), *nodes)


@dataclass(frozen=True, slots=True)
class _Compare:
    """Takes pairs of values, before and after, one pair for each name."""

    names: tuple[str, ...]
    changed: bool

    def __call__(self, *values: Any) -> list[str]:
        """The names of the pairs that differ, or that don't."""
        pairs = zip(self.names, values[::2], values[1::2], strict=True)
        return [name for name, before, after in pairs if _differ(before, after) is self.changed]


def _differ(before: Any, after: Any) -> bool:
    if before != before and after != after:  # NaN is equal to itself in Java
        return False
    return type(before) is not type(after) or bool(before != after)
