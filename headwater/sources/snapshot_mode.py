"""What ``snapshot.mode`` asks of a source that can take a snapshot at any start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SnapshotMode:
    """What ``snapshot.mode`` asks for.

    ``data``    whether rows are read where there is no offset, ``always`` even where there is one
    ``mends``   whether the connector goes on where the log no longer reaches back to the offset
    ``streams`` whether the log is read afterwards
    """

    data: bool = True
    always: bool = False
    mends: bool = False
    streams: bool = True


SNAPSHOT_MODES = {
    "always": SnapshotMode(always=True),
    "initial": SnapshotMode(),
    "initial_only": SnapshotMode(streams=False),
    "no_data": SnapshotMode(data=False),
    "never": SnapshotMode(data=False),
    "when_needed": SnapshotMode(mends=True),
}
