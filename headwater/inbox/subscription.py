"""A subscription: which topics, which handler, which inbox; and running it."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

from headwater.consumer import Message
from headwater.consumers import open_consumer
from headwater.inbox.attempt import AsyncHandler, Handler, attempt, attempt_async
from headwater.inbox.dead_letters import DeadLetters
from headwater.inbox.delivery import Delivery
from headwater.inbox.errors import InboxError
from headwater.inbox.inbox import AsyncInbox, Inbox
from headwater.inbox.message_id import MessageId, from_outbox
from headwater.inbox.retry import Retry
from headwater.inbox.stopping import stopped_by_signals

S = TypeVar("S")


@dataclass(frozen=True, kw_only=True)
class Subscription(Generic[S]):
    """Messages of ``topics`` go to ``handler``, each one once, in the order of their partition.

    ``broker``        ``kafka://host:port,host:port``
    ``group``         the consumer group, and the name under which ids are recorded; processes of one group share
                      the partitions
    ``handler``       a function of (session, message), a coroutine function where the inbox is an `AsyncInbox`
    ``message_id``    tells a message's id: the header ``id``, or where the message stands
    ``dead_letters``  the topic for messages that can't be handled; without it the first one ends `run`
    ``options``       of the broker's client, as for Kafka ``security.protocol`` or ``max.poll.interval.ms``
    """

    broker: str
    topics: Sequence[str]
    group: str
    inbox: Inbox[S] | AsyncInbox[S]
    handler: Handler[S] | AsyncHandler[S]
    message_id: MessageId = from_outbox
    retry: Retry = field(default_factory=Retry)
    dead_letters: str | None = None
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.topics or isinstance(self.topics, str):
            raise InboxError("topics must be a list of at least one topic's name")
        if self.is_async != inspect.iscoroutinefunction(self.inbox.record):
            raise InboxError("a coroutine function needs an inbox for asyncio, a plain function one that isn't")

    @property
    def is_async(self) -> bool:
        """Whether the handler is a coroutine function."""
        return inspect.iscoroutinefunction(self.handler)

    def run(self, stop: threading.Event | None = None) -> None:
        """Read and handle messages until ``stop`` is set, or SIGTERM or Ctrl-C comes (in the main thread).

        A message that is under way is handled to its end, then offsets are committed. Raises `InboxError`,
        `headwater.consumer.ConsumerError` or `headwater.sink.SinkError`, where someone has to act.
        """
        stop = stop or threading.Event()
        with stopped_by_signals(stop):
            if self.is_async:
                asyncio.run(self.run_async(stop))
            else:
                self._deliver(self.handle, stop.is_set)

    async def run_async(self, stop: threading.Event | None = None) -> None:
        """As `run`, in a running event loop, which handlers run in; ends when the task is cancelled, too."""
        stop = stop or threading.Event()
        loop = asyncio.get_running_loop()

        def handle(message: Message) -> bool:
            return asyncio.run_coroutine_threadsafe(self.handle_async(message), loop).result()

        delivering = asyncio.create_task(asyncio.to_thread(self._deliver, handle, stop.is_set))
        try:
            await asyncio.shield(delivering)
        except asyncio.CancelledError:
            stop.set()
            await delivering
            raise

    def handle(self, message: Message) -> bool:
        """Handle one message, however it came; False where it is known already."""
        inbox, handler = cast("Inbox[S]", self.inbox), cast("Handler[S]", self.handler)
        return attempt(inbox, self.group, self.message_id(message), handler, message)

    async def handle_async(self, message: Message) -> bool:
        """As `handle`, for a handler that is a coroutine function."""
        inbox, handler = cast("AsyncInbox[S]", self.inbox), cast("AsyncHandler[S]", self.handler)
        return await attempt_async(inbox, self.group, self.message_id(message), handler, message)

    def _deliver(self, handle: Callable[[Message], bool], stopping: Callable[[], bool]) -> None:
        consumer = open_consumer(self.broker, self.group, self.options)
        letters = DeadLetters.at(self.broker, self.dead_letters, self.options) if self.dead_letters else None
        Delivery(consumer, self.topics, self.group, handle, self.retry, letters).run(stopping)
