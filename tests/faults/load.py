"""Writers that change a business table and an outbox without rest, each on rows of its own."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Self

from tests.faults.database import AbortedError, Database, Image, Session
from tests.faults.ledger import Ledger
from tests.faults.transaction import Transaction

WRITERS = 4
PACE_SECONDS = 0.01
"""Each writer's rest between two transactions: the load leaves room for what it is to test."""


class Load:
    """The tables, in the beginning with ``rows`` rows, and from entering to leaving the writers.

    ``seed`` decides what they do. ``room``, given before entering, says whether there is room for another
    transaction: the writers stay only so far ahead of delivery.
    """

    def __init__(self, database: Database, seed: int, rows: int) -> None:
        self.ledger = Ledger()
        self.rows = rows
        self.room: Callable[[], bool] = lambda: True
        self._stopping = threading.Event()
        database.create_tables()
        with database.session() as session:
            first = Transaction(session, 0, {}, {})
            session.begin()
            first.insert(range(rows))
            session.commit()
            self.ledger.commit(first.steps, before=time.monotonic())
        self._writers = [
            Writer(self, database, number, random.Random(f"{seed} {number}"), first.images) for number in range(WRITERS)
        ]

    def __enter__(self) -> Self:
        for writer in self._writers:
            writer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the writers after the transactions they are in."""
        self._stopping.set()
        for writer in self._writers:
            writer.join()
        self.check()

    def check(self) -> None:
        """Raises what a writer failed of."""
        for writer in self._writers:
            if writer.error is not None:
                raise writer.error

    def goes_on(self) -> bool:
        """Wait for room; False when the load is to end."""
        while not self._stopping.wait(PACE_SECONDS):
            if self.room():
                return True
        return False


class Writer(threading.Thread):
    """One session that writes transaction after transaction to rows that no other writer touches."""

    def __init__(
        self, load: Load, database: Database, number: int, dice: random.Random, images: dict[int, Image]
    ) -> None:
        super().__init__(name=f"writer {number}")
        self.error: Exception | None = None
        self._load = load
        self._database = database
        self._number = number
        self._dice = dice
        self._images = {row: image for row, image in images.items() if row % WRITERS == number}
        self._gone: dict[int, int] = {}
        self._last_row = len(images) // WRITERS * WRITERS + number

    def run(self) -> None:
        """Write until the load ends."""
        try:
            with self._database.session() as session:
                number = self._number
                while self._load.goes_on():
                    number += WRITERS
                    self._write(session, number)
        except Exception as error:
            self.error = error

    def _write(self, session: Session, number: int) -> None:
        """One transaction, or one change without one; what the server ends leaves nothing behind."""
        transaction = Transaction(session, number, self._images, self._gone)
        try:
            if self._dice.random() < 0.2:
                before = self._change_alone(transaction)
            else:
                before = self._transact(session, transaction)
        except AbortedError:
            return
        if before is not None:
            self._load.ledger.commit(transaction.steps, before)
            self._images, self._gone = transaction.images, transaction.gone

    def _change_alone(self, transaction: Transaction) -> float | None:
        """A statement that is committed by itself; a monotonic time before it was sent."""
        before = time.monotonic()
        match self._dice.choice(("insert", "update", "delete")):
            case "insert":
                transaction.insert([self._fresh_row()])
            case "update":
                transaction.update([self._dice.choice(list(transaction.images))])
            case "delete":
                transaction.delete([self._dice.choice(list(transaction.images))])
        return before

    def _transact(self, session: Session, transaction: Transaction) -> float | None:
        """A few changes, some taken back; a monotonic time before COMMIT was sent. None: a tenth is rolled back."""
        session.begin()
        for _ in range(self._dice.choice((1, 1, 1, 2, 3, 20))):
            self._change(transaction)
            if session.has_savepoints and self._dice.random() < 0.1:
                with transaction.undone():
                    self._change(transaction)
        if self._dice.random() < 0.1:
            session.rollback()
            return None
        before = time.monotonic()
        session.commit()
        return before

    def _change(self, transaction: Transaction) -> None:
        """One statement, or two that belong together."""
        dice = self._dice
        rows = dice.sample(list(transaction.images), dice.choice((1, 1, 1, 2, 5, 50)))
        match dice.choice(("update", "publish", "publish", "replace", "return", "move")):
            case "update":
                transaction.update(rows)
            case "publish":
                transaction.update(rows[:1])
                transaction.publish(rows[0])
            case "replace":
                transaction.delete(rows[:5])
                transaction.insert([self._fresh_row() for _ in rows[:5]])
            case "return":
                transaction.delete(rows[:1])
                transaction.insert(dice.sample(list(transaction.gone), 1))
            case "move":
                transaction.move(rows[0], self._fresh_row())

    def _fresh_row(self) -> int:
        self._last_row += WRITERS
        return self._last_row
