"""Plans: one generated function per kind of log event and table, from shapes and converters.

`plan` decides everything that depends only on schema and configuration and writes it down as Python source:
which columns are read, constant bytes, what is computed once per log event and what once per row. The function
takes what the source passes for a log event, and the number of its first row, and returns a list of
`headwater.sink.Message`. `headwater explain` prints the source.
"""

from __future__ import annotations

import itertools
import linecache
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import MethodType
from typing import Any

from headwater.converter import Converter
from headwater.shape import Const, EventShape, MessageShape, Node, ReaderCode, Slot, Stage, Struct
from headwater.sink import Message

RowFunction = Callable[..., list[Message]]
INDENT = "    "
_serial = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Converters:
    """The converters of a connector, one for each part of a message."""

    key: Converter
    value: Converter
    header: Converter


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled plan and the source it was compiled from."""

    function: RowFunction
    source: str


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
            case Struct(children):
                stack.extend(children)
            case Const():
                pass
    return frozenset(names)


def shape_nodes(shape: EventShape) -> Iterable[Node]:
    """The trees of all messages that a row of this shape may become."""
    for message in (*shape.messages, *shape.rekeyed):
        yield message.key
        yield message.value
        for header in message.headers:
            yield header.node


def _message(shape: MessageShape, converters: Converters, scope: _Scope) -> str:
    """The expression of one message tuple."""
    key = converters.key.plan(shape.topic, shape.key_schema, shape.key, scope)
    value = converters.value.plan(shape.topic, shape.value_schema, shape.value, scope)
    headers = _headers(shape, converters, scope)
    if not key.isidentifier():
        key = scope.assign(Stage.ROW, key)  # a tombstone has the same key: converted once
    return f"(row, {shape.topic!r}, {key}, {value}, {headers})"


def _headers(shape: MessageShape, converters: Converters, scope: _Scope) -> str:
    """The expression of a message's headers; where all are known for the table, one list serves every row."""
    pairs = [
        (header.name, converters.header.plan(shape.topic, header.schema, header.node, scope))
        for header in shape.headers
    ]
    if not pairs:
        return "None"
    if all(value in scope.constants for _, value in pairs):
        key = str(pairs)
        if key not in scope.header_lists:
            scope.header_lists[key] = scope.bind([(name, scope.constants[value]) for name, value in pairs])
        return scope.header_lists[key]
    return "[" + ", ".join(f"({name!r}, {value})" for name, value in pairs) + "]"


def _append_all(shapes: Iterable[MessageShape], converters: Converters, scope: _Scope) -> list[str]:
    """Statements that append every message of a row."""
    expressions = [_message(shape, converters, scope) for shape in shapes]
    return [*scope.take_row(), *(f"append({expression})" for expression in expressions)]


def _row_block(shape: EventShape, converters: Converters, scope: _Scope) -> list[str]:
    """What happens to a row once its columns are read."""
    same_key = _append_all(shape.messages, converters, scope)
    if not shape.rekeyed:
        return same_key
    scope.rare = True
    new_key = _append_all(shape.rekeyed, converters, scope)
    changed = " or ".join(f"{before} != {after}" for before, after in shape.key_slots)
    return [f"if {changed}:", *_indent(new_key), "else:", *_indent(same_key)]


def _indent(lines: Iterable[str]) -> list[str]:
    return [INDENT + line for line in lines]


def _assemble(code: ReaderCode, event: list[str], row: list[str]) -> str:
    """The whole function."""
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


def plan(shape: EventShape, converters: Converters) -> Plan:
    """Compile the function for one kind of log event on one table. Raises `ConversionError`."""
    key_slots = {name for pair in shape.key_slots for name in pair}
    code = shape.reader.code(used_slots(shape_nodes(shape)) | key_slots)
    scope = _Scope(dict(code.constants))
    row = _row_block(shape, converters, scope)
    source = _assemble(code, scope.event, row)
    return Plan(_compile(shape, source, scope.constants), source)


def plan_slot(shape: EventShape, slot: str) -> Callable[..., Any]:
    """Compile a function of the same arguments that gives one slot's value in the first row, and reads no other."""
    code = shape.reader.code(frozenset({slot}))
    body = [*code.event, code.loop, *_indent([*code.row, f"return {slot}"])]
    return _compile(shape, _definition(code, body), dict(code.constants))


def _compile(shape: EventShape, source: str, namespace: dict[str, object]) -> Callable[..., Any]:
    """The function that ``source`` defines."""
    filename = f"<plan {next(_serial)}: {shape.operation} {shape.table}>"
    exec(compile(source, filename, "exec"), namespace)  # noqa: S102 - see the module's docstring on what enters
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    function = namespace["rows"]
    assert callable(function)  # noqa: S101
    # Each new connection plans anew: the lines that tracebacks show go when the function does.
    weakref.finalize(function, linecache.cache.pop, filename, None).atexit = False
    return function
