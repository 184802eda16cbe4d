"""What makes an inbox, in each database's own words."""

from __future__ import annotations

from headwater.table_name import check_new_table_name

_LENGTH = 255
_COLUMNS = {
    "mysql": (f"VARCHAR({_LENGTH}) CHARACTER SET ascii COLLATE ascii_bin", "TIMESTAMP"),
    "mariadb": (f"VARCHAR({_LENGTH}) CHARACTER SET ascii COLLATE ascii_bin", "TIMESTAMP"),
    "postgresql": (f"VARCHAR({_LENGTH})", "TIMESTAMP WITH TIME ZONE"),
    "sqlite": (f"VARCHAR({_LENGTH})", "DATETIME"),
}
"""The types of ids and of times. An id is compared letter by letter."""


def ddl(dialect: str, table: str = "inbox") -> list[str]:
    """The statements that make ``table``; for MongoDB what mongosh takes. Raises ValueError for a bad name."""
    check_new_table_name(table, dialect)
    if dialect == "mongodb":
        return [f'db.createCollection("{table}")', f'db.getCollection("{table}").createIndex({{handled_at: 1}})']
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
