"""Bounds connections: how many there are, and how long one may keep the server waiting.

A connection that waits for its client is given up after a while, whatever trickles in meanwhile; and where there are
too many, the one that has waited longest makes room for the next. So nobody is kept out by those who open connections
and send nothing, or a byte now and then, or don't read what is answered.
"""

from __future__ import annotations

import asyncio
import math
from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from headwater.rest.errors import error_response

MAX_CONNECTIONS = 250
"""How many there may be at once; further ones are told to come again where all of these have requests under way."""

WAIT_SECONDS = 30.0
"""How long a client has to send a request, to its last byte, and to take what is answered."""


class Connection(H11Protocol):
    """One connection; ``deadline`` is the loop's time at which the wait for its client ends."""

    deadline = math.inf
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, in place of a connection that waits where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS and not self._make_room():
            self.app = error_response(
                HTTPStatus.SERVICE_UNAVAILABLE, "Too many requests are under way", {"Connection": "close"}
            )
        self._take_turns()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request, which may be the last."""
        super().data_received(data)
        self._take_turns()

    def on_response_complete(self) -> None:
        """Wait for the next request, or until the client has taken what was answered."""
        super().on_response_complete()
        self._stop_waiting()
        self._take_turns()

    def pause_writing(self) -> None:
        """Wait until the client has taken some of the answer."""
        super().pause_writing()
        self._take_turns()

    def resume_writing(self) -> None:
        """Go on answering."""
        super().resume_writing()
        self._take_turns()

    def give_up(self) -> None:
        """Drop the connection: a client that keeps the server waiting may not read a last word either."""
        self._stop_waiting()
        self.connections.discard(self)
        self.transport.abort()

    def _make_room(self) -> bool:
        """Give up the connection that has waited longest; False where none waits."""
        others = (each for each in self.connections if isinstance(each, Connection) and each is not self)
        longest = min(others, key=lambda each: each.deadline)
        if longest.deadline == math.inf:
            return False
        longest.give_up()
        return True

    def _take_turns(self) -> None:
        """Begin to wait for the client, or stop, by whose turn it is; a wait that goes on keeps its deadline."""
        if self._is_answering():
            self._stop_waiting()
        elif self._timer is None:
            self._timer = self.loop.call_later(WAIT_SECONDS, self.give_up)
            self.deadline = self._timer.when()

    def _is_answering(self) -> bool:
        """Whether a whole request is there, and the client takes what is answered."""
        if self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr] # None at first
            return False
        return self.conn.their_state is not h11.SEND_BODY and not self.flow.write_paused

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self.deadline = None, math.inf
