"""A message as pieces of bytes in a row, for code that puts it together as late as need be."""

from __future__ import annotations

from headwater.converter import Scope
from headwater.shape import Stage

_JOIN = b"".join


class Pieces:
    """The bytes of a message in order; neighbours that are known before the row become one piece."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._join = scope.bind(_JOIN)
        self._constant = b""
        self._event: list[str] = []
        self._row: list[str] = []

    def constant(self, content: bytes) -> None:
        """Bytes that are known."""
        self._constant += content

    def computed(self, stage: Stage, expression: str) -> None:
        """Bytes that ``expression`` gives at ``stage``."""
        if stage is Stage.ROW:
            self._end_event()
            self._row.append(expression)
        else:
            self._event += [*self._bound_constant(), expression]

    @property
    def known(self) -> bytes | None:
        """All of them, where no piece is computed."""
        return None if self._event or self._row else self._constant

    def joined(self) -> str:
        """The expression of all of them."""
        self._end_event()
        return self._join_of(self._row)

    def _end_event(self) -> None:
        if self._event:
            self._event += self._bound_constant()
            self._row.append(self._scope.assign(Stage.EVENT, self._join_of(self._event)))
            self._event = []
        else:
            self._row += self._bound_constant()

    def _bound_constant(self) -> list[str]:
        names = [self._scope.bind(self._constant)] if self._constant else []
        self._constant = b""
        return names

    def _join_of(self, expressions: list[str]) -> str:
        return expressions[0] if len(expressions) == 1 else f"{self._join}(({', '.join(expressions)}))"
