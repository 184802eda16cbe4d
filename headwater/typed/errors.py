"""What can be wrong with a value."""

from __future__ import annotations


class MisfitError(ValueError):
    """A value doesn't fit its annotation; ``path`` are the names on the way to it.

    Messages name fields and types, never values: those are people's data, and errors end in logs.
    """

    def __init__(self, reason: str, path: tuple[str, ...] = ()) -> None:
        self.reason = reason
        self.path = path
        super().__init__(f"{'.'.join(path)}: {reason}" if path else reason)

    def within(self, name: str) -> MisfitError:
        """The same, told from one level further out."""
        return MisfitError(self.reason, (name, *self.path))
