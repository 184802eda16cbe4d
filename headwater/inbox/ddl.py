"""What makes an inbox, in each database's own words."""

from __future__ import annotations

import re

_LENGTH = 255
_COLUMNS = {
    "mysql": (f"VARCHAR({_LENGTH}) CHARACTER SET ascii COLLATE ascii_bin", "TIMESTAMP"),
    "mariadb": (f"VARCHAR({_LENGTH}) CHARACTER SET ascii COLLATE ascii_bin", "TIMESTAMP"),
    "postgresql": (f"VARCHAR({_LENGTH})", "TIMESTAMP WITH TIME ZONE"),
    "sqlite": (f"VARCHAR({_LENGTH})", "DATETIME"),
}
"""The types of ids and of times. An id is compared letter by letter."""
DIALECTS = (*_COLUMNS, "mongodb")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")


def ddl(dialect: str, table: str = "inbox") -> list[str]:
    """The statements that make ``table``; for MongoDB what mongosh takes. Raises ValueError for a bad name."""
    check_name(table)
    if dialect == "mongodb":
        return [f'db.createCollection("{table}")', f'db.getCollection("{table}").createIndex({{handled_at: 1}})']
    if dialect == "sqlite" and "." in table:
        raise ValueError("in SQLite a table's name has no dot")
    text, time = _COLUMNS[dialect]
    columns = (
        f"consumer {text} NOT NULL",
        f"message_id {text} NOT NULL",
        f"handled_at {time} NOT NULL DEFAULT CURRENT_TIMESTAMP",
        "PRIMARY KEY (consumer, message_id)",
    )
    return [
        f"CREATE TABLE {table} (\n    " + ",\n    ".join(columns) + "\n)",
        f"CREATE INDEX {table.rpartition('.')[2]}_handled_at ON {table} (handled_at)",
    ]


def check_name(table: str) -> None:
    """Raises ValueError for a table's name that would have to be quoted."""
    if not _NAME.fullmatch(table):
        raise ValueError(f"{table!r} can't be an inbox's name: it has letters, digits and _ only, and at most one dot")
