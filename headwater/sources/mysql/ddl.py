"""Which tables a statement in the log changes the structure of.

Only the head of a statement is read, to name the tables; what became of them is read from the log's own metadata
or from the server. Source: MySQL's manual, "Data Definition Statements".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    /\*!\d*            (?# the inside of a version comment is a statement's own text )
    | \*/
    | /\*.*?\*/ | --\s[^\n]* | \#[^\n]*
    | (?P<quoted>`(?:[^`]|``)*`)
    | (?P<string>'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*")
    | (?P<word>[\w$]+)
    | (?P<mark>[.,()=;])
    """,
    re.VERBOSE | re.DOTALL,
)
_NOT_STRUCTURE = re.compile(
    r"\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|XA|GRANT|REVOKE|ANALYZE|OPTIMIZE|REPAIR|FLUSH|SET|INSERT|UPDATE|DELETE|REPLACE)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Ddl:
    """What a statement does: the (database, table) pairs whose structure it makes, changes or ends.

    ``creates`` says that they were not there before, ``drops`` that they are gone afterwards. ``database`` names a
    whole database that is dropped.
    """

    tables: frozenset[tuple[str, str]] = frozenset()
    creates: bool = False
    drops: bool = False
    database: str | None = None

    def changes(self, table: tuple[str, str]) -> bool:
        """Whether a table that exists may be another afterwards; CREATE TABLE IF NOT EXISTS leaves it as it is.

        Upper and lower case are the same here, as they are to a server with lower_case_table_names.
        """
        if self.creates:
            return False
        database, name = table[0].lower(), table[1].lower()
        if self.database is not None and self.database.lower() == database:
            return True
        return any((database, name) == (other[0].lower(), other[1].lower()) for other in self.tables)


_NOTHING = Ddl()


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    name: bool


def _tokens(sql: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(sql):
        if match["quoted"]:
            yield _Token(match["quoted"][1:-1].replace("``", "`"), name=True)
        elif match["string"] and match["string"][0] == '"':
            yield _Token(match["string"][1:-1].replace('""', '"'), name=True)  # a name under ANSI_QUOTES
        elif match["word"]:
            yield _Token(match["word"], name=True)
        elif match["mark"]:
            yield _Token(match["mark"], name=False)


class _Reader:
    """Reads a statement's head token by token."""

    def __init__(self, sql: str, default_database: str) -> None:
        self._tokens = list(_tokens(sql))
        self._at = 0
        self._default = default_database

    def take(self, *words: str) -> bool:
        """Step over the words if they come next."""
        ahead = self._tokens[self._at : self._at + len(words)]
        if [token.text.upper() for token in ahead] != list(words):
            return False
        self._at += len(words)
        return True

    def skip_to(self, *words: str) -> bool:
        """Step behind the first of ``words`` that comes."""
        while self._at < len(self._tokens):
            self._at += 1
            if self._tokens[self._at - 1].text.upper() in words:
                return True
        return False

    def name(self) -> str | None:
        """The name that comes next."""
        if self._at < len(self._tokens) and self._tokens[self._at].name:
            self._at += 1
            return self._tokens[self._at - 1].text
        return None

    def table(self) -> tuple[str, str] | None:
        """The table name that comes next, with its database."""
        first = self.name()
        if first is None:
            return None
        if self.take("."):
            second = self.name()
            return None if second is None else (first, second)
        return (self._default, first)

    def tables(self, *between: str) -> frozenset[tuple[str, str]]:
        """The table names that come next, with a comma or one of ``between`` from one to the next."""
        found: set[tuple[str, str]] = set()
        while (table := self.table()) is not None:
            found.add(table)
            if not (self.take(",") or any(self.take(word) for word in between)):
                break
        return frozenset(found)


def read_ddl(sql: str, default_database: str) -> Ddl:
    """What the statement does to tables' structure; nothing for statements that do no such thing."""
    if _NOT_STRUCTURE.match(sql):
        return _NOTHING
    reader = _Reader(sql, default_database)
    if reader.take("CREATE"):
        return _read_create(reader)
    if reader.take("ALTER", "TABLE"):
        return _read_alter(reader)
    if reader.take("RENAME", "TABLE") or reader.take("RENAME", "TABLES"):
        return Ddl(reader.tables("TO"))
    if reader.take("DROP"):
        return _read_drop(reader)
    return _NOTHING


def _read_create(reader: _Reader) -> Ddl:
    if reader.take("TABLE"):
        reader.take("IF", "NOT", "EXISTS")
        table = reader.table()
        return Ddl(frozenset([table]), creates=True) if table else _NOTHING
    if reader.take("UNIQUE") and reader.skip_to("ON"):
        table = reader.table()  # a unique index may become the message key
        return Ddl(frozenset([table])) if table else _NOTHING
    return _NOTHING


def _read_alter(reader: _Reader) -> Ddl:
    table = reader.table()
    if table is None:
        return _NOTHING
    tables = {table}
    while reader.skip_to("RENAME"):
        if any(reader.take(part) for part in ("COLUMN", "INDEX", "KEY")):
            continue
        if not reader.take("TO"):
            reader.take("AS")
        new = reader.table()
        tables |= {new} if new else set()
    return Ddl(frozenset(tables))


def _read_drop(reader: _Reader) -> Ddl:
    if reader.take("DATABASE") or reader.take("SCHEMA"):
        reader.take("IF", "EXISTS")
        return Ddl(drops=True, database=reader.name())
    if reader.take("TEMPORARY"):
        return _NOTHING
    if reader.take("TABLE") or reader.take("TABLES"):
        reader.take("IF", "EXISTS")
        return Ddl(reader.tables(), drops=True)
    if reader.take("INDEX") and reader.skip_to("ON"):
        table = reader.table()
        return Ddl(frozenset([table])) if table else _NOTHING
    return _NOTHING
