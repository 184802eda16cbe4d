"""Plans: one generated function per kind of log event and table, from shapes and converters.

`plan` decides everything that depends only on schema and configuration and writes it down as Python source:
which columns are read, constant bytes, what is computed once per log event and what once per row. The function
takes what the source passes for a log event, and the number of its first row, and returns a list of
`headwater.sink.Message`. `headwater explain` prints the source.

Where a message depends on a value (a `Choice`), the function hands the row on to a *route*: one more generated
function, planned when the value is first seen. A route takes ``append``, the row's number, and the values of the
slots that it may need.
"""

from __future__ import annotations

import itertools
import linecache
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MethodType
from typing import Any

from headwater.converter import Converter
from headwater.record import Schema
from headwater.shape import (
    Call,
    Choice,
    Const,
    EventShape,
    HeaderShape,
    MessageShape,
    Node,
    Outcome,
    ReaderCode,
    Slot,
    Stage,
    Struct,
    stage_of,
)
from headwater.sink import ANY_PARTITION, NOW, Message

RowFunction = Callable[..., list[Message]]
RouteFunction = Callable[..., None]
Transformed = Callable[[MessageShape], Outcome]
INDENT = "    "
MOST_ROUTES = 1000
"""How many values of a choice keep their routes; the one planned first goes first."""
_LONGEST_NAME = 100
_serial = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Converters:
    """The converters of a connector, one for each part of a message."""

    key: Converter
    value: Converter
    header: Converter


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled plan and the source it was compiled from.

    ``topics`` are those of messages whose topic is known for the table, ``routes`` what plans the others.
    """

    function: RowFunction
    source: str
    topics: frozenset[str] = frozenset()
    routes: tuple[Routes, ...] = ()


class _Scope:
    """Collects the statements of one function; `headwater.converter.Scope`.

    Names it makes end in an underscore, which names made by readers never do.
    """

    def __init__(self, constants: dict[str, object]) -> None:
        self.constants = constants
        self.event: list[str] = []
        self.rare = False
        """Whether the code being written seldom runs: then what only it needs is not computed for every log event."""
        self.header_lists: dict[str, str] = {}
        self._row: list[str] = []
        self._bound: dict[object, str] = {}
        self._event_names: dict[str, str] = {}
        self._row_names: dict[str, str] = {}
        self._numbers = itertools.count()

    def bind(self, value: object) -> str:
        identity = value if isinstance(value, bytes | str | MethodType) else id(value)
        if identity not in self._bound:
            function = getattr(value, "__name__", "")
            hint = function if function.isidentifier() else "k"
            name = f"{hint}{next(self._numbers)}_"
            self._bound[identity] = name
            self.constants[name] = value  # keeps the value alive, so that its id stays its own
        return self._bound[identity]

    def assign(self, stage: Stage, expression: str) -> str:
        if stage is Stage.TABLE:
            raise ValueError("a value known for the table is bound, not computed")
        if stage is Stage.EVENT and expression in self._event_names:
            return self._event_names[expression]
        once = stage is Stage.EVENT and not self.rare
        names, prefix = (self._event_names, "e") if once else (self._row_names, "r")
        if expression not in names:
            names[expression] = f"{prefix}{next(self._numbers)}_"
            (self.event if once else self._row).append(f"{names[expression]} = {expression}")
        return names[expression]

    def lower(self, node: Node) -> Const | Slot | Struct:
        """The node with a slot in place of each call: what converters know. The slot's statement is written."""
        match node:
            case Call(function, arguments):
                values = ", ".join(self.value(argument) for argument in arguments)
                stage = stage_of(node)
                return Slot(self.assign(stage, f"{self.bind(function)}({values})"), stage)
            case Struct(nodes):
                return Struct(tuple(map(self.lower, nodes)))
            case _:
                return node

    def value(self, node: Node) -> str:
        """The expression of a node that is no struct."""
        match self.lower(node):
            case Slot(name):
                return name
            case Const(value):
                return "None" if value is None else self.bind(value)
            case Struct():
                raise TypeError("a struct is no argument of a call")

    def take_row(self) -> list[str]:
        """The statements of one branch of the row's code; the next branch starts without their names."""
        taken, self._row = self._row, []
        self._row_names = {}
        return taken


def used_slots(nodes: Iterable[Node]) -> frozenset[str]:
    """Names of all slots in the trees."""
    names: set[str] = set()
    stack = list(nodes)
    while stack:
        match stack.pop():
            case Slot(name):
                names.add(name)
            case Struct(children) | Call(_, children):
                stack.extend(children)
            case Const():
                pass
    return frozenset(names)


def _nodes(outcomes: Iterable[Outcome]) -> Iterable[Node]:
    """The trees of messages, and of choices all that they may need."""
    for outcome in outcomes:
        match outcome:
            case MessageShape():
                yield from outcome.nodes
            case Choice(on, nodes):
                yield on
                yield from nodes


@dataclass(slots=True)
class _Writer:
    """Writes the code of messages and choices; ``routes`` and ``topics`` are what it came by."""

    scope: _Scope
    converters: Converters
    note: set[str]
    routes: list[Routes] = field(default_factory=list)
    topics: set[str] = field(default_factory=set)

    def statements(self, outcomes: Iterable[Outcome]) -> list[str]:
        """Statements that append every message of a row."""
        last = [self._statement(outcome) for outcome in outcomes if outcome is not None]
        return [*self.scope.take_row(), *last]

    def _statement(self, outcome: MessageShape | Choice) -> str:
        return f"append({self._message(outcome)})" if isinstance(outcome, MessageShape) else self._route(outcome)

    def _message(self, shape: MessageShape) -> str:
        """The expression of one message tuple."""
        self.topics.add(shape.topic)
        key = self._convert(self.converters.key, shape.topic, shape.key_schema, shape.key)
        value = self._convert(self.converters.value, shape.topic, shape.value_schema, shape.value)
        headers = self._headers(shape)
        if not key.isidentifier():
            key = self.scope.assign(Stage.ROW, key)  # a tombstone has the same key: converted once
        partition = self._number(shape.partition, ANY_PARTITION)
        timestamp = self._number(shape.timestamp, NOW)
        return f"(row, {shape.topic!r}, {key}, {value}, {headers}, {partition}, {timestamp})"

    def _convert(self, converter: Converter, topic: str, schema: Schema | None, node: Node) -> str:
        if schema is None and not isinstance(node, Const):  # a value whose type only shows when it is there
            return f"{self.scope.bind(partial(converter.convert, topic, None))}({self.scope.value(node)})"
        return converter.plan(topic, schema, self.scope.lower(node), self.scope)

    def _number(self, node: Node, absent: int) -> str:
        """The expression of a number that may be null."""
        match self.scope.lower(node):
            case Const(value):
                return repr(absent if value is None else int(value))
            case Slot(name, stage):
                return self.scope.assign(stage, f"{absent} if {name} is None else {name}")
            case Struct():
                raise TypeError("a struct is no number")

    def _route(self, choice: Choice) -> str:
        """The statement that hands a row on to the route of its value."""
        parts = _parts(choice.nodes)
        routes = Routes(choice, parts, self.converters, self.note)
        self.routes.append(routes)
        values = ["append", "row", *map(self._argument, parts)]
        return f"{self.scope.bind(routes)}[{self.scope.value(choice.on)}]({', '.join(values)})"

    def _argument(self, part: Slot | Call) -> str:
        """The expression of what a route is handed; what is known per log event is computed once for its rows."""
        slot = self.scope.lower(part)
        assert isinstance(slot, Slot)  # noqa: S101 - neither a slot nor a call becomes anything else
        return slot.name if slot.name.isidentifier() else self.scope.assign(slot.stage, slot.name)

    def _headers(self, shape: MessageShape) -> str:
        """The expression of a message's headers; where all are known for the table, one list serves every row."""
        scope = self.scope
        pairs = [
            (header.name, self._convert(self.converters.header, shape.topic, header.schema, header.node))
            for header in shape.headers
        ]
        if not pairs:
            return "None"
        parts = []
        for is_known, group in itertools.groupby(pairs, lambda pair: pair[1] == "None" or pair[1] in scope.constants):
            members = list(group)
            if not is_known:
                parts += [f"({name!r}, {value})" for name, value in members]
                continue
            known = str(members)
            if known not in scope.header_lists:
                constants = [(name, scope.constants.get(value)) for name, value in members]
                scope.header_lists[known] = scope.bind(constants)
            parts.append(f"*{scope.header_lists[known]}")
        return parts[0].removeprefix("*") if len(parts) == 1 and parts[0][0] == "*" else f"[{', '.join(parts)}]"


def _parts(nodes: Iterable[Node]) -> list[Slot | Call]:
    """The slots and calls that trees are made of, each once."""
    found: list[Slot | Call] = []
    for node in nodes:
        match node:
            case Struct(children):
                found += (part for part in _parts(children) if part not in found)
            case Slot() | Call() if node not in found:
                found.append(node)
            case _:
                pass
    return found


class Routes(dict[Any, RouteFunction]):
    """The routes of a choice by its value, each planned when its value is first seen.

    A route has a parameter for each of ``parts``, what the choice's message is made of.
    """

    __name__ = "routes"  # what generated code calls it, with a number

    def __init__(self, choice: Choice, parts: Sequence[Slot | Call], converters: Converters, note: set[str]) -> None:
        self._choice = choice
        self._parameters = [(part, f"v{number}") for number, part in enumerate(parts)]
        self._converters = converters
        self._note = note

    def __missing__(self, value: Any) -> RouteFunction:
        writer = _Writer(_Scope({}), self._converters, self._note)
        body = writer.statements([self._over_parameters(self._choice.message(value))])
        head = f"def route({', '.join(('append', 'row', *(name for _, name in self._parameters)))}):"
        source = "\n".join([head, *_indent(body or ["pass"]), ""])
        route = _compile("route", str(value), source, writer.scope.constants)
        self._note.update(writer.topics)
        if len(self) >= MOST_ROUTES:
            del self[next(iter(self))]
        self[value] = route
        return route

    def _over_parameters(self, outcome: Outcome) -> Outcome:
        """The same with the parameters, all of them known per row, in place of the parts."""
        match outcome:
            case None:
                return None
            case Choice(on, nodes, message):
                return Choice(
                    self._node(on), tuple(map(self._node, nodes)), lambda value: self._over_parameters(message(value))
                )
            case MessageShape():
                return replace(
                    outcome,
                    key=self._node(outcome.key),
                    value=self._node(outcome.value),
                    headers=tuple(HeaderShape(h.name, h.schema, self._node(h.node)) for h in outcome.headers),
                    partition=self._node(outcome.partition),
                    timestamp=self._node(outcome.timestamp),
                )

    def _node(self, node: Node) -> Any:
        match node:
            case Const():
                return node
            case Struct(children):
                return Struct(tuple(map(self._node, children)))
        for part, name in self._parameters:
            if node == part:
                return Slot(name, Stage.ROW)
        if isinstance(node, Call):
            return Call(node.function, tuple(map(self._node, node.arguments)))
        raise ValueError(f"{node.name} is used, which was not among what its transform wanted to keep")


def _indent(lines: Iterable[str]) -> list[str]:
    return [INDENT + line for line in lines]


def _assemble(code: ReaderCode, event: list[str], row: list[str]) -> str:
    """The whole function."""
    if not row:
        return _definition(code, ["return []"])  # every row is dropped
    body = [
        *code.event,
        *event,
        "messages = []",
        "append = messages.append",
        code.loop,
        *_indent([*code.row, *row, "row += 1"]),
        "return messages",
    ]
    return _definition(code, body)


def _definition(code: ReaderCode, body: Iterable[str]) -> str:
    return "\n".join([f"def rows({', '.join(code.parameters)}, row=0):", *_indent(body), ""])


def _unchanged(message: MessageShape) -> Outcome:
    return message


def plan(
    shape: EventShape, converters: Converters, transformed: Transformed = _unchanged, note: set[str] | None = None
) -> Plan:
    """Compile the function for one kind of log event on one table.

    ``transformed`` says what becomes of each of its messages. Topics that depend on values go to ``note`` when they
    are first seen. Raises `headwater.converter.ConversionError`, and what ``transformed`` raises.
    """
    messages = [transformed(message) for message in shape.messages]
    rekeyed = [transformed(message) for message in shape.rekeyed]
    key_slots = {name for pair in shape.key_slots for name in pair} if shape.rekeyed else set()
    code = shape.reader.code(used_slots(_nodes((*messages, *rekeyed))) | key_slots)
    writer = _Writer(_Scope(dict(code.constants)), converters, set() if note is None else note)
    row = writer.statements(messages)
    if shape.rekeyed:
        writer.scope.rare = True
        new_key = writer.statements(rekeyed)
        changed = " or ".join(f"{before} != {after}" for before, after in shape.key_slots)
        if row or new_key:
            row = [f"if {changed}:", *_indent(new_key or ["pass"]), "else:", *_indent(row or ["pass"])]
    source = _assemble(code, writer.scope.event, row)
    function = _compile("rows", f"{shape.operation} {shape.table}", source, writer.scope.constants)
    return Plan(function, source, frozenset(writer.topics), tuple(writer.routes))


def plan_slots(shape: EventShape, slots: Sequence[str]) -> Callable[..., tuple[Any, ...]]:
    """Compile a function of the same arguments that gives these slots' values in the first row, and reads no other."""
    code = shape.reader.code(frozenset(slots))
    body = [*code.event, code.loop, *_indent([*code.row, f"return ({', '.join(slots)},)"])]
    return _compile("rows", f"{shape.operation} {shape.table}", _definition(code, body), dict(code.constants))


def _compile(name: str, what: str, source: str, namespace: dict[str, object]) -> Callable[..., Any]:
    """The function ``name`` that ``source`` defines; tracebacks say what it is for."""
    # A value from a row may be in it, of any length: not all that a text holds may stand in a name.
    shown = "".join(character if character.isprintable() else "?" for character in what[:_LONGEST_NAME])
    filename = f"<plan {next(_serial)}: {shown}>"
    exec(compile(source, filename, "exec"), namespace)  # noqa: S102 - see the module's docstring on what enters
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    function = namespace[name]
    assert callable(function)  # noqa: S101
    # Each new connection plans anew: the lines that tracebacks show go when the function does.
    weakref.finalize(function, linecache.cache.pop, filename, None).atexit = False
    return function
