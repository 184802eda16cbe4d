"""The inbox as FastStream's middleware: a subscriber's messages are handled once, in a transaction.

Source: FastStream's documentation (0.7), "Middlewares" and "Acknowledgement".
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from headwater.consumer import Message
from headwater.inbox.attempt import PassingError, attempt_async
from headwater.inbox.dead_letters import DeadLetters, Failure
from headwater.inbox.errors import InboxError, RejectedMessageError
from headwater.inbox.message_id import MessageId, from_outbox
from headwater.inbox.retry import Retry

try:
    from faststream import BaseMiddleware
    from faststream.exceptions import AckMessage, FastStreamException
except ImportError as error:
    message = "headwater.inbox.faststream needs FastStream: pip install 'headwater[faststream]'"
    raise ImportError(message) from error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from faststream import ContextRepo
    from faststream.message import StreamMessage

    from headwater.inbox.inbox import AsyncInbox

S = TypeVar("S")


@dataclass(frozen=True, kw_only=True)
class InboxMiddleware:
    """For ``KafkaBroker(middlewares=[…])``, of either Kafka client.

    A handler finds its transaction's session in the context, under the name ``session``:
    ``session: Annotated[AsyncSession, Context()]``. Give subscribers ``ack_policy=AckPolicy.NACK_ON_ERROR``.

    ``consumer``       the name under which ids are recorded, as of `headwater.inbox.Subscription.group`
    ``retry``          attempts are made while the subscriber waits
    ``dead_letters``   where messages go that can't be handled; without it the error is FastStream's to deal with
    """

    inbox: AsyncInbox[Any]
    consumer: str
    message_id: MessageId = from_outbox
    retry: Retry = field(default_factory=Retry)
    dead_letters: DeadLetters | None = None
    session: str = "session"

    def __call__(self, msg: Any, /, *, context: ContextRepo) -> _Scope:
        """FastStream's call, once for each message."""
        return _Scope(msg, context=context, middleware=self)


class _Scope(BaseMiddleware):
    def __init__(self, msg: Any, /, *, context: ContextRepo, middleware: InboxMiddleware) -> None:
        super().__init__(msg, context=context)
        self._middleware = middleware

    async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: StreamMessage[Any]) -> Any:
        """What the handler gives; a message that is known is acknowledged, and nothing is published for it."""
        given = self._middleware
        message = _message(msg)
        result: Any = None

        async def handle(session: Any, _: Message) -> None:
            nonlocal result
            with self.context.scope(given.session, session):
                result = await call_next(msg)

        attempts = passing = 0
        while True:
            try:
                new = await attempt_async(given.inbox, given.consumer, given.message_id(message), handle, message)
            except PassingError:
                passing += 1
                await asyncio.sleep(given.retry.wait(passing))
                continue
            except (FastStreamException, InboxError):
                raise
            except Exception as error:
                attempts += 1
                if attempts < given.retry.attempts and not isinstance(error, RejectedMessageError):
                    await asyncio.sleep(given.retry.wait(attempts))
                    continue
                if given.dead_letters is None:
                    raise
                failure = Failure(given.consumer, attempts, error)
                await asyncio.to_thread(given.dead_letters.deliver, message, failure)
                raise AckMessage from error
            if not new:
                raise AckMessage
            return result


def _message(msg: StreamMessage[Any]) -> Message:
    """The message as it stands in Kafka. Raises `InboxError` for a batch, and for other brokers."""
    raw = msg.raw_message
    if isinstance(raw, tuple):
        raise InboxError("a batch can't be handled once as a whole: subscribe without batch=True")
    if callable(getattr(raw, "topic", None)):  # Confluent's
        return Message(raw.topic(), raw.partition(), raw.offset(), raw.key(), raw.value(), tuple(raw.headers() or ()))
    if hasattr(raw, "offset") and hasattr(raw, "partition"):  # aiokafka's
        return Message(raw.topic, raw.partition, raw.offset, raw.key, raw.value, tuple(raw.headers))
    raise InboxError("this middleware reads from Kafka: faststream.confluent or faststream.kafka")
