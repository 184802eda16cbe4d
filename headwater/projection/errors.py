"""What can go wrong with a projection, beside what can with an inbox."""

from headwater.inbox.errors import InboxError


class ViewError(InboxError):
    """The view can't be read or written: its database refuses, or a table is missing."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"the view can't be written: {type(error).__name__}: {error}")
