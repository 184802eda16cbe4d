"""Outboxes that a relay can work on, one kind of database a file; `open_queue` finds the one that a URL asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.relay.queue import Queue


def open_queue(url: str, name: str, *, keep: bool = True) -> Queue:
    """The outbox ``name``, a table (with or without its schema) or a collection; connects when it is first used.

    ``keep`` False: events are deleted when they were delivered. Raises `headwater.relay.queue.QueueError`.
    """
    if url.startswith(("mongodb://", "mongodb+srv://")):
        from headwater.relay.queues.mongodb import MongoQueue

        return MongoQueue.from_url(url, name, keep=keep)
    from headwater.relay.queues.sql import SqlQueue

    return SqlQueue.from_url(url, name, keep=keep)
