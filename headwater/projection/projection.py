"""A projection: which topics, which events, which view; running and rebuilding it."""

from __future__ import annotations

import dataclasses
import functools
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog

from headwater.consumer import Consumer, ConsumerError, Message
from headwater.consumers import open_consumer
from headwater.deserializer import RetriableDeserializationError
from headwater.inbox.attempt import PassingError
from headwater.inbox.dead_letters import DeadLetters
from headwater.inbox.delivery import Delivery
from headwater.inbox.errors import InboxError
from headwater.inbox.events import ChangeEvent, ChangeEvents, EventError
from headwater.inbox.retry import Retry
from headwater.inbox.stopping import stopped_by_signals
from headwater.projection.errors import ViewError
from headwater.projection.replay import Replay
from headwater.projection.view import Change, Truncation, View

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
        handle = functools.partial(self._handle, consumer)
        delivery = Delivery(consumer, self.topics, self.group, handle, self.retry, letters)
        with stopped_by_signals(stop):
            delivery.run(stop.is_set)

    def rebuild(self) -> int:
        """Build the view anew from all that the topics hold, and put it in the place of the old one; how many messages.

        The old one is served, and kept up to date by who runs the projection, until the new one is whole. What those
        write while the two change places is read once more behind it: the newer of two changes stands, whoever made
        it. Raises as `run` does.
        """
        consumer = open_consumer(self.broker, f"{self.group}.rebuild.{uuid.uuid4().hex[:8]}", self.options)
        with Replay(consumer, self.topics, functools.partial(self._change, consumer), self.retry) as replay:
            with _of_view():
                self.view.check()
                shadow = self.view.shadow()
            replay.read_to_end(shadow)
            with _of_view():
                self.view.promote(shadow)
            log.info("a projection was rebuilt", group=self.group, messages=replay.messages)
            replay.read_to_end(self.view)
        return replay.messages

    def _handle(self, consumer: Consumer, message: Message) -> bool:
        """Apply one message; False where it changes nothing. Raises as a `Delivery` wants it."""
        try:
            change = self._change(consumer, message)
            return change is not None and self.view.apply([change]) == 1
        except (EventError, InboxError):
            raise
        except Exception as error:
            if isinstance(error, (ConsumerError, RetriableDeserializationError)) or self.view.is_passing(error):
                raise PassingError(f"{type(error).__name__}: {error}") from error
            self._check_view()
            raise

    def _check_view(self) -> None:
        """Raise `PassingError` or `ViewError` where no change could be made, so that this one is not to blame."""
        try:
            self.view.check()
        except Exception as error:
            if self.view.is_passing(error):
                raise PassingError(f"{type(error).__name__}: {error}") from error
            raise ViewError(error) from error

    def _change(self, consumer: Consumer, message: Message) -> Change | Truncation | None:
        """What a message means for the view; None of a tombstone. Raises `EventError`, `InboxError`."""
        event = self.events.read(message)
        if event is None:
            return None
        if event.op == "t":
            self._check_order(consumer, message)
            return Truncation(event.position)
        key = self.key(event) if self.key else self._key(event)
        return Change(key, None if event.op == "d" else self._row(event), event.position)

    def _check_order(self, consumer: Consumer, message: Message) -> None:
        """What came before a truncation is known within its partition only."""
        if (partitions := len(consumer.ends(self.topics))) > 1:
            raise InboxError(
                f"{message}: a table was truncated, and which changes in the other of the {partitions} partitions came "
                "before that can't be told: make the topic anew, with one partition or a connector that leaves "
                "truncations out (skipped.operations=t), have the connector take a snapshot, and rebuild the projection"
            )

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


@contextmanager
def _of_view() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise ViewError(error) from error


def _members(after: Any) -> Row:
    if isinstance(after, Mapping):
        return after
    if dataclasses.is_dataclass(after):
        return {each.name: getattr(after, each.name) for each in dataclasses.fields(after)}
    members: Row = after.model_dump()
    return members
