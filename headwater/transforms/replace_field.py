"""``ReplaceField``: leaves fields out of a key or value, or gives them other names.

Source: ``org.apache.kafka.connect.transforms.ReplaceField`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from headwater.config import Config, ConfigDef, Importance, Option, OptionType
from headwater.record import Schema, Type
from headwater.shape import MessageShape, Node
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.operand import REPLACE_NULL, operand, with_operand
from headwater.tree import Member, call, may_be_null, struct_of, whole

_LOGICAL = "org.apache.kafka.connect.data."


def _check_renames(pairs: Sequence[str] | None) -> str | None:
    for pair in pairs or ():
        if len(pair.split(":")) != 2:
            return f"{pair!r} is no pair old:new"
    return None


OPTIONS = ConfigDef(
    Option("exclude", OptionType.LIST, [], "Fields to leave out, also of those to include.", Importance.MEDIUM),
    Option("include", OptionType.LIST, [], "Fields to keep, where there are any here.", Importance.MEDIUM),
    Option(
        "renames",
        OptionType.LIST,
        [],
        "Other names of fields, as old:new.",
        Importance.MEDIUM,
        _check_renames,
    ),
    REPLACE_NULL,
)


def create(options: Mapping[str, str], part: Part | None) -> ReplaceField:
    """The transform. Raises `headwater.config.ConfigError`."""
    return ReplaceField(OPTIONS.parse(options), part)


class ReplaceField:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config, part: Part | None) -> None:
        self._part = part
        self._defaults: bool = config["replace.null.with.default"]
        self._names: dict[str, str] = dict(pair.split(":") for pair in config["renames"])
        included, excluded = frozenset(config["include"]), frozenset(config["exclude"])
        self._keeps: Callable[[str], bool] = lambda name: name not in excluded and (not included or name in included)

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        found = operand(message, self._part)
        if found.is_absent(ask):
            return message
        fields = {field.name: field for field in found.members("replacing fields", defaults=self._defaults)}
        kept = [replace(field, name=self._names.get(name, name)) for name, field in fields.items() if self._keeps(name)]
        filled = [replace(field, node=_put(self._origin(fields, field.name), field)) for field in kept]
        return with_operand(message, self._part, *struct_of(found.struct("replacing fields"), filled))

    def _origin(self, fields: Mapping[str, Member], name: str) -> Member:
        """Where a new field's value is from: its old name's, which may be left out itself, as Kafka has it."""
        old = next((old for old, new in self._names.items() if new == name), name)
        if old not in fields:
            raise TransformError(f"{old} is not a valid field name")
        return fields[old]


def _put(origin: Member, field: Member) -> Node:
    """The value of one field for another, whose schema may not allow it: Connect's ``Struct.put``."""
    if origin.schema == field.schema:
        return origin.node
    fits = _java_type(origin.schema) == _java_type(field.schema)
    if fits and (field.schema.optional or not may_be_null(origin.schema, origin.node)):
        return origin.node
    return call(_Put(origin.name, field.name, fits, field.schema.optional), whole(origin.schema, origin.node))


def _java_type(schema: Schema) -> tuple[object, ...]:
    """What decides whether a value of one schema is one of another: the name does for Connect's own logical types."""
    if schema.type in (Type.STRUCT, Type.ARRAY, Type.MAP):
        return (schema.type, schema.name, schema.fields, schema.key_schema, schema.value_schema)
    logical = schema.name is not None and schema.name.startswith(_LOGICAL)
    return (schema.type, schema.name if logical else None)


@dataclass(frozen=True, slots=True)
class _Put:
    """Takes what a field allows: values if it ``fits`` their type, null if it is ``optional``."""

    origin: str
    field: str
    fits: bool
    optional: bool

    def __call__(self, value: Any) -> Any:
        """The value. Raises `TransformError`."""
        if self.optional if value is None else self.fits:
            return value
        raise TransformError(f"{self.field} can't hold what {self.origin} has")
