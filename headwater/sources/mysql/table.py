"""A table's structure: what the rows in the log mean, and what Debezium's schema of them is made from."""

from __future__ import annotations

from dataclasses import dataclass

BOOLEAN = "tinyint as boolean"
"""`Column.type` of a tinyint that a custom converter makes a boolean of; the server has no such type."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column, in the words of ``information_schema.COLUMNS``.

    ``type``       DATA_TYPE in lower case without modifiers: ``int``, ``varchar``, ``datetime``, ``json`` …
    ``length``     characters of char and varchar, bytes of binary and varbinary, bits of bit, precision of decimal
                   (and of float and double declared with one), fractional digits of time, datetime and timestamp
    ``scale``      scale of decimal (and of float and double declared with one)
    ``charset``    the server's name for the character set of a text type; None for binary types and numbers
    ``values``     the members of enum and set, in order
    ``default``    the text of COLUMN_DEFAULT; None for no default, and for a default of NULL
    ``expression`` whether ``default`` is an expression (``uuid()``, ``CURRENT_TIMESTAMP``), not a literal
    ``type_text``  COLUMN_TYPE as the server writes it (``int unsigned``); None where only the log is known
    """

    name: str
    type: str
    nullable: bool
    unsigned: bool = False
    length: int | None = None
    scale: int | None = None
    charset: str | None = None
    values: tuple[str, ...] = ()
    default: str | None = None
    expression: bool = False
    generated: bool = False
    auto_increment: bool = False
    type_text: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table's columns in the order of the log, and the columns of its message key.

    ``key`` is the primary key, else the unique key that Debezium takes in its place, else empty.
    ``primary_key`` is the primary key's columns alone. ``charset`` and ``comment`` are the table's own.
    """

    database: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    primary_key: tuple[str, ...] = ()
    charset: str | None = None

    @property
    def id(self) -> str:
        """``database.table``, as include lists name it."""
        return f"{self.database}.{self.name}"

    def column(self, name: str) -> Column:
        """The column called ``name``. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
