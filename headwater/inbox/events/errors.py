"""What can be wrong with an event."""

from headwater.inbox.errors import RejectedMessageError


class EventError(RejectedMessageError):
    """A message is not the event that is expected: says which message, which field, and why.

    Trying again won't help, so in a subscription's handler it makes a dead letter at once. Messages name fields and
    types, never values: those are people's data, and errors end in logs.
    """


class MisfitError(ValueError):
    """A value doesn't fit its annotation; ``path`` are the names on the way to it."""

    def __init__(self, reason: str, path: tuple[str, ...] = ()) -> None:
        self.reason = reason
        self.path = path
        super().__init__(f"{'.'.join(path)}: {reason}" if path else reason)

    def within(self, name: str) -> "MisfitError":
        """The same, told from one level further out."""
        return MisfitError(self.reason, (name, *self.path))
