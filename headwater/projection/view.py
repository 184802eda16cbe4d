"""What a view is: a table or collection, and beside it the position of the last change of each of its rows.

A row that was deleted keeps its position, so that an older change that comes again doesn't bring it back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from headwater.inbox.events import Position
from headwater.inbox.message_id import stored_id


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a row: ``key`` are its primary key's columns, ``row`` all of them, None where it goes."""

    key: Mapping[str, Any]
    row: Mapping[str, Any] | None
    position: Position

    @property
    def item(self) -> str:
        """What the row is known by among positions."""
        return stored_id(json.dumps(dict(self.key), sort_keys=True, default=str, separators=(",", ":")))


@dataclass(frozen=True, slots=True)
class Truncation:
    """Every row goes."""

    position: Position


class View(Protocol):
    """Used by one thread."""

    def apply(self, changes: Sequence[Change | Truncation]) -> int:
        """Make the changes that aren't stale, in order and in one transaction; how many those were.

        No truncation is stale. Who applies one goes on with all that stands behind it, whoever applied that before.
        """

    def is_passing(self, error: BaseException) -> bool:
        """As `headwater.inbox.Inbox.is_passing`."""

    def check(self) -> None:
        """Raise what the database says, where no change at all can be made: a table is missing, or a right."""

    def shadow(self) -> Self:
        """An empty view of the same structure; one that an earlier rebuild left behind is removed."""

    def promote(self, shadow: Self) -> None:
        """Put ``shadow`` in this view's place; what stood there is removed. Reads see the one or the other."""
