"""Expressions over messages, in CEL: what ``Filter`` and ``ContentBasedRouter`` of Debezium decide by.

An expression has the variables that Debezium's have: ``topic``, ``key``, ``value``, ``keySchema``, ``valueSchema`` and
``header``. It can't loop forever, read a file or change anything, which Groovy's can.

Only what an expression names of a message is read for it: where it says ``value.after.id``, no other column.

Source: ``io.debezium.transforms.ScriptingTransformation`` (Debezium 3.6); the Common Expression Language's definition.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Any

from headwater.config import REQUIRED, Config, ConfigError, Importance, Option, OptionType, Problem, Width, one_of
from headwater.java_regex import check_java, compile_java
from headwater.record import DECIMAL, Schema, Type
from headwater.shape import Const, MessageShape, Node, Struct
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.operand import operand
from headwater.tree import Scalar, Together, call, members, whole

if TYPE_CHECKING:
    from cel import Program

LANGUAGE = "cel"
_NAMES: Mapping[type, str] = {bool: "boolean", str: "text"}
VARIABLES = ("topic", "key", "value", "keySchema", "valueSchema", "header")
LONGEST = 4000
"""Characters of an expression: CEL's parser recurses, and has no other limit."""

_TOPIC_REGEX = Option(
    "topic.regex",
    OptionType.STRING,
    None,
    "Java's regular expression that a topic must match as a whole; messages to others stay as they are.",
    Importance.LOW,
    check_java,
    label="Topic regex",
    width=Width.LONG,
)
_LANGUAGE = Option(
    "language",
    OptionType.STRING,
    REQUIRED,
    "The language of the expression: cel, and no other.",
    Importance.HIGH,
    label="Expression language",
    width=Width.MEDIUM,
)
_NULL_HANDLING = Option(
    "null.handling.mode",
    OptionType.STRING,
    "keep",
    "What becomes of a message whose value is null: it stays as it is (keep), is dropped (drop), or the expression"
    " decides (evaluate).",
    Importance.LOW,
    one_of("drop", "keep", "evaluate"),
    label="Handle null records",
    width=Width.SHORT,
)


def expression_options(name: str, label: str, doc: str) -> tuple[Option, ...]:
    """The options of a transform whose expression is the option ``name``."""
    expression = Option(name, OptionType.STRING, REQUIRED, doc, Importance.HIGH, label=label, width=Width.MEDIUM)
    return (_TOPIC_REGEX, _LANGUAGE, expression, _NULL_HANDLING)


class Decision:
    """Which messages an expression is for, and what it says of them: null, or a value of the type ``gives``.

    Raises `ConfigError` where the option ``name`` is no expression, or is one of another language.
    """

    def __init__(self, config: Config, name: str, gives: type) -> None:
        _check_language(config["language"], config[name], name)
        self._expression = Expression(config[name], name, gives)
        self._topics = compile_java(config["topic.regex"]) if config["topic.regex"] else None
        self._nulls: str = config["null.handling.mode"].lower()

    def is_for(self, topic: str) -> bool:
        """Whether messages to a topic are looked at."""
        return self._topics is None or self._topics.fullmatch(topic) is not None

    def drops_null(self, message: MessageShape, ask: Ask) -> bool | None:
        """For a message whose value is null: whether it is dropped or stays. None leaves it to the expression."""
        if self._nulls == "evaluate" or not operand(message, Part.VALUE).is_absent(ask):
            return None
        return self._nulls == "drop"

    def of(self, message: MessageShape, ask: Ask) -> Any:
        """What the expression gives for it. Raises `TransformError`."""
        return ask(self._expression.over(message))


def _check_language(language: str, expression: str, name: str) -> None:
    if language == LANGUAGE:
        return
    try:
        _compiled(expression)
        advice = f"write language={LANGUAGE}; {name} is an expression of CEL as it stands"
    except ValueError:
        advice = (
            f"write language={LANGUAGE} and the expression in CEL, for example"
            " value.op == 'u' && value.after.id > 2, or has(header.kind) ? header.kind.value : null"
        )
    text = f"{language} is not run here, where expressions are of the Common Expression Language: {advice}"
    raise ConfigError([Problem("language", f"Invalid value {language} for configuration language: {text}")])


def _compiled(text: str) -> Program:
    """Raises ValueError."""
    if len(text) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST} characters")
    program: Program = _engine().compile(text)
    return program


@cache
def _engine() -> Any:
    """The compiled module of the package ``cel`` alone: the package itself imports its command line, of 28 MB.

    Raises ValueError where it is not installed.
    """
    package = find_spec("cel")
    spec = None if package is None else PathFinder.find_spec("cel.cel", package.submodule_search_locations)
    if spec is None or spec.loader is None:
        raise ValueError(
            "expressions need the Python package 'common-expression-language': pip install 'headwater[cel]'"
        )
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _known_variables(program: Program, text: str) -> list[str]:
    """The variables that an expression has. Raises ValueError where one is unknown."""
    used = program.variables()
    tokens = list(_tokens(text))
    triples = zip(tokens, tokens[1:], tokens[2:], strict=False)
    of_macros = {name for before, (_, name), behind in triples if (before[1], behind[1]) == ("(", ",")}
    for name in used:
        if name not in VARIABLES and name not in of_macros:
            raise ValueError(f"there is no variable {name}, only {', '.join(VARIABLES)}")
    return [name for name in VARIABLES if name in used]


class Expression:
    """One expression of CEL, which ``gives`` a value of a type, or null.

    Raises `ConfigError`, for the option ``name``, where it is none.
    """

    def __init__(self, text: str, name: str, gives: type) -> None:
        try:
            program = _compiled(text)
            used = _known_variables(program, text)
        except ValueError as error:
            raise ConfigError([Problem(name, f"Invalid value {text} for configuration {name}: {error}")]) from None
        self._text = text
        self._gives = gives
        self._program = program
        self._variables = used
        self._wanted = wanted(text)

    def over(self, message: MessageShape) -> Scalar:
        """What it gives for messages of this shape."""
        values = (self._variable(name, message) for name in self._variables)
        return call(self._evaluate, *values)

    def _variable(self, name: str, message: MessageShape) -> Scalar:
        paths = self._wanted.get(name, [()])
        match name:
            case "topic":
                return Const(message.topic)
            case "key":
                return _readable(message.key_schema, message.key, paths)
            case "value":
                return _readable(message.value_schema, message.value, paths)
            case "keySchema":
                return Const(_described(message.key_schema))
            case "valueSchema":
                return Const(_described(message.value_schema))
            case _:
                return _headers(message, paths)

    def _evaluate(self, *values: Any) -> Any:
        try:
            found = self._program.execute(dict(zip(self._variables, values, strict=True)))
        except KeyError as error:
            raise TransformError(f"the expression {self._text!r} gives nothing here: there is no {error}") from None
        except (TypeError, ValueError, RuntimeError, OverflowError) as error:
            raise TransformError(f"the expression {self._text!r} gives nothing here: {error}") from None
        if found is None or isinstance(found, self._gives):
            return found
        raise TransformError(f"the expression {self._text!r} gives {found!r}, which is no {_NAMES[self._gives]}")


Path = tuple[str, ...]

_TOKEN = re.compile(
    r"""(?P<text>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^\\"])*"|'(?:\\.|[^\\'])*'))"""
    r"|(?P<comment>//[^\n]*)|(?P<name>[A-Za-z_]\w*)|(?P<number>\d[\w.]*)|(?P<sign>\S)",
    re.DOTALL | re.ASCII,
)


def wanted(text: str) -> dict[str, list[Path]]:
    """Which parts of each variable an expression names, as paths of fields; the empty path is all of it.

    Where it can't be told (``value[x]``, ``value.map(…)``) it is more than what is used, never less.
    """
    found: dict[str, list[Path]] = {}
    tokens = [each for each in _tokens(text) if each[0] != "comment"] + [("end", "")]
    for number, (kind, name) in enumerate(tokens[:-1]):
        if kind != "name" or name not in VARIABLES or _is_selected(tokens, number):
            continue
        path: list[str] = []
        at = number + 1
        while tokens[at] == ("sign", ".") and tokens[at + 1][0] == "name" and tokens[at + 2] != ("sign", "("):
            path.append(tokens[at + 1][1])
            at += 2
        found.setdefault(name, []).append(tuple(path))
    return found


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for token in _TOKEN.finditer(text):
        assert token.lastgroup is not None  # noqa: S101 - each of the expression's branches has a name
        yield token.lastgroup, token[0]


def _is_selected(tokens: Sequence[tuple[str, str]], number: int) -> bool:
    """Whether a name is that of a field: a dot is before it, and before that what has the field."""
    if number < 2 or tokens[number - 1] != ("sign", "."):
        return False
    kind, before = tokens[number - 2]
    return kind in ("name", "text") or before in (")", "]", "}")


def _readable(schema: Schema | None, node: Node, paths: Sequence[Path]) -> Scalar:
    """A value as CEL takes it; of a struct only the fields that ``paths`` begin with."""
    if schema is not None and isinstance(node, Struct) and () not in paths:
        named = {path[0] for path in paths}
        fields = [field for field in members(schema, node) if field.name in named]
        inner = [
            _readable(each.schema, each.node, [path[1:] for path in paths if path[0] == each.name]) for each in fields
        ]
        return call(Together(tuple(field.name for field in fields)), *inner)
    convert = None if schema is None else _conversion(schema)
    value = whole(schema, node)
    return value if convert is None else call(convert, value)


def _headers(message: MessageShape, paths: Sequence[Path]) -> Scalar:
    """Headers by their names, each as a struct with a ``value``; of those of one name, the last."""
    named = None if () in paths else {path[0] for path in paths}
    headers = {header.name: header for header in message.headers if named is None or header.name in named}
    values = [call(Together(("value",)), _readable(header.schema, header.node, [()])) for header in headers.values()]
    return call(Together(tuple(headers)), *values)


def _described(schema: Schema | None) -> Mapping[str, Any] | None:
    if schema is None:
        return None
    return {
        "name": schema.name,
        "version": schema.version,
        "type": schema.type.name,
        "optional": schema.optional,
        "doc": schema.doc,
        "parameters": dict(schema.parameters),
    }


_Conversion = Callable[[Any], Any]


def _conversion(schema: Schema) -> _Conversion | None:
    """What makes CEL's values of Connect's; None where they are the same. Decimals become doubles, for want of such."""
    if schema.name == DECIMAL:
        divisor = 10 ** int(schema.parameter("scale") or 0)
        return lambda unscaled: None if unscaled is None else unscaled / divisor
    match schema.type:
        case Type.STRUCT:
            inner = {field.name: each for field in schema.fields if (each := _conversion(field.schema)) is not None}
            return None if not inner else lambda value: value and _each(value, inner)
        case Type.ARRAY:
            assert schema.value_schema is not None  # noqa: S101 - an array has it
            element = _conversion(schema.value_schema)
            return None if element is None else lambda value: value and [element(each) for each in value]
        case Type.MAP:
            assert schema.value_schema is not None  # noqa: S101 - a map has it
            member = _conversion(schema.value_schema)
            return None if member is None else lambda value: value and {k: member(each) for k, each in value.items()}
        case _:
            return None


def _each(value: Mapping[str, Any], inner: Mapping[str, _Conversion]) -> dict[str, Any]:
    return {name: inner[name](each) if name in inner else each for name, each in value.items()}
