"""One attempt at a message: its id and what the handler changes, in one transaction or not at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import TypeVar

from headwater.consumer import Message
from headwater.deserializer import RetriableDeserializationError
from headwater.inbox.errors import InboxError
from headwater.inbox.inbox import AsyncInbox, Inbox

S = TypeVar("S")

Handler = Callable[[S, Message], None]
"""Handles a message; what it changes through the session is kept if it returns, and undone if it raises."""
AsyncHandler = Callable[[S, Message], Awaitable[None]]
"""A `Handler` for asyncio."""


class PassingError(Exception):
    """The database (or a schema registry) was away, or ended the transaction: the attempt doesn't count."""


class _Stage(Enum):
    RECORDING = auto()
    HANDLING = auto()
    COMMITTING = auto()


class _Progress:
    """How far an attempt is; decides what an error means."""

    def __init__(self, inbox: Inbox[S] | AsyncInbox[S]) -> None:
        self.stage = _Stage.RECORDING
        self._inbox = inbox

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Errors as what they mean: `PassingError`, `InboxError`, or the message's own."""
        try:
            yield
        except Exception as error:
            no_connection = self.stage is not _Stage.HANDLING and isinstance(error, OSError)
            no_schemas = isinstance(error, RetriableDeserializationError)
            if no_connection or no_schemas or self._inbox.is_passing(error):
                raise PassingError(f"{type(error).__name__}: {error}") from error
            if self.stage is _Stage.RECORDING and not isinstance(error, InboxError):
                raise InboxError(
                    f"a message's id can't be recorded: {type(error).__name__}: {error}; is the table there? "
                    "`headwater inbox ddl` prints what makes it"
                ) from error
            raise


def attempt(inbox: Inbox[S], consumer: str, message_id: str, handler: Handler[S], message: Message) -> bool:
    """Handle the message, unless it is known; False where it is.

    Raises `PassingError`, `InboxError`, or what the handler or the commit raised.
    """
    progress = _Progress(inbox)
    with progress.judged(), inbox.transaction() as session:
        if not inbox.record(session, consumer, message_id):
            return False
        progress.stage = _Stage.HANDLING
        handler(session, message)
        progress.stage = _Stage.COMMITTING
    return True


async def attempt_async(
    inbox: AsyncInbox[S], consumer: str, message_id: str, handler: AsyncHandler[S], message: Message
) -> bool:
    """As `attempt`."""
    progress = _Progress(inbox)
    with progress.judged():
        async with inbox.transaction() as session:
            if not await inbox.record(session, consumer, message_id):
                return False
            progress.stage = _Stage.HANDLING
            await handler(session, message)
            progress.stage = _Stage.COMMITTING
    return True
