"""A topic in memory with one consumer: a subscription's handler and inbox are real, the broker is not needed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from headwater.consumer import Message
from headwater.inbox import Subscription
from headwater.inbox.attempt import attempt, attempt_async
from headwater.relay.routing import DEFAULT_TYPE_HEADER
from headwater.testing.recorder import WrittenEvent


class _Crash(BaseException):
    """The process ends here."""


class _Messages:
    """What was sent, and how far it was delivered."""

    def __init__(self, subscription: Subscription[Any]) -> None:
        self.subscription = subscription
        self._sent: list[Message] = []
        self._next = 0

    def send(
        self,
        value: Any,
        *,
        key: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        message_id: str | None = None,
    ) -> Message:
        """Put a message behind the others: bytes as they are, None as a tombstone, anything else as JSON.

        ``message_id`` stands in the header ``id``.
        """
        given = {**({} if message_id is None else {"id": message_id}), **(headers or {})}
        message = Message(
            self.subscription.topics[0],
            0,
            len(self._sent),
            key.encode() if isinstance(key, str) else key,
            value if value is None or isinstance(value, bytes) else json.dumps(value).encode(),
            tuple((name, text.encode()) for name, text in given.items()),
        )
        self._sent.append(message)
        return message

    def send_event(self, event: WrittenEvent, *, type_header: str = DEFAULT_TYPE_HEADER) -> Message:
        """What becomes of an outbox's event, as `headwater relay` sends it, and Debezium's EventRouter.

        ``type_header`` tells its type, as of `headwater.inbox.events.OutboxEvents`.
        """
        return self.send(
            json.dumps(event.payload).encode(),
            key=event.aggregate_id,
            headers={type_header: event.type, **event.headers, **event.trace_context},
            message_id=event.id,
        )

    def redeliver(self) -> None:
        """Have all messages delivered once more, as after an offset was lost."""
        self._next = 0

    def _undelivered(self) -> Iterator[Message]:
        while self._next < len(self._sent):
            yield self._sent[self._next]
            self._next += 1  # not where the handler raised

    def _first(self) -> Message:
        if self._next == len(self._sent):
            raise AssertionError("there is no message to crash at: send one first")
        return self._sent[self._next]


class Topic(_Messages):
    """For a subscription with a plain function."""

    def deliver(self) -> list[Message]:
        """Deliver what was sent since; gives the messages that were handled, which leaves out those that are known.

        What the handler raises is raised; the message is then delivered the next time.
        """
        return [message for message in self._undelivered() if self.subscription.handle(message)]

    def crash_before_commit(self) -> None:
        """The next message is handled, and the process ends before the transaction commits: nothing stays."""
        given = self.subscription

        def handle(session: Any, message: Message) -> None:
            given.handler(session, message)
            raise _Crash

        message = self._first()
        with contextlib.suppress(_Crash):
            attempt(given.inbox, given.group, given.message_id(message), handle, message)  # type: ignore[arg-type]

    def crash_after_commit(self) -> None:
        """The next message is handled, and the process ends before its offset is stored: it comes once more."""
        self.subscription.handle(self._first())


class AsyncTopic(_Messages):
    """For a subscription with a coroutine function."""

    async def deliver(self) -> list[Message]:
        """As `Topic.deliver`."""
        return [message for message in self._undelivered() if await self.subscription.handle_async(message)]

    async def crash_before_commit(self) -> None:
        """As `Topic.crash_before_commit`."""
        given: Any = self.subscription

        async def handle(session: Any, message: Message) -> None:
            await given.handler(session, message)
            raise _Crash

        message = self._first()
        with contextlib.suppress(_Crash):
            await attempt_async(given.inbox, given.group, given.message_id(message), handle, message)

    async def crash_after_commit(self) -> None:
        """As `Topic.crash_after_commit`."""
        await self.subscription.handle_async(self._first())
