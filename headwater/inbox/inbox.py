"""What an inbox is: it remembers, in the transaction of what a handler changes, that a message was handled."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import timedelta
from typing import Protocol, TypeVar

S = TypeVar("S")
"""What a handler writes with: a library's session or connection, in a transaction."""


class Inbox(Protocol[S]):
    """Ids of handled messages in a table or collection. A *consumer* is who handled them: each has ids of its own."""

    def transaction(self) -> AbstractContextManager[S]:
        """A transaction that ends with the block: committed, or rolled back where the block raises."""

    def record(self, session: S, consumer: str, message_id: str) -> bool:
        """Record the id in the transaction of ``session``. False where it was recorded before: the message is known.

        Where another transaction has just recorded it, waits for that one's end. Raises `InboxError`.
        """

    def is_passing(self, error: BaseException) -> bool:
        """Whether the error says something of the database at this moment, and nothing of the message.

        A lost connection, a deadlock. What was tried is then tried again for as long as it takes.
        """

    def prune(self, older_than: timedelta) -> int:
        """Forget ids that were recorded longer ago than that; how many. Such a message would be handled again."""


class AsyncInbox(Protocol[S]):
    """An `Inbox` for asyncio."""

    def transaction(self) -> AbstractAsyncContextManager[S]:
        """As `Inbox.transaction`."""

    async def record(self, session: S, consumer: str, message_id: str) -> bool:
        """As `Inbox.record`."""

    def is_passing(self, error: BaseException) -> bool:
        """As `Inbox.is_passing`."""

    async def prune(self, older_than: timedelta) -> int:
        """As `Inbox.prune`."""
