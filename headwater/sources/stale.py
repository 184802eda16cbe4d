"""When what is stored of a connector no longer fits the server and its log, and the ways on from there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from headwater.source import SnapshotNeededError, SourceError

START_ANEW = (
    "stop the connector, delete its offsets and resume it (PUT /connectors/NAME/stop, DELETE /connectors/NAME/offsets, "
    "PUT /connectors/NAME/resume), so that it starts with a new snapshot"
)
"""What to do about an offset that can't be used any more."""
WAYS_ON = f"{START_ANEW}; snapshot.mode=when_needed does so by itself"
"""The same where a new snapshot surely mends it."""


class StaleStateError(SourceError):
    """Reading can't go on from what is stored, and a new snapshot mends that.

    The log was purged or is another server's, or it has rows of a table whose structure at their time is not known.
    """


@contextmanager
def new_snapshot(*, wanted: bool) -> Iterator[None]:
    """Ask for a new snapshot, where that is wanted, in place of a `StaleStateError` inside."""
    try:
        yield
    except StaleStateError as error:
        if not wanted:
            raise
        raise SnapshotNeededError(str(error)) from error
