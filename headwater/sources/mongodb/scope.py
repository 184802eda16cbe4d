"""What a change stream watches: the narrowest of collection, database and deployment that the filters allow.

The narrower, the less the server reads for us, and the less a user must be allowed. What the scope lets through beyond
the lists, the server leaves out by conditions on the namespace. They say no more than a regular expression can be made
to say there: the lists have the last word when events are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from headwater.sources.filters import TableFilter, split

_NAME = r"(?:[A-Za-z0-9_]|\\?-)+"
_TAIL = r"(?![*+?{])(?:[^\\|()\[\]]|\\[^QE]|\[(?:[^\\\[\]]|\\[^QE])+\]|\((?:[^\\()\[\]]|\\[^QE])*\))+"
"""What doesn't offer another beginning: ``|`` only within parentheses, and no quantifier for what stands before."""
_IN_ONE_DATABASE = re.compile(rf"({_NAME})(?:\\\.({_TAIL})|\.({_NAME}))", re.DOTALL)
"""An expression for the namespaces of one database: its plain name, and a dot that can't be any character of a longer
name. A plain collection may stand behind a dot without a backslash: such a name has no other dot."""
_PLAIN = re.compile(rf"{_NAME}(?:\\\.{_NAME})*")
_SAME_IN_PCRE = re.compile(r"(?:[^\\(]|\((?!\?)|\\[^A-Za-z0-9]|\\[dwsDWS])*", re.ASCII)
"""An expression that means the same in Java's form and in the server's."""
_NAMESPACE = {"$concat": ["$ns.db", ".", "$ns.coll"]}

Names = Callable[[], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Scope:
    """``collection`` None watches a database, ``database`` None too the deployment."""

    database: str | None = None
    collection: str | None = None

    def __str__(self) -> str:
        if self.database is None:
            return "the whole deployment"
        if self.collection is None:
            return f"the database {self.database}"
        return f"the collection {self.database}.{self.collection}"

    @property
    def target(self) -> tuple[str, str | int]:
        """The database that ``aggregate`` goes to, and its argument."""
        return self.database or "admin", self.collection or 1


@dataclass(frozen=True, slots=True)
class Lists:
    """Include and exclude lists as regular expressions, each for a whole name; without one nothing is said."""

    database_include: tuple[str, ...] = ()
    database_exclude: tuple[str, ...] = ()
    collection_include: tuple[str, ...] = ()
    collection_exclude: tuple[str, ...] = ()

    @classmethod
    def of(cls, *texts: str | None, literal: bool) -> Lists:
        """From the options' texts, in the order of the fields; ``literal`` has names in place of expressions."""
        return cls(*(tuple(re.escape(name) if literal else name for name in split(text or "")) for text in texts))

    def filter(self, builtin: frozenset[str]) -> TableFilter:
        """The same lists for what was read."""
        texts = (",".join(name.replace(",", "\\,") for name in names) for names in astuple(self))
        return TableFilter(
            builtin=builtin,
            **dict(zip(("database_include", "database_exclude", "table_include", "table_exclude"), texts, strict=True)),
        )

    def scope(self, databases: Names, collections: Callable[[str], Iterable[str]]) -> Scope:
        """The narrowest one, given the names that there are: names are matched whatever their case."""
        in_one = [_IN_ONE_DATABASE.fullmatch(expression) for expression in self.collection_include]
        names = {_unescaped(match[1]).lower() if match else None for match in in_one}
        if len(names) == 1 and in_one[0] is not None:
            database = _as_it_is(_unescaped(in_one[0][1]), databases())
            rest = in_one[0][2] or in_one[0][3]
            if len(in_one) == 1 and _PLAIN.fullmatch(rest):
                wanted = _unescaped(rest)
                alike = {name for name in collections(database) if name.lower() == wanted.lower()}
                if alike <= {wanted}:
                    return Scope(database, wanted)
            return Scope(database)
        if len(self.database_include) == 1 and re.fullmatch(_NAME, self.database_include[0]):
            return Scope(_as_it_is(_unescaped(self.database_include[0]), databases()))
        return Scope()

    def conditions(self, scope: Scope) -> list[dict[str, Any]]:
        """What ``$match`` can say about an event's ``ns`` that the scope does not."""
        if scope.collection is not None:
            return []
        return [
            *([] if scope.database else _conditions("$ns.db", self.database_include, self.database_exclude)),
            *_conditions(_NAMESPACE, self.collection_include, self.collection_exclude),
        ]


def _conditions(name: object, include: Sequence[str], exclude: Sequence[str]) -> list[dict[str, Any]]:
    """One or none: an expression that the server reads otherwise isn't told to it."""
    if include:
        return [_matches(name, include)] if all(map(_is_same, include)) else []
    known = [expression for expression in exclude if _is_same(expression)]
    return [{"$nor": [_matches(name, known)]}] if known else []


def _is_same(expression: str) -> bool:
    return expression.isascii() and _SAME_IN_PCRE.fullmatch(expression) is not None


def _unescaped(name: str) -> str:
    return name.replace("\\", "")


def _as_it_is(wanted: str, names: Iterable[str]) -> str:
    """The name that there is; databases can't differ in case alone."""
    return next((name for name in names if name.lower() == wanted.lower()), wanted)


def _matches(name: object, expressions: Sequence[str]) -> dict[str, Any]:
    """Whether a name is one of those.

    As an expression, which the server looks at when it has made the event. A condition on ``ns.db`` or ``ns.coll`` it
    applies to its log before, in a form that takes it longer than making the event does (MongoDB 6.0).
    """
    pattern = f"^(?:{'|'.join(expressions)})$"
    return {"$expr": {"$regexMatch": {"input": name, "regex": pattern, "options": "i"}}}
