"""The statements that a relay works with, made once for a table.

Statuses are written into them as literals, not bound: the partial indexes are found by that.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    update,
)

from headwater.outbox.table import Status


def _is(table: Any, *unfinished: Status) -> ColumnElement[bool]:
    """Whether a row has one of these statuses; the partial indexes' own condition is for SQLite, which infers none."""
    status = table.c.status
    among = status.in_([literal_column(f"'{each}'") for each in unfinished])
    return and_(among, status != literal_column(f"'{Status.COMPLETED}'"))


class Statements:
    """``positions`` binds a list, ``blocked`` one of pairs; ``now`` is the SQL of the database's clock, in ms."""

    def __init__(self, table: Table, now: str) -> None:
        self._table = table
        self._now = literal_column(now, BigInteger)
        position, listed = table.c.position, table.c.position.in_(bindparam("positions", expanding=True))
        started = _is(table, Status.STARTED)
        mine = and_(listed, table.c.lease_owner == bindparam("held_by"))
        until = self._now + bindparam("lease", type_=BigInteger)
        free: dict[str, Any] = {"lease_owner": None, "lease_until": None}

        self.window = (
            select(position, table.c.aggregate_type, table.c.aggregate_id)
            .where(started, position > bindparam("after"))
            .order_by(position)
            .limit(bindparam("limit"))
        )
        aggregate = tuple_(table.c.aggregate_type, table.c.aggregate_id)
        self.next_window = self.window.where(aggregate.not_in(bindparam("blocked", expanding=True)))
        self.next_window_held = self.next_window.where(~self._any_before(Status.FAILED))
        self.lock = self._lock(listed, Status.STARTED)
        self.lock_held = self._lock(listed, Status.STARTED, Status.FAILED)
        self.lease = update(table).where(listed).values(lease_owner=bindparam("token"), lease_until=until)
        self.events = self._events().where(listed, started).order_by(position)
        self.events_held = self.events.where(~self._any_before(Status.FAILED))
        self.renew = update(table).where(mine, started).values(lease_until=until)
        self.release = update(table).where(mine, started).values(free)
        self.complete = update(table).where(listed, started).values(free | {"status": Status.COMPLETED, "reason": None})
        self.remove = delete(table).where(listed, started)
        refused = update(table).where(position == bindparam("place"), started)
        refused = refused.values(attempts=bindparam("tried"), reason=bindparam("why"), lease_owner=None)
        self.postpone = refused.values(lease_until=until)
        self.give_up = refused.values(lease_until=None, status=Status.FAILED)
        self._administration()

    def _administration(self) -> None:
        table = self._table
        failed = _is(table, Status.FAILED)
        again = {"status": Status.STARTED, "attempts": 0, "lease_owner": None, "lease_until": None}
        self.retry = update(table).where(failed).values(again)
        self.retry_some = self.retry.where(table.c.id.in_(bindparam("ids", expanding=True)))
        self.listing = (
            select(table)
            .where(table.c.status.in_(bindparam("statuses", expanding=True)))
            .order_by(table.c.position)
            .limit(bindparam("limit"))
        )
        self.oldest = (
            select(table.c.position)
            .where(table.c.status == bindparam("status"), table.c.timestamp < bindparam("before"))
            .order_by(table.c.position)
            .limit(bindparam("limit"))
            .with_for_update(skip_locked=True)
        )
        self.remove_any = delete(table).where(table.c.position.in_(bindparam("positions", expanding=True)))
        self.is_notified = text(
            "SELECT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = to_regclass(:name) AND NOT tgisinternal)"
        )

    def _lock(self, listed: ColumnElement[bool], *blocking: Status) -> Select[Any]:
        """Those of the rows that head their aggregates and that nobody has a lease on."""
        table = self._table
        is_free = or_(table.c.lease_until.is_(None), table.c.lease_until <= self._now)
        heads = select(table.c.position).where(
            listed, _is(table, Status.STARTED), is_free, ~self._any_before(*blocking)
        )
        return heads.order_by(table.c.position).with_for_update(skip_locked=True)

    def _any_before(self, *statuses: Status) -> ColumnElement[bool]:
        """Whether the aggregate has a row of these statuses before the row."""
        table, earlier = self._table, self._table.alias("earlier")
        return exists().where(
            earlier.c.aggregate_type == table.c.aggregate_type,
            earlier.c.aggregate_id == table.c.aggregate_id,
            _is(earlier, *statuses),
            earlier.c.position < table.c.position,
        )

    def _events(self) -> Select[Any]:
        table = self._table
        # As text, whatever the driver would make of JSON.
        documents = (cast(table.c[name], Text).label(name) for name in ("payload", "headers"))
        names = ("position", "id", "aggregate_type", "aggregate_id", "type", "traceparent", "tracestate", "attempts")
        return select(*(table.c[name] for name in names), *documents)
