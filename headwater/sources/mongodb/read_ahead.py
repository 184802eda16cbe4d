"""Parts that several threads read at once, given in their order.

One thread gains by it too: the server reads what comes next while the caller is busy with what came.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

WAITING = 2
"""So many items of a part wait at most for whoever takes them."""


class _Part(Generic[Item]):
    """``error`` is what reading ended with, behind the items."""

    def __init__(self) -> None:
        self.items: deque[Item] = deque()
        self.is_read = False
        self.error: Exception | None = None


class ReadAhead(Generic[Item]):
    """The items of all ``parts``, one part after the other, while ``threads`` threads read.

    ``parts`` is advanced by one thread at a time, and each part read by one; at most one part more than there are
    threads is under way. What raises there is raised here, behind the items before it.
    """

    def __init__(self, parts: Iterator[Iterable[Item]], threads: int) -> None:
        self._parts = parts
        self._most_parts = threads + 1
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self._line: deque[_Part[Item]] = deque()
        self._is_last_known = False
        self._is_closed = False
        for number in range(1, threads + 1):
            threading.Thread(target=self._run, name=f"snapshot-{number}", daemon=True).start()

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        with self._changed:
            while True:
                self._changed.wait_for(self._is_decided)
                if not self._line:
                    raise StopIteration
                part = self._line[0]
                self._changed.notify_all()
                if part.items:
                    return part.items.popleft()
                self._line.popleft()
                if part.error is not None:
                    raise part.error

    def _is_decided(self) -> bool:
        """Whether the caller need not wait: for an item, for the end of a part, or of all."""
        if not self._line:
            return self._is_last_known
        return bool(self._line[0].items) or self._line[0].is_read

    def close(self) -> None:
        """Have the threads end as soon as they hear of it; what they wait for is not waited for here."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        while (found := self._next_part()) is not None:
            part, items = found
            error = None
            try:
                for item in items:
                    if not self._put(part, item):
                        return
            except Exception as raised:
                error = raised
            with self._changed:
                part.is_read, part.error = True, error
                self._changed.notify_all()

    def _next_part(self) -> tuple[_Part[Item], Iterable[Item]] | None:
        """The next part, in line already; None where there is none."""
        with self._turn:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or len(self._line) < self._most_parts)
                if self._is_closed or self._is_last_known:
                    return None
            part: _Part[Item] = _Part()
            items: Iterable[Item] = ()
            is_last = False
            try:
                items = next(self._parts)
            except StopIteration:
                is_last = True
            except Exception as error:
                is_last, part.is_read, part.error = True, True, error
            with self._changed:
                self._is_last_known = is_last
                if not is_last or part.error is not None:
                    self._line.append(part)
                self._changed.notify_all()
            return None if is_last else (part, items)

    def _put(self, part: _Part[Item], item: Item) -> bool:
        """Whether the item was wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or len(part.items) < WAITING)
            part.items.append(item)
            self._changed.notify_all()
            return not self._is_closed
