"""One process that writes to a SQLite database until it is killed: FILE NUMBER SEED."""

from __future__ import annotations

import random
import sqlite3
import sys
import time
import uuid

TABLE = "account"
WRITERS = 2
PACE_SECONDS = 0.004


def write(file: str, writer: str, seed: str) -> None:
    """Transactions on rows of its own: a few changes each, a tenth of them rolled back."""
    dice = random.Random(seed)
    database = sqlite3.connect(file, timeout=60, isolation_level=None)
    while True:
        time.sleep(PACE_SECONDS)
        database.execute("BEGIN IMMEDIATE")
        for _ in range(dice.choice((1, 1, 2, 3, 20))):
            _change(database, dice, dice.randrange(40) * WRITERS + int(writer))
        database.execute("ROLLBACK" if dice.random() < 0.1 else "COMMIT")


def _change(database: sqlite3.Connection, dice: random.Random, row: int) -> None:
    """One change, and what it is to be delivered as, in the journal."""
    note = str(uuid.uuid4())
    exists = database.execute(f"SELECT note FROM {TABLE} WHERE id = ?", (row,)).fetchone()
    told: list[tuple[str, str]]
    match dice.choice(("insert", "replace", "upsert", "update", "delete")) if exists else "insert":
        case "insert" if not exists:
            database.execute(f"INSERT INTO {TABLE} VALUES (?, ?)", (row, note))
            told = [("c", note)]
        case "update":
            database.execute(f"UPDATE {TABLE} SET note = ? WHERE id = ?", (note, row))
            told = [("u", note)]
        case "upsert":
            database.execute(
                f"INSERT INTO {TABLE} VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET note = excluded.note", (row, note)
            )
            told = [("u", note)]
        case "delete":
            database.execute(f"DELETE FROM {TABLE} WHERE id = ?", (row,))
            told = [("d", exists[0])]
        case _:
            database.execute(f"INSERT OR REPLACE INTO {TABLE} VALUES (?, ?)", (row, note))
            told = [("d", exists[0]), ("c", note)]
    for operation, text in told:
        database.execute("INSERT INTO journal (account, op, note) VALUES (?, ?, ?)", (row, operation, text))


if __name__ == "__main__":
    write(*sys.argv[1:])
