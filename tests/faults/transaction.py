"""One transaction of a writer: every statement, and the steps it makes of the rows it changes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import NamedTuple

from pymysql.cursors import Cursor

from tests.faults.ledger import Key, Step

BUSINESS, OUTBOX = "account", "outbox"
TABLES = (
    f"""
    CREATE TABLE {BUSINESS} (
        id BIGINT NOT NULL PRIMARY KEY,
        version INT NOT NULL,
        transaction INT NOT NULL,
        balance DECIMAL(12, 2) NOT NULL,
        note VARCHAR(200)
    )
    """,
    f"""
    CREATE TABLE {OUTBOX} (
        id VARCHAR(36) NOT NULL PRIMARY KEY,
        aggregate_type VARCHAR(255) NOT NULL,
        aggregate_id VARCHAR(255) NOT NULL,
        type VARCHAR(255) NOT NULL,
        payload JSON NOT NULL,
        timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
    )
    """,
)
NOTE = "What stands here is as long as a note in a business table often is, and it means nothing at all."


class Image(NamedTuple):
    """What a business row holds of its own history: see `tests.faults.ledger.Step`."""

    version: int
    transaction: int


class Transaction:
    """The statements of one transaction.

    ``images``  the rows that it may change, by id, as its own statements have left them
    ``gone``    the number of the delete of rows that once were
    ``steps``   what is to be delivered once it has committed
    """

    def __init__(self, cursor: Cursor, number: int, images: Mapping[int, Image], gone: Mapping[int, int]) -> None:
        self._cursor = cursor
        self._number = number
        self.images = dict(images)
        self.gone = dict(gone)
        self.steps: list[tuple[Key, Step]] = []

    def insert(self, rows: Sequence[int]) -> None:
        """Several rows by one statement; a key that was deleted goes on with its numbers."""
        for row in rows:
            self.images[row] = image = Image(self.gone.pop(row, 0) + 1, self._number)
            self._step(row, Step(image.version, "c", self._number))
        values = [(row, *self.images[row], Decimal(row) / 100, NOTE) for row in rows]
        self._cursor.executemany(f"INSERT INTO {BUSINESS} VALUES (%s, %s, %s, %s, %s)", values)

    def update(self, rows: Sequence[int]) -> None:
        """Several rows by one statement."""
        for row in rows:
            self.images[row] = image = Image(self.images[row].version + 1, self._number)
            self._step(row, Step(image.version, "u", self._number))
        self._cursor.execute(
            f"UPDATE {BUSINESS} SET version = version + 1, transaction = %s WHERE id IN %s ORDER BY id",
            (self._number, rows),
        )

    def delete(self, rows: Sequence[int]) -> None:
        """Several rows by one statement."""
        for row in rows:
            self._leave(row)
        self._cursor.execute(f"DELETE FROM {BUSINESS} WHERE id IN %s", (rows,))

    def move(self, row: int, new_row: int) -> None:
        """A row gets another key: a delete of the one, an insert of the other."""
        image = Image(self.images[row].version + 1, self._number)
        self._leave(row)
        self.images[new_row] = image
        self._step(new_row, Step(image.version, "c", self._number))
        self._cursor.execute(
            f"UPDATE {BUSINESS} SET id = %s, version = version + 1, transaction = %s WHERE id = %s",
            (new_row, self._number, row),
        )

    def publish(self, aggregate: int) -> None:
        """An outbox event: its row is inserted and deleted at once."""
        key = Key(OUTBOX, str(uuid.uuid4()))
        payload = json.dumps({"aggregate": aggregate, "note": NOTE})
        self._cursor.execute(
            f"INSERT INTO {OUTBOX} (id, aggregate_type, aggregate_id, type, payload)"
            " VALUES (%s, 'Account', %s, 'Changed', %s)",
            (key.id, aggregate, payload),
        )
        self._cursor.execute(f"DELETE FROM {OUTBOX} WHERE id = %s", (key.id,))
        self.steps += [(key, Step(1, "c", 0)), (key, Step(2, "d", 0))]

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What happens inside is rolled back to a savepoint."""
        images, gone, steps = dict(self.images), dict(self.gone), list(self.steps)
        self._cursor.execute("SAVEPOINT here")
        yield
        self._cursor.execute("ROLLBACK TO SAVEPOINT here")
        self.images, self.gone, self.steps = images, gone, steps

    def _leave(self, row: int) -> None:
        image = self.images.pop(row)
        self.gone[row] = image.version + 1
        self._step(row, Step(image.version + 1, "d", image.transaction))

    def _step(self, row: int, step: Step) -> None:
        self.steps.append((Key(BUSINESS, row), step))
