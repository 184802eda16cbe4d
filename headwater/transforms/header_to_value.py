"""``HeaderToValue``: headers become fields of the value.

A field is named by a path with dots: in a struct that is there, or in one that is made for it at the top of the value.

Source: ``io.debezium.transforms.HeaderToValue`` and ``ConnectRecordUtil`` (Debezium 3.6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from headwater.config import REQUIRED, Config, ConfigDef, ConfigError, Importance, Option, OptionType, Problem, one_of
from headwater.record import Schema, Type
from headwater.shape import NULL, HeaderShape, MessageShape, Node
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.operand import operand, with_operand
from headwater.tree import Member, is_absent, members, or_default, struct_of, with_fields

_LOGICAL = frozenset(f"org.apache.kafka.connect.data.{name}" for name in ("Date", "Decimal", "Time", "Timestamp"))
"""Names that decide, with the type, which values a field takes."""


def _check_names(names: Sequence[str] | None) -> str | None:
    for name in names or ():
        if not name or " " in name:
            return f"{name!r} is no name: it is empty or has a space"
    return None


OPTIONS = ConfigDef(
    Option(
        "headers",
        OptionType.LIST,
        REQUIRED,
        "The headers.",
        Importance.HIGH,
        _check_names,
        label="Header names list",
    ),
    Option(
        "fields",
        OptionType.LIST,
        REQUIRED,
        "The fields' names, in the same order; a.b is field b of the struct a.",
        Importance.HIGH,
        _check_names,
        label="Field names list",
    ),
    Option(
        "operation",
        OptionType.STRING,
        REQUIRED,
        "Whether the headers stay (copy) or not (move).",
        Importance.HIGH,
        one_of("move", "copy"),
        label="Operation: mover or copy",
    ),
)


def create(options: Mapping[str, str], part: Part | None) -> HeaderToValue:  # noqa: ARG001 - there is one form
    """The transform. Raises `headwater.config.ConfigError`."""
    config = OPTIONS.parse(options)
    if len(config["fields"]) != len(config["headers"]):
        message = "'fields' config must have the same number of elements as 'headers' config."
        raise ConfigError([Problem("fields", message)])
    return HeaderToValue(config)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A header that becomes a field, and the path to it that is left to go."""

    path: tuple[str, ...]
    schema: Schema
    node: Node

    def below(self) -> _Entry:
        """The same, seen from the struct that its path begins with."""
        return replace(self, path=self.path[1:])


class HeaderToValue:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config) -> None:
        self._moves: bool = config["operation"].lower() == "move"
        pairs = zip(config["headers"], config["fields"], strict=True)
        self._paths: dict[str, tuple[str, ...]] = {}
        for header, field in pairs:
            self._paths.setdefault(header, tuple(field.split(".")))

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        value = operand(message, Part.VALUE)
        if value.is_absent(ask):
            return message
        schema = value.struct("taking headers into the value")
        entries = [self._entry(header) for header in message.headers if header.name in self._paths]
        if not entries:
            return message
        fields = _with_entries(value.members("taking headers into the value", defaults=True), entries, ask, depth=0)
        changed = with_operand(message, Part.VALUE, *struct_of(schema, fields))
        if not self._moves:
            return changed
        return replace(changed, headers=tuple(each for each in message.headers if each.name not in self._paths))

    def _entry(self, header: HeaderShape) -> _Entry:
        if header.schema is None:
            raise TransformError(f"the header {header.name!r} has no schema, which its field needs")
        return _Entry(self._paths[header.name], header.schema, header.node)


def _with_entries(fields: Sequence[Member], entries: Sequence[_Entry], ask: Ask, depth: int) -> list[Member]:
    """A struct's fields with those of the entries, which replace what they had or stand behind it."""
    found = {field.name: field for field in fields}
    for name in dict.fromkeys(entry.path[0] for entry in entries if len(entry.path) > 1 and entry.path[0] in found):
        inner = [entry.below() for entry in entries if len(entry.path) > 1 and entry.path[0] == name]
        found[name] = _with_inner(found[name], inner, ask, depth + 1)
    for entry in entries:
        if len(entry.path) == 1:
            found[entry.path[0]] = _set(found.get(entry.path[0]), entry)
    made: dict[str, list[_Entry]] = {}
    for entry in entries:
        if len(entry.path) > 1 and entry.path[0] not in {field.name for field in fields}:
            made.setdefault(entry.path[0], []).append(entry.below())
    for name, inner in made.items():
        found[name] = _made(name, inner, depth)
    return list(found.values())


def _with_inner(field: Member, entries: Sequence[_Entry], ask: Ask, depth: int) -> Member:
    """A field that is a struct, with the entries in it; a null struct stays null, without them."""
    schema = field.schema
    if schema.type is not Type.STRUCT:
        raise TransformError(
            f"{field.name!r} is of type {schema.type}, so it can't have a field {entries[0].path[0]!r}"
        )
    # Debezium's structs come out as required ones, and without a default.
    if is_absent(schema, field.node, ask):
        fields = [Member(each.name, each.schema, NULL) for each in schema.fields]
        return Member(field.name, with_fields(schema, _with_entries(fields, entries, ask, depth)), NULL)
    inner = [replace(each, node=or_default(each)) for each in members(schema, field.node)]
    return Member(field.name, *struct_of(schema, _with_entries(inner, entries, ask, depth)))


def _set(old: Member | None, entry: _Entry) -> Member:
    """The entry as a field; one that is there keeps its schema, which must fit. Raises `TransformError`."""
    name, schema = entry.path[0], entry.schema
    if old is None:
        return Member(name, schema, entry.node)
    logical = {each.name if each.name in _LOGICAL else None for each in (old.schema, schema)}
    if old.schema.type is not schema.type or len(logical) > 1 or (schema.type is Type.STRUCT and old.schema != schema):
        raise TransformError(f"the field {name!r} is of another type than the header that is to take its place")
    return Member(name, old.schema, entry.node)


def _made(name: str, entries: Sequence[_Entry], depth: int) -> Member:
    """A new struct of the entries. Raises `TransformError` where two headers would be one of its fields."""
    if depth or any(len(entry.path) > 1 for entry in entries):
        raise TransformError(f"there is no struct {name!r} to have the field {'.'.join(entries[0].path)!r}")
    fields = [Member(entry.path[0], entry.schema, entry.node) for entry in entries]
    schema, node = struct_of(Schema(Type.STRUCT), fields)
    return Member(name, schema.as_optional(), node)
