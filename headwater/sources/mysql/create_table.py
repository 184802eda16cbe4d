"""The columns in a CREATE TABLE statement as SHOW CREATE TABLE writes it, in the terms of Debezium's schema changes.

``information_schema`` can't stand in for the statement: it lacks what a default was written as (of a binary default
with a zero byte even the value), and Debezium tells the text. The statement must come from a session whose
``sql_mode`` has neither ANSI_QUOTES nor NO_BACKSLASH_ESCAPES. Source: "SHOW CREATE TABLE" in MySQL's manual; what
Debezium's DDL parser makes of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    `(?:[^`]|``)*`
    | \w*'(?:[^'\\]|''|\\.)*'
    | [(),]
    | [^\s`'(),]+
    """,
    re.VERBOSE | re.DOTALL,
)
_NOW = "1970-01-01 00:00:00"
"""What Debezium gives for a default of CURRENT_TIMESTAMP."""
_LENGTH_OF_ZERO = 10
"""What Debezium's parser takes a length of 0 for, as in ``char(0)``."""


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """One column.

    ``type``      without parentheses, in upper case: ``INT UNSIGNED ZEROFILL``
    ``length``    the first number in parentheses; 1 for enum, room for all members and the commas for set
    ``scale``     the second number in parentheses
    ``charset``   of the column's own; None where the table's holds, and for types that have none
    ``values``    the members of enum and set as SQL literals, quotes and all
    ``default``   the literal's text without its quotes, escapes left as they are; None for NULL and for an expression
    ``automatic`` AUTO_INCREMENT or ON UPDATE CURRENT_TIMESTAMP
    """

    name: str
    type: str
    length: int | None
    scale: int | None
    charset: str | None
    values: tuple[str, ...]
    nullable: bool
    default: str | None
    automatic: bool


def column_definitions(create_table: str) -> list[ColumnDefinition]:
    """The columns of the statement, in order."""
    return [_column(item) for item in _items(create_table) if item[0].startswith("`")]


def _items(create_table: str) -> Iterator[list[str]]:
    """The tokens of each column, key and constraint: what commas part between the outer parentheses."""
    depth = 0
    item: list[str] = []
    for match in _TOKEN.finditer(create_table):
        word = match[0]
        if depth == 1 and word in ",)":
            yield item
            item = []
            if word == ")":
                return
        elif depth:
            item.append(word)
        depth += (word == "(") - (word == ")")


def _column(tokens: Sequence[str]) -> ColumnDefinition:
    name, kind, *rest = tokens
    arguments: list[str] = []
    if rest[:1] == ["("]:
        end = rest.index(")")
        arguments, rest = [word for word in rest[1:end] if word != ","], rest[end + 1 :]
    attributes = _collapsed(rest)
    length, scale = _size(kind, arguments)
    return ColumnDefinition(
        name=name[1:-1].replace("``", "`"),
        type=" ".join([kind, *(word for word in attributes if word in ("unsigned", "zerofill"))]).upper(),
        length=length,
        scale=scale,
        charset=_charset(attributes),
        values=tuple(arguments) if kind in ("enum", "set") else (),
        nullable="NOT" not in attributes,
        default=_default(attributes),
        automatic="AUTO_INCREMENT" in attributes or "ON" in attributes,
    )


def _collapsed(tokens: Sequence[str]) -> list[str]:
    """The tokens without what is in parentheses; the opening ones stay."""
    kept: list[str] = []
    depth = 0
    for word in tokens:
        depth -= word == ")"
        if depth == 0 and word != ")":
            kept.append(word)
        depth += word == "("
    return kept


def _size(kind: str, arguments: Sequence[str]) -> tuple[int | None, int | None]:
    """Length and scale."""
    if kind == "enum":
        return 1, None
    if kind == "set":
        return 2 * len(arguments) - 1, None
    if not arguments:
        return None, None
    return int(arguments[0]) or _LENGTH_OF_ZERO, int(arguments[1]) if len(arguments) > 1 else None


def _charset(attributes: Sequence[str]) -> str | None:
    if "CHARACTER" in attributes:
        return attributes[attributes.index("CHARACTER") + 2]
    if "COLLATE" in attributes:
        return attributes[attributes.index("COLLATE") + 1].partition("_")[0]
    return None


def _default(attributes: Sequence[str]) -> str | None:
    if "DEFAULT" not in attributes:
        return None
    literal = attributes[attributes.index("DEFAULT") + 1]
    if literal in ("NULL", "("):
        return None
    if literal == "CURRENT_TIMESTAMP":
        return _NOW
    if literal.startswith("'"):
        return literal[1:-1]
    return literal[2:-1]  # of b'101' the digits; of 0x00FF41, which has no closing quote, Debezium loses the last one
