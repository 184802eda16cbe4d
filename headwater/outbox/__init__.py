"""The transactional outbox: an event is written in the transaction of the change it tells of, or not at all.

What is here knows no database library: what an event is (`event`), the row it becomes (`row`), what can be wrong
with it (`errors`). A library that writes rows has a module of its own, as SQLAlchemy has
`headwater.outbox.sqlalchemy`, so that using one asks for no other.
"""

from headwater.outbox.errors import (
    AutocommitError,
    InvalidFieldError,
    OutboxError,
    PayloadNotSerializableError,
    PayloadTooLargeError,
)
from headwater.outbox.event import Aggregate, DescribedEvent, Event, Outboxable, Publishable

__all__ = [
    "Aggregate",
    "AutocommitError",
    "DescribedEvent",
    "Event",
    "InvalidFieldError",
    "OutboxError",
    "Outboxable",
    "PayloadNotSerializableError",
    "PayloadTooLargeError",
    "Publishable",
]
