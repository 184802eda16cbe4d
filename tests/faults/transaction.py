"""One transaction of a writer: the changes it makes, and the steps that they are of the rows."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tests.faults.database import BUSINESS, OUTBOX, Image, Session
from tests.faults.ledger import Key, Step


class Transaction:
    """The changes of one transaction.

    ``images``  the rows that it may change, by id, as its own statements have left them
    ``gone``    the number of the delete of rows that once were
    ``steps``   what is to be delivered once it has committed
    """

    def __init__(self, session: Session, number: int, images: Mapping[int, Image], gone: Mapping[int, int]) -> None:
        self._session = session
        self._number = number
        self.images = dict(images)
        self.gone = dict(gone)
        self.steps: list[tuple[Key, Step]] = []

    def insert(self, rows: Sequence[int]) -> None:
        """Several rows; a key that was deleted goes on with its numbers."""
        for row in rows:
            self.images[row] = image = Image(self.gone.pop(row, 0) + 1, self._number)
            self._step(row, Step(image.version, "c", self._number))
        self._session.insert({row: self.images[row] for row in rows})

    def update(self, rows: Sequence[int]) -> None:
        """Several rows."""
        for row in rows:
            self.images[row] = image = Image(self.images[row].version + 1, self._number)
            self._step(row, Step(image.version, "u", self._number))
        self._session.update({row: self.images[row] for row in rows})

    def delete(self, rows: Sequence[int]) -> None:
        """Several rows."""
        for row in rows:
            self._leave(row)
        self._session.delete(rows)

    def move(self, row: int, new_row: int) -> None:
        """A row gets another key: a delete of the one, an insert of the other."""
        image = Image(self.images[row].version + 1, self._number)
        self._leave(row)
        self.images[new_row] = image
        self._step(new_row, Step(image.version, "c", self._number))
        self._session.move(row, new_row, image)

    def publish(self, aggregate: int) -> None:
        """An outbox event: its row is inserted and deleted at once."""
        key = Key(OUTBOX, str(uuid.uuid4()))
        self._session.publish(str(key.id), aggregate)
        self.steps += [(key, Step(1, "c", 0)), (key, Step(2, "d", 0))]

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What happens inside is rolled back to a savepoint."""
        images, gone, steps = dict(self.images), dict(self.gone), list(self.steps)
        with self._session.undone():
            yield
        self.images, self.gone, self.steps = images, gone, steps

    def _leave(self, row: int) -> None:
        image = self.images.pop(row)
        self.gone[row] = image.version + 1
        self._step(row, Step(image.version + 1, "d", image.transaction))

    def _step(self, row: int, step: Step) -> None:
        self.steps.append((Key(BUSINESS, row), step))
