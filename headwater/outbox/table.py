"""What an outbox is for, and what the columns say that a relay keeps its state in."""

from enum import StrEnum


class Delivery(StrEnum):
    """Who takes events out of the outbox, and so how long a row stays."""

    LOG = "log"
    """The database's log: a row is deleted in the transaction that inserts it."""
    RELAY = "relay"
    """`headwater relay`: a row stays until it was delivered, and for as long after that as is wanted."""


class Status(StrEnum):
    """Where a row is on its way out."""

    STARTED = "STARTED"
    """To be delivered."""
    COMPLETED = "COMPLETED"
    """Delivered: the broker has acknowledged it."""
    FAILED = "FAILED"
    """Given up, for the reason that the row tells."""


CHANNEL = "headwater_outbox"
"""The channel of PostgreSQL's NOTIFY on which the relay hears of new rows; the table's name is the payload."""
