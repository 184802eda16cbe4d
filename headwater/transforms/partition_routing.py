"""``PartitionRouting``: fields of the event decide the partition.

Source: ``io.debezium.transforms.partitions.PartitionRouting`` (Debezium 3.6).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from headwater.config import REQUIRED, Config, ConfigDef, Importance, Option, OptionType, at_least, one_of
from headwater.java_hash import hash_code, murmur3
from headwater.java_number import wrapped
from headwater.record import Schema, Type
from headwater.shape import MessageShape, Node
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.envelope import is_envelope
from headwater.transforms.operand import operand
from headwater.tree import Scalar, call, is_absent, member, or_default, whole

_CHANGE = "change"
"""In a path, ``after``, or ``before`` of a delete."""
_NOT_OF_ROWS = ("t", "m")
"""``op`` of a truncated table and of a message in the log."""


def _check_fields(names: Sequence[str] | None) -> str | None:
    if not names:
        return "Empty list"
    return None if all(names) else "there is an empty name in the list"


OPTIONS = ConfigDef(
    Option(
        "partition.payload.fields",
        OptionType.LIST,
        REQUIRED,
        "The fields, as paths in the event: source.table, after.name; change.name is after.name, or before.name of a"
        " delete. Those that are null, or that an event lacks, don't count.",
        Importance.HIGH,
        _check_fields,
        label="List of payload fields to use for compute partition.",
    ),
    Option(
        "partition.topic.num",
        OptionType.INT,
        REQUIRED,
        "How many partitions the topic has.",
        Importance.HIGH,
        at_least(1),
        label="Number of partition configured for topic",
    ),
    Option(
        "partition.hash.function",
        OptionType.STRING,
        "java",
        "How values become numbers: Java's hashCode (java) or Infinispan's MurmurHash3 (murmur).",
        Importance.LOW,
        one_of("java", "murmur"),
        label="Hash function",
    ),
)


def create(options: Mapping[str, str], part: Part | None) -> PartitionRouting:  # noqa: ARG001 - there is one form
    """The transform. Raises `headwater.config.ConfigError`."""
    return PartitionRouting(OPTIONS.parse(options))


class PartitionRouting:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config) -> None:
        fields: Sequence[str] = config["partition.payload.fields"]
        self._paths = [tuple(part.strip() for part in field.split(".")) for field in fields]
        self._partitions: int = config["partition.topic.num"]
        self._hash = murmur3 if config["partition.hash.function"].lower() == "murmur" else hash_code

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        value = operand(message, Part.VALUE)
        if value.is_absent(ask) or not is_envelope(value.schema):
            return message
        envelope = value.struct("choosing a partition")
        operation = member(envelope, value.node, "op")
        op = None if operation is None else ask(whole(operation.schema, operation.node))
        if op in _NOT_OF_ROWS:
            return message
        row = "before" if op == "d" else "after"
        paths = [(*(row if name == _CHANGE else name for name in path[:-1]), path[-1]) for path in self._paths]
        found = [field for path in paths if (field := _field(envelope, value.node, path, ask)) is not None]
        if not found:
            return message
        schemas, nodes = zip(*found, strict=True)
        try:
            choose = _Partition(self._partitions, tuple(self._hash(schema) for schema in schemas))
        except ValueError as error:
            raise TransformError(f"no partition can be chosen: {error}") from None
        return replace(message, partition=call(choose, whole(None, message.partition), *nodes))


def _field(schema: Schema, node: Node, path: Sequence[str], ask: Ask) -> tuple[Schema, Scalar] | None:
    """A field's schema and value; None where there is no such field. Raises `TransformError` where it is in a null."""
    for name in path[:-1]:
        inner = member(schema, node, name)
        if inner is None or inner.schema.type is not Type.STRUCT:
            return None
        if is_absent(inner.schema, inner.node, ask):
            raise TransformError(f"{name!r} is null, so it has no field {path[-1]!r} to choose a partition by")
        schema, node = inner.schema, inner.node
    last = member(schema, node, path[-1])
    if last is None:
        return None
    return last.schema, whole(last.schema, or_default(last))


@dataclass(frozen=True, slots=True)
class _Partition:
    """Chooses a partition by the sum of values' hashes; without a value, leaves the one that there was."""

    partitions: int
    hashes: tuple[Callable[[Any], int], ...]

    def __call__(self, partition: int | None, *values: Any) -> int | None:
        known = [function(value) for function, value in zip(self.hashes, values, strict=True) if value is not None]
        if not known:
            return partition
        number = wrapped(sum(known), 32) & 0x7FFFFFFF
        return (0 if number == 0x7FFFFFFF else number) % self.partitions
