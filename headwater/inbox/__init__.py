"""The inbox: a message is handled once, because its id is recorded in the transaction of what its handler changes.

What is here knows no database library. A library has a module of its own (`headwater.inbox.sqlalchemy`, …), so that
using one asks for no other.
"""

from headwater.consumer import Message
from headwater.inbox.dead_letters import DeadLetters
from headwater.inbox.errors import AutocommitError, HandlerError, InboxError, RejectedMessageError
from headwater.inbox.inbox import AsyncInbox, Inbox
from headwater.inbox.message_id import from_header, from_place
from headwater.inbox.retry import Retry
from headwater.inbox.subscription import Subscription

__all__ = [
    "AsyncInbox",
    "AutocommitError",
    "DeadLetters",
    "HandlerError",
    "Inbox",
    "InboxError",
    "Message",
    "RejectedMessageError",
    "Retry",
    "Subscription",
    "from_header",
    "from_place",
]
