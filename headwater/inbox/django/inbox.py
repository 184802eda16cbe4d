"""Recording in the transaction that ``transaction.atomic`` began."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from headwater.inbox import passing
from headwater.inbox.errors import AutocommitError
from headwater.inbox.sql import Statements

try:
    from django.db import close_old_connections, connections, transaction
except ImportError as error:
    message = "headwater.inbox.django needs Django: pip install 'headwater[django]'"
    raise ImportError(message) from error


class Inbox:
    """A `headwater.inbox.Inbox` in the app's table, on the database ``using``.

    A handler's session is the database's alias; models and cursors of that database take part in the transaction.
    """

    def __init__(self, using: str = "default") -> None:
        self._using = using

    @contextmanager
    def transaction(self) -> Iterator[str]:
        """As `headwater.inbox.Inbox.transaction`; a connection that broke is replaced first."""
        if not connections[self._using].in_atomic_block:  # as Django does before a request
            close_old_connections()
        with transaction.atomic(using=self._using):
            yield self._using

    def record(self, session: str, consumer: str, message_id: str) -> bool:
        """As `headwater.inbox.Inbox.record`. Raises `AutocommitError`."""
        connection = connections[session]
        if not connection.in_atomic_block:
            raise AutocommitError
        with connection.cursor() as cursor:
            return _statements(connection).record(cursor, consumer, message_id)

    def is_passing(self, error: BaseException) -> bool:
        """As `headwater.inbox.Inbox.is_passing`."""
        return passing.is_passing(error)

    def prune(self, older_than: timedelta) -> int:
        """As `headwater.inbox.Inbox.prune`."""
        with self.transaction() as alias, connections[alias].cursor() as cursor:
            return _statements(connections[alias]).prune(cursor, older_than)


def _statements(connection: Any) -> Statements:
    return Statements(connection.vendor, "headwater_inbox", "%s")
