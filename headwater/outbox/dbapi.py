"""The outbox for connections of the Python database API (PEP 249), without any other library.

For PyMySQL, mysqlclient, MariaDB Connector/Python, psycopg, psycopg2, sqlite3, and what else follows PEP 249; in
asyncio for psycopg's asynchronous cursors, asyncmy and aiosqlite.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol

from headwater.outbox.errors import AutocommitError
from headwater.outbox.event import Publishable
from headwater.outbox.row import COLUMNS, DEFAULT_MAX_PAYLOAD_BYTES, Limits, row_of
from headwater.outbox.table import Delivery
from headwater.table_name import check_table_name

_PLACEHOLDERS = {"qmark": "?", "format": "%s", "pyformat": "%s"}
_IN_TRANSACTION = 1
"""MySQL's SERVER_STATUS_IN_TRANS."""


class Module(Protocol):
    """A module of PEP 249."""

    @property
    def paramstyle(self) -> str:
        """How it writes parameters."""


class Cursor(Protocol):
    """A cursor of PEP 249."""

    @property
    def connection(self) -> Any:
        """The connection that it belongs to (an optional part of PEP 249 that all drivers have)."""

    def execute(self, operation: str, parameters: Sequence[Any], /) -> Any:
        """Run a statement."""


class AsyncCursor(Protocol):
    """The same with an ``execute`` to be awaited."""

    @property
    def connection(self) -> Any:
        """The connection that it belongs to."""

    def execute(self, operation: str, parameters: Any, /) -> Awaitable[Any]:
        """Run a statement."""


class Outbox:
    """Publishes events through a table as `headwater outbox ddl` makes it.

    ``module``    the driver, for how it writes parameters: ``Outbox(psycopg)``
    ``table``     letters, digits and underscores, with or without a schema
    ``delivery``  "log": an event's INSERT is followed at once by its DELETE; "relay": rows stay for the relay
    """

    def __init__(
        self,
        module: Module,
        table: str = "outbox",
        *,
        delivery: Delivery | str = Delivery.LOG,
        max_payload_bytes: int = DEFAULT_MAX_PAYLOAD_BYTES,
    ) -> None:
        placeholder = _PLACEHOLDERS.get(module.paramstyle)
        if placeholder is None:
            raise ValueError(f"parameters in the style {module.paramstyle!r} are not known here")
        check_table_name(table)
        values = ", ".join([placeholder] * len(COLUMNS))
        # The columns' names need no quotes in any of the databases.
        self._insert = f"INSERT INTO {table} ({', '.join(COLUMNS)}) VALUES ({values})"  # noqa: S608 - a checked name
        self._delete = f"DELETE FROM {table} WHERE id = {placeholder}"  # noqa: S608 - likewise
        self._keeps = Delivery(delivery) is Delivery.RELAY
        self._limits = Limits(payload_bytes=max_payload_bytes)

    def publish(self, cursor: Cursor, event: Publishable, *, headers: Mapping[str, str] | None = None) -> uuid.UUID:
        """Publish `event` in the transaction that the cursor's connection is in. Returns the event's id.

        Raises an OutboxError before anything is written: InvalidFieldError, PayloadNotSerializableError,
        PayloadTooLargeError or AutocommitError.
        """
        event_id, statements = self._statements(cursor, event, headers)
        for statement, parameters in statements:
            cursor.execute(statement, parameters)
        return event_id

    async def publish_async(
        self, cursor: AsyncCursor, event: Publishable, *, headers: Mapping[str, str] | None = None
    ) -> uuid.UUID:
        """Like `publish`, for asyncio."""
        event_id, statements = self._statements(cursor, event, headers)
        for statement, parameters in statements:
            await cursor.execute(statement, parameters)
        return event_id

    def _statements(
        self, cursor: Cursor | AsyncCursor, event: Publishable, headers: Mapping[str, str] | None
    ) -> tuple[uuid.UUID, list[tuple[str, tuple[Any, ...]]]]:
        row = row_of(event, self._limits, headers)
        if _autocommits(cursor.connection):
            raise AutocommitError
        values = dataclasses.asdict(row) | {"id": str(row.id)}
        insert = (self._insert, tuple(values[name] for name in COLUMNS))
        return row.id, [insert] if self._keeps else [insert, (self._delete, (str(row.id),))]


def _autocommits(connection: Any) -> bool:
    """Whether a statement would be committed by itself, as far as a driver lets one see it."""
    if hasattr(connection, "in_transaction"):  # sqlite3, aiosqlite
        return connection.isolation_level is None and not connection.in_transaction
    if hasattr(connection, "info") and hasattr(connection.info, "transaction_status"):  # psycopg, psycopg2
        return bool(connection.autocommit) and int(connection.info.transaction_status) == 0
    if hasattr(connection, "get_autocommit"):  # PyMySQL, asyncmy, mysqlclient
        in_transaction = getattr(connection, "server_status", 0) & _IN_TRANSACTION
        return bool(connection.get_autocommit()) and not in_transaction
    return getattr(connection, "autocommit", False) is True
