"""The transactional outbox: an event is written in the transaction of the change it tells of, or not at all.

What is here knows no database library: what an event is (`Outboxable`), the row it becomes (`OutboxRow`),
what can be wrong with it (`OutboxError`). A library that writes rows has a module of its own, as SQLAlchemy
has `headwater.outbox.sqlalchemy`, so that using one asks for no other.
"""

from headwater.outbox.errors import (
    AutocommitError,
    InvalidFieldError,
    OutboxError,
    PayloadNotSerializableError,
    PayloadTooLargeError,
)
from headwater.outbox.event import Outboxable
from headwater.outbox.row import DEFAULT_MAX_PAYLOAD_BYTES, Limits, OutboxRow, row_of

__all__ = [
    "DEFAULT_MAX_PAYLOAD_BYTES",
    "AutocommitError",
    "InvalidFieldError",
    "Limits",
    "OutboxError",
    "OutboxRow",
    "Outboxable",
    "PayloadNotSerializableError",
    "PayloadTooLargeError",
    "row_of",
]
