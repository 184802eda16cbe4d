"""Names of tables that stand in statements as they are, without quotes."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")


def check_table_name(name: str) -> None:
    """Raises ValueError for a name that would have to be quoted. It may have a schema."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} can't be a table's name: it has letters, digits and _ only, and at most one dot")


def check_new_table_name(name: str, dialect: str) -> None:
    """Raises ValueError for one that a table can't be made by in the database."""
    check_table_name(name)
    if dialect == "sqlite" and "." in name:
        raise ValueError("in SQLite a table's name has no dot")
