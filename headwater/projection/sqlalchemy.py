"""A view in a table, through SQLAlchemy."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headwater.inbox import passing
from headwater.inbox.events import Position
from headwater.inbox.message_id import LONGEST
from headwater.projection.view import Change, Truncation

try:
    from sqlalchemy import BigInteger, Column, DateTime, MetaData, String, Table, and_, false, inspect, text
    from sqlalchemy.dialects import mysql
    from sqlalchemy.exc import IntegrityError
    from sqlalchemy.exc import TimeoutError as PoolTimeoutError
    from sqlalchemy.sql.elements import quoted_name
except ImportError as error:
    message = "headwater.projection.sqlalchemy needs SQLAlchemy: pip install 'headwater[sqlalchemy]'"
    raise ImportError(message) from error

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Engine


def positions_table(table: Table) -> Table:
    """The table of the positions of ``table``'s rows, added to its metadata: named like it, with ``_positions``."""
    return _positions(table.metadata, f"{table.name}_positions", table.schema)


def _positions(metadata: MetaData, name: str, schema: str | None) -> Table:
    ascii_text = mysql.VARCHAR(LONGEST, charset="ascii", collation="ascii_bin")
    exact = String(LONGEST).with_variant(ascii_text, "mysql", "mariadb")
    return Table(
        name,
        metadata,
        Column("item", exact, primary_key=True),
        Column("topic_partition", exact, nullable=False),
        Column("message_offset", BigInteger, nullable=False),
        Column("history", exact, nullable=False),
        Column("place", exact, nullable=False),
        Column("deleted_at", DateTime),
        schema=schema,
    )


class RaceError(Exception):
    """Another process changed the same row for the first time, in this moment."""


class TableView:
    """A `headwater.projection.View` in ``table``, with its ``positions`` (`positions_table`).

    Of an event's row, the columns that the table has are written; a table of a foreign key can't be rebuilt.
    """

    def __init__(self, engine: Engine, table: Table, positions: Table) -> None:
        self._engine = engine
        self._table = table
        self._positions = positions

    def apply(self, changes: Sequence[Change | Truncation]) -> int:
        """As `headwater.projection.View.apply`."""
        with self._engine.begin() as connection:
            return sum(self._apply(connection, change) for change in changes)

    def is_passing(self, error: BaseException) -> bool:
        """As `headwater.projection.View.is_passing`."""
        return isinstance(error, (RaceError, PoolTimeoutError)) or passing.is_passing(error)

    def check(self) -> None:
        """As `headwater.projection.View.check`."""
        with self._engine.begin() as connection:
            for table in (self._table, self._positions):
                connection.execute(table.select().where(false()))
                connection.execute(table.delete().where(false()))

    def shadow(self) -> TableView:
        """As `headwater.projection.View.shadow`."""
        metadata, token = MetaData(), uuid.uuid4().hex[:8]
        table = self._table.to_metadata(metadata, name=_shadow_prefix(self._table.name) + token)
        for index in table.indexes:  # in PostgreSQL, their names are taken
            index.name = quoted_name(_shadow_prefix(f"{index.name}") + token, None)
        for constraint in table.constraints:
            if isinstance(constraint.name, str):
                constraint.name = _shadow_prefix(constraint.name) + token
        positions = _positions(metadata, _shadow_prefix(self._positions.name) + token, self._positions.schema)
        with self._engine.begin() as connection:
            self._drop_shadows(connection)
        metadata.create_all(self._engine)
        return TableView(self._engine, table, positions)

    def promote(self, shadow: TableView) -> None:
        """As `headwater.projection.View.promote`."""
        old = MetaData()
        renamed = [
            (self._table, self._table.to_metadata(old, name=f"{shadow._table.name}_old")),
            (shadow._table, self._table),
            (self._positions, self._positions.to_metadata(old, name=f"{shadow._positions.name}_old")),
            (shadow._positions, self._positions),
        ]
        with self._engine.begin() as connection:
            quote = connection.dialect.identifier_preparer
            if connection.dialect.name in ("mysql", "mariadb"):  # one statement: its DDL knows no transactions
                pairs = ", ".join(f"{quote.format_table(one)} TO {quote.format_table(other)}" for one, other in renamed)
                connection.execute(text(f"RENAME TABLE {pairs}"))
            else:
                _begin_for_ddl(connection)
                for one, other in renamed:
                    name = quote.format_table(other, use_schema=False)
                    connection.execute(text(f"ALTER TABLE {quote.format_table(one)} RENAME TO {name}"))
        with self._engine.begin() as connection:
            self._drop_shadows(connection)

    def _drop_shadows(self, connection: Connection) -> None:
        for table in (self._table, self._positions):
            for name in inspect(connection).get_table_names(schema=table.schema):
                if name.startswith(_shadow_prefix(table.name)):
                    Table(name, MetaData(), schema=table.schema).drop(connection)

    def _apply(self, connection: Connection, change: Change | Truncation) -> bool:
        """Whether it wasn't stale. The position's row is locked first, and so stands for the view's row."""
        if isinstance(change, Truncation):
            self._truncate(connection, change.position)
            return True
        positions = self._positions
        here = positions.c.item == change.item
        stored = connection.execute(positions.select().where(here).with_for_update()).mappings().one_or_none()
        if stored is not None and change.position.is_stale(_position(stored)):
            return False
        values = _columns(change.position, gone=change.row is None)
        if stored is not None:
            connection.execute(positions.update().where(here).values(values))
        else:
            try:
                connection.execute(positions.insert().values(values | {"item": change.item}))
            except IntegrityError as error:
                raise RaceError(f"{self._table.name}: two processes changed a row that is new") from error
        self._write(connection, change)
        return True

    def _truncate(self, connection: Connection, position: Position) -> None:
        """Rows go before positions: one that another process writes meanwhile then counts as gone, and is made anew."""
        connection.execute(self._table.delete())
        connection.execute(self._positions.update().values(_columns(position, gone=True)))

    def _write(self, connection: Connection, change: Change) -> None:
        key = self._key(change.key)
        if change.row is None:
            connection.execute(self._table.delete().where(key))
            return
        row = {**change.key, **change.row}
        values = {name: value for name, value in row.items() if name in self._table.c}
        others = {name: value for name, value in values.items() if not self._table.c[name].primary_key}
        if others:
            found = connection.execute(self._table.update().where(key).values(others)).rowcount == 1
        else:
            found = connection.execute(self._table.select().where(key)).first() is not None
        if not found:
            connection.execute(self._table.insert().values(values))

    def _key(self, key: Mapping[str, Any]) -> ColumnElement[bool]:
        columns = self._table.primary_key.columns
        if missing := ", ".join(column.name for column in columns if column.name not in key):
            raise ValueError(f"{self._table.name}: the change's key has no {missing}: tell the row's with key=")
        return and_(*(column == key[column.name] for column in columns))


def _shadow_prefix(name: str) -> str:
    """What the names begin with of all that stands for ``name`` while it is rebuilt: short, however long that is."""
    return f"rebuild_{hashlib.sha256(name.encode()).hexdigest()[:12]}_"


def _begin_for_ddl(connection: Connection) -> None:
    """Python's sqlite3 begins a transaction before INSERT, UPDATE and DELETE only."""
    if connection.dialect.name == "sqlite" and not getattr(connection.connection, "in_transaction", True):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _columns(position: Position, *, gone: bool) -> dict[str, Any]:
    return {
        "topic_partition": position.partition,
        "message_offset": position.offset,
        "history": position.history,
        "place": json.dumps(position.place, separators=(",", ":")),
        "deleted_at": datetime.now(UTC).replace(tzinfo=None) if gone else None,
    }


def _position(stored: Mapping[Any, Any]) -> Position:
    return Position(
        stored["topic_partition"], stored["message_offset"], stored["history"], tuple(json.loads(stored["place"]))
    )
