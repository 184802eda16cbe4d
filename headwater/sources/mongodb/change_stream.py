"""A change stream as batches of raw BSON: how it is asked for, and how it goes on where the server ends it.

It is opened by *time* and not by the stored token: the server looks for a token's own event among those that pass the
filters, and would refuse one that an earlier configuration let through. Events up to the token are stepped over here.

The server takes longer to make a full reply than we take to make messages of it, and begins only when it is asked: so
behind a full reply the next is asked for before this one is looked at.

Source: "Change Streams" in MongoDB's manual and in the drivers' specifications.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any

import pymongo
import structlog
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument
from bson.timestamp import Timestamp
from pymongo.errors import PyMongoError

from headwater.source import SourceError
from headwater.sources.mongodb.bson import BsonError
from headwater.sources.mongodb.change_event import ChangeEvent, ChangeEventReader
from headwater.sources.mongodb.connection import GOODBYE_SECONDS, Server
from headwater.sources.mongodb.position import Position, Token, TokenError
from headwater.sources.mongodb.reply import Reply, Run, read_reply, read_runs
from headwater.sources.mongodb.scope import Scope
from headwater.sources.stale import WAYS_ON, StaleStateError

log = structlog.get_logger(__name__)

DOCUMENT_CHANGES = ("insert", "update", "replace", "delete")
CATCH_UP_MS = 10_000
"""How long a member may take at a time to get to a place that another one was at."""
BATCH_EVENTS = 4096
"""How many events a reply has at most; it ends at 16 MB in any case."""
FULL_BYTES = 1 << 18
"""A reply of so many is hardly the last one, and a thread for the next costs little beside it."""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What is asked of the server.

    ``full_document`` and ``before_change`` are values of the stage's ``fullDocument`` and ``fullDocumentBeforeChange``;
    ``stages`` follow the stage ``$changeStream``.
    """

    scope: Scope
    stages: Sequence[dict[str, Any]]
    full_document: str | None = None
    before_change: str | None = None
    max_await_ms: int | None = None
    batch_events: int = BATCH_EVENTS

    @property
    def needs_images(self) -> bool:
        """Whether collections must keep images for what is asked."""
        return "whenAvailable" in (self.full_document, self.before_change)

    def stage(self) -> dict[str, Any]:
        """``$changeStream`` without a place to start from."""
        stage: dict[str, Any] = {}
        if self.full_document is not None:
            stage["fullDocument"] = self.full_document
        if self.before_change is not None:
            stage["fullDocumentBeforeChange"] = self.before_change
        if self.scope.database is None:
            stage["allChangesForCluster"] = True
        return stage


@dataclass(slots=True)
class Changes:
    """What one read brought: the bytes that the runs' parts stand in, and the place behind them."""

    data: bytes
    runs: list[Run]
    position: Position


class ChangeStream:
    """An open change stream; used by one thread. ``start`` None begins now."""

    def __init__(self, server: Server, options: StreamOptions, start: Position | None) -> None:
        self._server = server
        self._session = server.cursor_session()
        self._options = options
        self._database, target = options.scope.target
        self._collection = target if isinstance(target, str) else "$cmd.aggregate"
        self._reader = ChangeEventReader()
        self._cursor = 0
        self._next: Future[bytes] | None = None
        self._position: Position | None = None
        self._skip_to: Token | None = None
        self._open(start)

    @property
    def position(self) -> Position:
        """The place that is read up to."""
        assert self._position is not None  # noqa: S101 - opening found it
        return self._position

    def _open(self, start: Position | None) -> None:
        stage = self._options.stage()
        self._skip_to = None
        if start is not None and start.token.is_from_invalidate:
            stage["startAfter"] = RawBSONDocument(start.token.document)
        elif start is not None:
            stage["startAtOperationTime"] = start.token.cluster_time
            self._skip_to = start.token
        pipeline = [{"$changeStream": stage}, *self._options.stages]
        doing = f"opening the change stream on {self._options.scope} of MongoDB at {self._server.hosts}"
        _, target = self._options.scope.target
        with self._server.errors(doing):
            data = self._session.command(
                self._database,
                "aggregate",
                target,
                pipeline=pipeline,
                cursor={"batchSize": Int64(0)},
                **({} if start is None else _once_reached(start)),
            )
            reply = read_reply(data)
        self._cursor = reply.cursor
        if start is None and not reply.token:
            raise SourceError(f"{doing}: it gives no resume token with a batch, as MongoDB does since 4.2")
        self._position = start or Position(Token.parse(data[reply.token : reply.token_end]))

    def read(self, timeout: float) -> Changes:
        """The next events, waiting at most ``timeout`` seconds for the first.

        Raises `headwater.source.SourceError`.
        """
        wait_ms = max(1, int(timeout * 1000))
        if self._options.max_await_ms:
            wait_ms = min(wait_ms, self._options.max_await_ms)
        get_more = partial(
            self._session.command,
            self._database,
            "getMore",
            Int64(self._cursor),
            collection=self._collection,
            batchSize=self._options.batch_events,
            maxTimeMS=wait_ms,
        )
        asked, self._next = self._next, None
        with self._server.errors():
            data = get_more() if asked is None else asked.result()
            reply = read_reply(data)
        if reply.cursor and len(data) >= FULL_BYTES:
            self._next = _beside(get_more)
        try:
            changes = self._take(reply)
        except (BsonError, TokenError) as error:
            raise SourceError(f"{self._server.doing}, behind {self.position.token.data}: {error}") from error
        if reply.cursor == 0:
            log.info("the change stream was ended by the server and is opened anew", scope=str(self._options.scope))
            self._open(self._position)
        return changes

    def _take(self, reply: Reply) -> Changes:
        data = reply.data
        runs = read_runs(data, reply.batch, reply.batch_end, self._reader) if reply.batch else []
        self._position = self._behind_batch(reply, runs)
        if self._skip_to is not None:
            runs = self._behind(self._skip_to, data, runs)
        return Changes(data, runs, self._position)

    def _behind(self, start: Token, data: bytes, runs: list[Run]) -> list[Run]:
        """The runs without the events that ``start`` covers, of which none follows one that it does not."""
        for number, run in enumerate(runs):
            done = 0
            while done < len(run.events) and start.covers(_token_of(data, run.events[done])):
                done += 1
            if done < len(run.events):
                self._skip_to = None
                return [run._replace(events=run.events[done:]), *runs[number + 1 :]]
        return []

    def _behind_batch(self, reply: Reply, runs: list[Run]) -> Position:
        """The place of the batch's token, which may be that of the last event, of this batch or an earlier one."""
        data = reply.data
        token = data[reply.token : reply.token_end]
        if token == self.position.token.document:
            return self.position
        if runs:
            last = runs[-1].events[-1]
            if not token or token == data[last.token_start : last.token_end]:
                return Position(_token_of(data, last), (last.cluster_seconds, last.cluster_increment))
        return Position(Token.parse(token)) if token else self.position

    def close(self) -> None:
        """Let the server close the cursor; where it can't be told, it does so by itself after a while."""
        if self._cursor:
            with contextlib.suppress(PyMongoError, TimeoutError), pymongo.timeout(GOODBYE_SECONDS):
                if self._next is not None:
                    self._next.result(GOODBYE_SECONDS)  # a session serves one thread at a time
                self._session.command(self._database, "killCursors", self._collection, cursors=[Int64(self._cursor)])
            self._cursor = 0
        self._session.close()


def _beside(call: Callable[[], bytes]) -> Future[bytes]:
    """What ``call`` will have given or raised, in a thread of its own, which no process waits for when it ends."""
    future: Future[bytes] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, name="change-stream", daemon=True).start()
    return future


def _token_of(data: bytes, event: ChangeEvent) -> Token:
    return Token.parse(data[event.token_start : event.token_end])


def _once_reached(place: Position) -> dict[str, Any]:
    """Arguments that have a member wait until it has all up to a place: another one may have been ahead of it.

    Without them a snapshot would leave out what a stream from there on does not tell of either. A high-water mark
    stands before what has its time, which may be none yet.
    """
    time = place.token.cluster_time
    if place.event is None:
        time = Timestamp(time.time, max(time.inc - 1, 0))
    return {"readConcern": {"level": "majority", "afterClusterTime": time}, "maxTimeMS": CATCH_UP_MS}


def check_time(server: Server, token: Token) -> None:
    """A place in the future of all members is one of another server. Raises `StaleStateError`."""
    with server.errors():
        reply = server.command("admin", "ping", 1)
    now = reply.get("$clusterTime", {}).get("clusterTime")
    if now is not None and token.cluster_time.time > now.time:  # a high-water mark may be a little ahead
        raise StaleStateError(
            f"the offset is at {token.cluster_time}, which this MongoDB ({server.hosts}, at {now}) has not reached: "
            f"it is another server or was restored from a backup: {WAYS_ON}"
        )
