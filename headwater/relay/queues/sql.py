"""An outbox table in a SQL database, by SQLAlchemy Core: MySQL 8, MariaDB 10.6, PostgreSQL, SQLite."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, MetaData, Row, Select, Table, func, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from headwater.outbox.sqlalchemy import outbox_table
from headwater.outbox.table import Delivery, Status
from headwater.outbox.trace_context import NAMES
from headwater.relay.queue import (
    MOST_LEFT_OUT,
    Aggregate,
    Claim,
    Failure,
    Listed,
    QueuedEvent,
    QueueError,
    RetriableQueueError,
)
from headwater.relay.queues.dialects import DIALECTS, PostgresListener, make_engine
from headwater.relay.queues.statements import Statements
from headwater.sql_database import DatabaseUrlError, is_missing, parse_url, split_name

LONGEST_REASON = 2_000
"""Characters of a reason that are kept."""


class SqlQueue:
    """`headwater.relay.queue.Queue`.

    A claim reads a window of rows that are to be delivered, in their order; the first row of each aggregate in it is
    its head if no row before it is unfinished. Heads are locked (SKIP LOCKED, so that relays don't wait for each other)
    and given the lease. Where no aggregate of a window can be claimed, the next one is read without those that filled
    the ones before: what waits, however much, is then passed over by the database in one statement.
    """

    def __init__(self, url: URL, table: Table, *, keep: bool) -> None:
        self._url = url
        self._table = table
        self._keep = keep
        self._engine = make_engine(url)
        self._statements = Statements(table, DIALECTS[url.get_backend_name()].now)
        self._listener: PostgresListener | None = None

    @classmethod
    def from_url(cls, url: str, name: str, *, keep: bool) -> SqlQueue:
        """The table ``name``, or ``schema.name``, in the database of a SQLAlchemy URL. Raises `QueueError`."""
        schema, table = split_name(name)
        outbox = outbox_table(MetaData(), table, delivery=Delivery.RELAY, schema=schema)
        try:
            return cls(parse_url(url), outbox, keep=keep)
        except DatabaseUrlError as error:
            raise QueueError(str(error)) from None

    def check(self) -> None:
        """As `Queue.check`: read every column once."""
        with self._transaction() as connection:
            connection.execute(select(self._table).limit(0))

    def listen(self, ring: Callable[[], None]) -> bool:
        """As `Queue.listen`: PostgreSQL tells, through the driver psycopg."""
        if self._engine.dialect.name != "postgresql" or self._engine.dialect.driver != "psycopg":
            return False
        with self._transaction() as connection:
            if not connection.scalar(self._statements.is_notified, {"name": self._table.fullname}):
                return False
        if self._listener is None:
            self._listener = PostgresListener(self._url, ring)
        return True

    def claim(self, limit: int, lease: float, *, hold: bool) -> Claim | None:
        """As `Queue.claim`."""
        query: Select[Any] = self._statements.window
        where: dict[str, Any] = {"after": 0}
        passed = Counter[Aggregate]()
        while True:
            with self._transaction() as connection:
                window = connection.execute(query, {**where, "limit": limit}).all()
                claim = self._claim(connection, window, lease, hold=hold) if window else None
            if claim is not None or len(window) < limit:
                return claim
            query = self._statements.next_window_held if hold else self._statements.next_window
            passed.update(Aggregate(row.aggregate_type, row.aggregate_id) for row in window)
            blocked = [aggregate for aggregate, _ in passed.most_common(MOST_LEFT_OUT)]
            where = {"after": window[-1].position, "blocked": blocked}

    def _claim(self, connection: Connection, window: Sequence[Any], lease: float, *, hold: bool) -> Claim | None:
        places: dict[Aggregate, list[int]] = {}
        for row in window:
            places.setdefault(Aggregate(row.aggregate_type, row.aggregate_id), []).append(row.position)
        candidates = {positions[0]: positions for positions in places.values()}
        lock = self._statements.lock_held if hold else self._statements.lock
        heads = connection.scalars(lock, {"positions": list(candidates)}).all()
        if not heads:
            return None
        token = str(uuid.uuid4())
        connection.execute(self._statements.lease, {"positions": heads, "token": token, "lease": _milliseconds(lease)})
        mine = [position for head in heads for position in candidates[head]]
        rows = connection.execute(
            self._statements.events_held if hold else self._statements.events, {"positions": mine}
        )
        return Claim(token, heads, [_event(row) for row in rows])

    def renew(self, claim: Claim, lease: float) -> bool:
        """As `Queue.renew`."""
        with self._transaction() as connection:
            renewed = connection.execute(
                self._statements.renew,
                {"positions": claim.heads, "held_by": claim.token, "lease": _milliseconds(lease)},
            )
        return renewed.rowcount == len(claim.heads)

    def settle(self, claim: Claim, delivered: Sequence[QueuedEvent], failures: Sequence[Failure]) -> None:
        """As `Queue.settle`."""
        with self._transaction() as connection:
            if delivered:
                done = self._statements.complete if self._keep else self._statements.remove
                connection.execute(done, {"positions": [event.place for event in delivered]})
            for failure in failures:
                connection.execute(
                    self._statements.give_up if failure.retry_in is None else self._statements.postpone,
                    {
                        "place": failure.event.place,
                        "tried": failure.event.attempts + 1,
                        "why": failure.reason[:LONGEST_REASON],
                        "lease": _milliseconds(failure.retry_in or 0),
                    },
                )
            if len(delivered) < len(claim.events):
                connection.execute(self._statements.release, {"positions": claim.heads, "held_by": claim.token})

    def list(self, statuses: Sequence[Status], limit: int) -> Sequence[Listed]:
        """As `Queue.list`."""
        with self._transaction() as connection:
            rows = connection.execute(self._statements.listing, {"statuses": list(statuses), "limit": limit})
            return [
                Listed(
                    *(row.id, Aggregate(row.aggregate_type, row.aggregate_id), row.type),
                    *(Status(row.status), row.attempts, row.reason),
                )
                for row in rows
            ]

    def retry(self, ids: Sequence[str] | None) -> int:
        """As `Queue.retry`."""
        with self._transaction() as connection:
            if ids is None:
                return connection.execute(self._statements.retry).rowcount
            return connection.execute(self._statements.retry_some, {"ids": list(ids)}).rowcount

    def prune(self, status: Status, older: float, limit: int) -> int:
        """As `Queue.prune`."""
        with self._transaction() as connection:
            now = connection.scalars(select(func.current_timestamp(type_=self._table.c.timestamp.type))).one()
            oldest = {"status": status, "before": now - dt.timedelta(seconds=older), "limit": limit}
            positions = connection.scalars(self._statements.oldest, oldest).all()
            if positions:
                connection.execute(self._statements.remove_any, {"positions": positions})
        return len(positions)

    def close(self) -> None:
        """As `Queue.close`."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """A transaction. Raises `QueueError` where there is no outbox, `RetriableQueueError` for any other failure."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            reason = str(error.orig).strip()
            if is_missing(error):
                name = self._table.fullname
                raise QueueError(
                    f"the table {name} is no outbox that a relay can work on: {reason}; make it with "
                    f"`headwater outbox ddl --for relay`"
                ) from error
            raise RetriableQueueError(f"the outbox's database: {reason}") from error
        except SQLAlchemyError as error:
            raise RetriableQueueError(f"the outbox's database: {error}") from error


def _event(row: Row[Any]) -> QueuedEvent:
    headers = dict(json.loads(row.headers)) if row.headers else {}
    headers |= {name: value for name in NAMES if (value := getattr(row, name)) is not None}
    aggregate = Aggregate(row.aggregate_type, row.aggregate_id)
    return QueuedEvent(row.position, row.id, aggregate, row.type, row.payload, headers, row.attempts)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
