"""What can be wrong with an event."""

from headwater.inbox.errors import RejectedMessageError


class EventError(RejectedMessageError):
    """A message is not the event that is expected: says which message, which field, and why.

    Trying again won't help, so in a subscription's handler it makes a dead letter at once. Messages name fields and
    types, never values: those are people's data, and errors end in logs.
    """
