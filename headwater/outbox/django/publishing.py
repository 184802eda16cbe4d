"""Publishing with Django, in the transaction of ``transaction.atomic``."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping

from django.db import connections, router

from headwater.outbox.django.models import TABLE, OutboxEvent
from headwater.outbox.errors import AutocommitError
from headwater.outbox.event import Publishable
from headwater.outbox.row import COLUMNS, DEFAULT_MAX_PAYLOAD_BYTES, Limits, row_of
from headwater.outbox.table import Delivery

# The JSON that was measured is what is written; a JSONField would write it anew. Names need no quotes anywhere.
_INSERT = f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"  # noqa: S608
_DELETE = f"DELETE FROM {TABLE} WHERE id = %s"  # noqa: S608


class Outbox:
    """Publishes events through the table of `OutboxEvent`.

    ``delivery``  "log": an event's INSERT is followed at once by its DELETE; "relay": rows stay for the relay
    ``using``     the database, as Django's settings name it; without it, the one that the routers write the model to
    """

    def __init__(
        self,
        *,
        delivery: Delivery | str,
        using: str | None = None,
        max_payload_bytes: int = DEFAULT_MAX_PAYLOAD_BYTES,
    ) -> None:
        self._keeps = Delivery(delivery) is Delivery.RELAY
        self._using = using
        self._limits = Limits(payload_bytes=max_payload_bytes)

    def publish(self, event: Publishable, *, headers: Mapping[str, str] | None = None) -> uuid.UUID:
        """Publish `event` in the transaction that the database's connection is in. Returns the event's id.

        In asyncio call it by ``sync_to_async`` with the rest of the transaction, as Django's transactions ask for.
        Raises an OutboxError before anything is written: InvalidFieldError, PayloadNotSerializableError,
        PayloadTooLargeError or AutocommitError.
        """
        row = row_of(event, self._limits, headers)
        connection = connections[self._using or router.db_for_write(OutboxEvent)]
        if not connection.in_atomic_block:
            raise AutocommitError("this is outside of transaction.atomic()")
        values = dataclasses.asdict(row) | {"id": str(row.id)}
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [values[name] for name in COLUMNS])
            if not self._keeps:
                cursor.execute(_DELETE, [str(row.id)])
        return row.id
