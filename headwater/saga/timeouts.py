"""Looks for sagas that wait too long, beside what handles their replies. Any number of processes may look."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog

from headwater.saga.orchestrator import AsyncOrchestrator, Orchestrator

log = structlog.get_logger(__name__)

S = TypeVar("S")


@dataclass(frozen=True)
class Timeouts(Generic[S]):
    """``transaction`` begins one, as an inbox's does; ``interval`` is how often to look, in seconds.

    An error is logged, and what it hit is tried again at the next look: a database that is away comes back. What can't
    be seen to holds nothing else up.
    """

    orchestrator: Orchestrator[S, Any]
    transaction: Callable[[], AbstractContextManager[S]]
    interval: float = 1.0

    def run(self, stop: threading.Event) -> None:
        """Look until ``stop`` is set."""
        while not stop.wait(self.interval):
            self._look(stop)

    def _look(self, stop: threading.Event) -> None:
        failed = 0  # these stay overdue, the oldest of all
        while overdue := self._overdue(failed):
            for saga_id in overdue:
                if stop.is_set():
                    return
                failed += not self._expire(saga_id)

    def _overdue(self, skip: int) -> Sequence[str]:
        try:
            with self.transaction() as session:
                return self.orchestrator.overdue(session, skip=skip)
        except Exception as error:
            _warn(self.orchestrator.saga.name, error)
            return ()

    def _expire(self, saga_id: str) -> bool:
        """Whether it was seen to."""
        try:
            with self.transaction() as session:
                self.orchestrator.expire(session, saga_id)
        except Exception as error:
            _warn(self.orchestrator.saga.name, error, saga_id)
            return False
        return True


@dataclass(frozen=True)
class AsyncTimeouts(Generic[S]):
    """`Timeouts` for asyncio."""

    orchestrator: AsyncOrchestrator[S, Any]
    transaction: Callable[[], AbstractAsyncContextManager[S]]
    interval: float = 1.0

    async def run(self) -> None:
        """Look until the task is cancelled."""
        while True:
            await asyncio.sleep(self.interval)
            await self._look()

    async def _look(self) -> None:
        failed = 0
        while overdue := await self._overdue(failed):
            for saga_id in overdue:
                failed += not await self._expire(saga_id)

    async def _overdue(self, skip: int) -> Sequence[str]:
        try:
            async with self.transaction() as session:
                return await self.orchestrator.overdue(session, skip=skip)
        except Exception as error:
            _warn(self.orchestrator.saga.name, error)
            return ()

    async def _expire(self, saga_id: str) -> bool:
        """Whether it was seen to."""
        try:
            async with self.transaction() as session:
                await self.orchestrator.expire(session, saga_id)
        except Exception as error:
            _warn(self.orchestrator.saga.name, error, saga_id)
            return False
        return True


def _warn(saga: str, error: Exception, saga_id: str | None = None) -> None:
    log.warning("a saga's deadline could not be seen to, tried again", saga=saga, id=saga_id, error=repr(error))
