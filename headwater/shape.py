"""Shapes: what is known of a table's messages before its first row is read.

A source describes each kind of log event on each table by an `EventShape`: which messages a row becomes, and
for every value in them *where it comes from*, as a tree of nodes that mirrors the Connect schema:

    Const    known for the table              (the connector's name, the table's name, ``op``)
    Slot     an expression over variables     (a column, the event's position); its `Stage` says whether it
             that the reader's code assigns    is known once per log event or once per row
    Struct   a struct made of other nodes
    Call     what a function makes of other      (a timestamp as text, a field of a struct that is a column)
             nodes' values

Transforms turn one tree into another, converters write a tree as bytes, and `headwater.plan` compiles the
result into one function, so that whatever is constant is computed once and nothing is looked up per row.
A column that no tree mentions is never decoded. What can't be known before a value is (a topic that a column
names) is a `Choice`: the rest is planned when the value is first seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from headwater.record import Schema


class Stage(IntEnum):
    """When a value becomes known; a later stage may use the values of the earlier ones."""

    TABLE = 0
    EVENT = 1
    ROW = 2


@dataclass(frozen=True, slots=True)
class Const:
    """A Connect value known for the table."""

    value: Any


@dataclass(frozen=True, slots=True)
class Slot:
    """A variable that the reader's code assigns, or an expression over such; a Connect value of its place's schema."""

    name: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class Struct:
    """A struct value that is never null; one node for each field of the schema, in its order."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """What ``function`` gives for the values of other nodes: always the same for the same values."""

    function: Callable[..., Any]
    arguments: tuple[Const | Slot | Call, ...]


Node = Const | Slot | Struct | Call
NULL = Const(None)


def stage_of(node: Node) -> Stage:
    """When all of ``node`` is known."""
    match node:
        case Const():
            return Stage.TABLE
        case Slot(_, stage):
            return stage
        case Struct(children) | Call(_, children):
            return max(map(stage_of, children), default=Stage.TABLE)


@dataclass(frozen=True, slots=True)
class HeaderShape:
    """A header and where its value comes from."""

    name: str
    schema: Schema | None
    node: Node


@dataclass(frozen=True, slots=True)
class MessageShape:
    """One message of a row. A schema of None goes with the node `NULL`: no key, or a tombstone's value.

    ``partition`` and ``timestamp`` (milliseconds since 1970) are null where they are left to the sink.
    """

    topic: str
    key_schema: Schema | None
    key: Node
    value_schema: Schema | None
    value: Node
    headers: tuple[HeaderShape, ...] = ()
    partition: Node = NULL
    timestamp: Node = NULL

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every tree of the message."""
        return (self.key, self.value, *(header.node for header in self.headers), self.partition, self.timestamp)


@dataclass(frozen=True, slots=True)
class Choice:
    """A message that depends on a value: ``message`` says what a row becomes that has this value, which is hashable.

    ``on`` is where the value comes from. What the messages are made of is found in ``nodes``.
    """

    on: Node
    nodes: tuple[Node, ...]
    message: Callable[[Any], Outcome]


Outcome = MessageShape | Choice | None
"""What becomes of a message; None where it is dropped."""


@dataclass(frozen=True, slots=True)
class ReaderCode:
    """Source text that reads one log event, with what it refers to.

    ``parameters``  names of the generated function's arguments: what the source passes for each log event
    ``event``       statements run once per log event; they assign the slots of `Stage.EVENT`
    ``loop``        the loop's head, e.g. ``while pos < end:``
    ``row``         statements inside the loop; they assign the slots of `Stage.ROW`. ``row`` is the row's number
    ``constants``   objects that the statements use, by name
    """

    parameters: tuple[str, ...]
    event: Sequence[str]
    loop: str
    row: Sequence[str]
    constants: Mapping[str, object] = field(default_factory=dict)


class Reader(Protocol):
    """Writes the code that reads the rows of one kind of log event."""

    def code(self, used: frozenset[str]) -> ReaderCode:
        """The code that assigns at least the slots in ``used``; values that nothing uses are skipped, not decoded."""

    def split(self, arguments: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """The arguments of a log event as those of each of its rows by itself, no value decoded.

        For the way on after an error. Raises whatever reading raises where the rows can't be told apart.
        """


@dataclass(frozen=True, eq=False, slots=True)
class EventShape:
    """One kind of log event on one table; compared by identity, so a source keeps the one it made.

    ``messages`` is what a row becomes. Where ``key_slots`` holds pairs (before, after) and any pair differs in
    a row, the row's key has changed and it becomes ``rekeyed`` instead.
    """

    table: str
    operation: str
    reader: Reader
    messages: tuple[MessageShape, ...]
    key_slots: tuple[tuple[str, str], ...] = ()
    rekeyed: tuple[MessageShape, ...] = ()
