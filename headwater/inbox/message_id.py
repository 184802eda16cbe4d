"""What a message is known by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from headwater.consumer import Message

MessageId = Callable[[Message], str]
"""Tells a message's id: the same one each time that the message is delivered, and no other message's."""

LONGEST = 255
"""Characters that an inbox stores of an id, and of a consumer's name."""


def from_header(name: str) -> MessageId:
    """The id in the header ``name``; of a message without it, where it stands (`from_place`)."""

    def message_id(message: Message) -> str:
        value = message.header(name)
        return value.decode(errors="backslashreplace") if value else from_place(message)

    return message_id


def from_place(message: Message) -> str:
    """Topic, partition and offset: new for a message that was sent twice, or into a topic that was made anew."""
    return str(message)


from_outbox = from_header("id")
"""The header that an outbox's events have."""


def stored_id(message_id: str) -> str:
    """The id, or a consumer's name, as an inbox stores it: itself, or its digest.

    Databases differ in what text they take for equal (case, accents, spaces at the end) and cut what is too long. Two
    ids that any of them mixes up would lose a message.
    """
    if 0 < len(message_id) <= LONGEST and message_id.isascii() and message_id.isprintable() and " " not in message_id:
        return message_id
    return f"sha256:{hashlib.sha256(message_id.encode(errors='surrogatepass')).hexdigest()}"
