"""Which databases, tables and columns are captured: Debezium's include and exclude lists.

A list is comma-separated regular expressions in Java's form; ``\\,`` stands for a comma within one. Each must match
the whole name, whatever its case: the database, ``database.table``, ``database.table.column``.

Source: "Connector properties" in Debezium's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from headwater.java_regex import compile_java

_PART = re.compile(r"(?:[^\\,]|\\.)+", re.DOTALL)
_TRAILING_ESCAPE = re.compile(r"(?:[^\\]|\\.)*\\", re.DOTALL)


def split(text: str) -> tuple[str, ...]:
    """The members of a list. Raises ValueError for an escape at its end."""
    if _TRAILING_ESCAPE.fullmatch(text):
        raise ValueError(f"{text!r} ends with a backslash that escapes nothing")
    parts = (part.strip().replace("\\,", ",") for part in _PART.findall(text))
    return tuple(part for part in parts if part)


def patterns(text: str) -> tuple[re.Pattern[str], ...]:
    """The regular expressions of a list. Raises ValueError that names the one that is none."""
    return tuple(compile_java(part, re.IGNORECASE) for part in split(text))


def check_patterns(text: str | None) -> str | None:
    """A validator: what is wrong with a list."""
    try:
        patterns(text or "")
    except ValueError as error:
        return str(error)
    return None


def name_filter(include: str | None, exclude: str | None) -> Callable[[str], bool]:
    """Whether a name is in the include list, or where there is none, not in the exclude list. Raises ValueError."""
    included, excluded = patterns(include or ""), patterns(exclude or "")

    def passes(name: str) -> bool:
        if included:
            return any(pattern.fullmatch(name) for pattern in included)
        return not any(pattern.fullmatch(name) for pattern in excluded)

    return passes


class TableFilter:
    """The lists of one connector. ``builtin`` are the databases that are the server's own and never captured.

    Raises ValueError for a list that can't be read.
    """

    def __init__(
        self,
        *,
        builtin: frozenset[str] = frozenset(),
        database_include: str | None = None,
        database_exclude: str | None = None,
        table_include: str | None = None,
        table_exclude: str | None = None,
        column_include: str | None = None,
        column_exclude: str | None = None,
    ) -> None:
        self._builtin = builtin
        self._listed = patterns(table_include or "")
        self._database = name_filter(database_include, database_exclude)
        self._table = name_filter(table_include, table_exclude)
        self._column = name_filter(column_include, column_exclude)

    def captures_database(self, database: str) -> bool:
        """Whether tables of this database can be captured."""
        return database.lower() not in self._builtin and self._database(database)

    def captures(self, database: str, table: str) -> bool:
        """Whether the rows of this table are captured."""
        return self.captures_database(database) and self._table(f"{database}.{table}")

    def captures_column(self, database: str, table: str, column: str) -> bool:
        """Whether this column of a captured table is captured."""
        return self._column(f"{database}.{table}.{column}")

    def in_listed_order(self, tables: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The tables in the order of the include list, those of one expression by name; all by name without a list."""

        def place(table: tuple[str, str]) -> int:
            name = ".".join(table)
            return next((index for index, pattern in enumerate(self._listed) if pattern.fullmatch(name)), -1)

        return sorted(tables, key=lambda table: (place(table), table))
