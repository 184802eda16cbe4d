"""A projection: which topics, which events, which view; running and rebuilding it."""

from __future__ import annotations

import dataclasses
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog

from headwater.consumer import Message
from headwater.consumers import open_consumer
from headwater.deserializer import RetriableDeserializationError
from headwater.inbox.attempt import PassingError
from headwater.inbox.dead_letters import DeadLetters
from headwater.inbox.delivery import Delivery
from headwater.inbox.events import ChangeEvent, ChangeEvents, EventError
from headwater.inbox.retry import Retry
from headwater.inbox.stopping import stopped_by_signals
from headwater.projection.replay import Replay
from headwater.projection.view import Change, View

log = structlog.get_logger(__name__)

T = TypeVar("T")
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Projection(Generic[T]):
    """``view`` holds what ``row`` makes of the newest event of each row.

    ``broker``, ``topics``, ``group``, ``retry``, ``dead_letters``, ``options``   as of `headwater.inbox.Subscription`
    ``events``   reads the messages
    ``row``      the view's row for an event that has one, None where the view is to have none; by default ``after``
    ``key``      the view's primary key for an event; by default the message's key
    """

    broker: str
    topics: Sequence[str]
    group: str
    events: ChangeEvents[T]
    view: View
    row: Callable[[ChangeEvent[T]], Row | None] | None = None
    key: Callable[[ChangeEvent[T]], Row] | None = None
    retry: Retry = field(default_factory=Retry)
    dead_letters: str | None = None
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def run(self, stop: threading.Event | None = None) -> None:
        """Keep the view up to date until ``stop`` is set, or SIGTERM or Ctrl-C comes (in the main thread).

        Several processes of one group share the partitions. Raises as `headwater.inbox.Subscription.run`.
        """
        stop = stop or threading.Event()
        consumer = open_consumer(self.broker, self.group, self.options)
        letters = DeadLetters.at(self.broker, self.dead_letters, self.options) if self.dead_letters else None
        delivery = Delivery(consumer, self.topics, self.group, self.handle, self.retry, letters)
        with stopped_by_signals(stop):
            delivery.run(stop.is_set)

    def rebuild(self) -> int:
        """Build the view anew from all that the topics hold, and put it in the place of the old one; how many messages.

        The old one is served, and kept up to date by who runs the projection, until the new one is whole. What those
        write while the two change places is read once more behind it: the newer of two changes stands, whoever made
        it. Raises as `run` does.
        """
        consumer = open_consumer(self.broker, f"{self.group}.rebuild.{uuid.uuid4().hex[:8]}", self.options)
        shadow = self.view.shadow()
        with Replay(consumer, self.topics, self.change, self.retry) as replay:
            replay.read_to_end(shadow)
            self.view.promote(shadow)
            log.info("a projection was rebuilt", group=self.group, messages=replay.messages)
            replay.read_to_end(self.view)
        return replay.messages

    def handle(self, message: Message) -> bool:
        """Apply one message, however it came; False where it changes nothing. Raises `EventError`, or as the view."""
        try:
            change = self.change(message)
            return change is not None and self.view.apply([change]) == 1
        except Exception as error:
            if isinstance(error, RetriableDeserializationError) or self.view.is_passing(error):
                raise PassingError(f"{type(error).__name__}: {error}") from error
            raise

    def change(self, message: Message) -> Change | None:
        """What a message means for the view; None of a tombstone. Raises `EventError`."""
        event = self.events.read(message)
        if event is None:
            return None
        if event.op == "t":
            raise EventError(f"{message}: a table was truncated, which tells of no row: rebuild the projection")
        key = self.key(event) if self.key else self._key(event)
        return Change(key, None if event.op == "d" else self._row(event), event.position)

    def _row(self, event: ChangeEvent[T]) -> Row | None:
        after = event.after
        if after is None:
            raise EventError(
                f"{event.message}: the event has no row after the change; for MongoDB set "
                "capture.mode=change_streams_update_full"
            )
        return self.row(event) if self.row else _members(after)

    def _key(self, event: ChangeEvent[T]) -> Row:
        if event.key is None:
            raise EventError(f"{event.message}: the message has no key: tell the row's with key=")
        if not isinstance(event.key, Mapping):
            raise EventError(f"{event.message}: the message's key is no object with columns: tell the row's with key=")
        if event.source.get("connector") == "mongodb" and isinstance(document_id := event.key.get("id"), str):
            try:
                return {"_id": self.events.documents(document_id)}
            except ValueError as error:
                raise EventError(f"{event.message}: key.id: {error}") from error
        return event.key


def _members(after: Any) -> Row:
    if isinstance(after, Mapping):
        return after
    if dataclasses.is_dataclass(after):
        return {each.name: getattr(after, each.name) for each in dataclasses.fields(after)}
    members: Row = after.model_dump()
    return members
