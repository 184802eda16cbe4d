"""Where a task stands among the recorded changes, and the offset that holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headwater.source import Offset, OffsetError, SourceError
from headwater.sources.stale import START_ANEW


@dataclass(frozen=True, slots=True)
class Position:
    """Behind change ``change_id`` of the log ``log_id``, which tells one database from another.

    ``snapshot`` says that the snapshot taken there is not finished.
    """

    change_id: int
    log_id: str | None
    snapshot: bool = False

    def offset(self) -> Offset:
        """The same place as an offset."""
        offset: Offset = {"change_id": self.change_id}
        if self.log_id is not None:
            offset["log_id"] = self.log_id
        if self.snapshot:
            offset["snapshot"] = True
        return offset

    @classmethod
    def from_offset(cls, offset: Mapping[str, Any]) -> Position:
        """Raises `SourceError` for an offset that no connector for SQLite wrote."""
        try:
            check_offset(offset)
        except OffsetError as error:
            raise SourceError(
                f"the stored offset {dict(offset)!r} is not one of a SQLite connector: {START_ANEW}"
            ) from error
        return cls(offset["change_id"], offset.get("log_id"), bool(offset.get("snapshot")))


def check_offset(offset: Mapping[str, Any]) -> None:
    """Check an offset that was given by hand, any JSON. Raises `OffsetError`.

    ``log_id`` may be left out; then the offset is good for whatever database there is.
    """
    change_id = offset.get("change_id")
    if type(change_id) is not int or not 0 <= change_id < 2**63:
        raise OffsetError("The offset must have change_id: the number of a change, 0 for the beginning")
    if not isinstance(offset.get("log_id"), str | None):
        raise OffsetError("The value of log_id in the offset must be a string")
    if not isinstance(offset.get("snapshot"), bool | None):
        raise OffsetError("The value of snapshot in the offset must be true or false")
    unknown = offset.keys() - {"change_id", "log_id", "snapshot"}
    if unknown:
        raise OffsetError(f"The offset has members that mean nothing here: {', '.join(sorted(unknown))}")
