"""What a database is to the fault tests: something that writers change, and whose log a connector reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

BUSINESS, OUTBOX = "account", "outbox"
"""The tables, or collections, that the load writes to."""
NOTE = "What stands here is as long as a note in a business table often is, and it means nothing at all."

Position = tuple[str | int | None, ...]
"""Where in the log a change is, by what its message says; two of them can be the same and nothing else."""


class Image(NamedTuple):
    """What a business row holds of its own history: see `tests.faults.ledger.Step`."""

    version: int
    transaction: int


class Change(NamedTuple):
    """What a message's value tells: ``row`` is the row after the change, before it for a delete, None if unknown."""

    operation: str
    row: Mapping[str, Any] | None
    position: Position


class AbortedError(Exception):
    """The server has ended a transaction, and nothing of it is left."""


class Session(Protocol):
    """One writer's connection; a statement outside of a transaction is committed by itself, and changes one row.

    Statements and `commit` come back once it is known what became of them. They raise `AbortedError`.
    """

    has_savepoints: bool
    """Whether a part of a transaction can be rolled back."""

    def begin(self) -> None:
        """Begin a transaction."""

    def commit(self) -> None:
        """Commit it."""

    def rollback(self) -> None:
        """Leave nothing of it."""

    def undone(self) -> AbstractContextManager[None]:
        """What happens inside is rolled back; only where there are savepoints."""

    def insert(self, images: Mapping[int, Image]) -> None:
        """Several business rows by one statement."""

    def update(self, images: Mapping[int, Image]) -> None:
        """Several business rows by one statement: the version one higher, and all the same transaction."""

    def delete(self, rows: Sequence[int]) -> None:
        """Several business rows by one statement."""

    def move(self, row: int, new_row: int, image: Image) -> None:
        """A business row gets another key, and the image; its messages are those of a delete and an insert."""

    def publish(self, event: str, aggregate: int) -> None:
        """A row of the outbox, inserted and deleted at once."""


class Database(Protocol):
    """One database; its topics are called ``PREFIX.name.TABLE``."""

    name: str
    impatience: Mapping[str, str]
    """Options with which a connector takes a connection that is silent for a second or two for lost."""

    @property
    def address(self) -> tuple[str, int]:
        """The server's host and port."""

    def create_tables(self) -> None:
        """Make both, empty."""

    def session(self) -> AbstractContextManager[Session]:
        """Another connection."""

    def connector(self) -> dict[str, str]:
        """A connector's own options."""

    def reached_at(self, host: str, port: int) -> dict[str, str]:
        """What differs in them where the server has another address."""

    def key(self, key: bytes) -> int | str:
        """The primary key of the row that a message with this key tells of."""

    def change(self, event: Mapping[str, Any]) -> Change:
        """What a message's decoded value tells."""
