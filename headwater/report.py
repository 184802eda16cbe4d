"""What a task tells of itself: counts, and where it stands; its worker makes metrics of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from headwater.source import SourceProgress


class LastError(NamedTuple):
    """The class of an error, never its text, and when it was met in Unix seconds."""

    name: str
    time: float


@dataclass(frozen=True, slots=True)
class Report:
    """One task's counts since its process started, and its state at the moment.

    ``records``         messages given to the sink, by Debezium's operation (``c``, ``u`` …; empty for what is no row)
    ``errors``          by where they were met: ``source``, ``conversion``, ``sink``, ``process`` or ``other``
    ``dropped``         messages that could not be made and went nowhere; ``dead_letters`` those that went there
    ``nulled``          values that could not be read and are null in their events
    ``retries``         how often the task began anew from its offset after an error that may pass
    ``commits``         offsets stored; ``committed_at`` is when that was done last, in Unix seconds
    ``bytes_read``      of the source's log
    ``lag_seconds``     between the commit of a change and its delivery; None where it is not known, as in a snapshot
    ``unacknowledged``  messages given to the sink that are not safe yet
    """

    records: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    dropped: int = 0
    dead_letters: int = 0
    nulled: int = 0
    retries: int = 0
    commits: int = 0
    committed_at: float | None = None
    last_error: LastError | None = None
    bytes_read: int = 0
    lag_seconds: float | None = None
    unacknowledged: int = 0
    source: SourceProgress | None = None

    def after(self, earlier: Report) -> Report:
        """The same with the counts of an earlier process on top."""
        return replace(
            self,
            records=Counter(earlier.records) + Counter(self.records),
            errors=Counter(earlier.errors) + Counter(self.errors),
            dropped=earlier.dropped + self.dropped,
            dead_letters=earlier.dead_letters + self.dead_letters,
            nulled=earlier.nulled + self.nulled,
            retries=earlier.retries + self.retries,
            commits=earlier.commits + self.commits,
            committed_at=self.committed_at or earlier.committed_at,
            last_error=self.last_error or earlier.last_error,
            bytes_read=earlier.bytes_read + self.bytes_read,
        )
