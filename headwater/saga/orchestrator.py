"""Runs a saga in a service's transactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from headwater.saga import flow
from headwater.saga.correlation import Reply
from headwater.saga.definition import Saga
from headwater.saga.instance import Instance
from headwater.saga.store import AsyncSagaStore, SagaStore

S = TypeVar("S")
D = TypeVar("D")
S_contra = TypeVar("S_contra", contravariant=True)


class Publisher(Protocol[S_contra]):
    """The service's outbox."""

    def publish(self, session: S_contra, event: Any, *, headers: Mapping[str, str] | None = None) -> object:
        """As `headwater.outbox.sqlalchemy.Outbox.publish`."""


class AsyncPublisher(Protocol[S_contra]):
    """The service's outbox for asyncio, an ``AsyncOutbox``."""

    async def publish(self, session: S_contra, event: Any, *, headers: Mapping[str, str] | None = None) -> object:
        """As `headwater.outbox.sqlalchemy.AsyncOutbox.publish`."""


class Orchestrator(Generic[S, D]):
    """Starts sagas and takes them on, each time in the transaction of ``session``: its state, its data's changes and
    its commands are committed together or not at all.

    Commands and replies may come twice, late and in any order: a reply counts only while it is awaited.
    """

    def __init__(
        self, saga: Saga[S, D], store: SagaStore[S], outbox: Publisher[S], clock: Callable[[], datetime] = flow.now
    ) -> None:
        self.saga = saga
        self.store = store
        self._flows = flow.Flows(saga, store, outbox, clock)
        self._clock = clock

    def start(self, session: S, saga_id: str, data: D) -> Instance:
        """Start a saga with its first step. Raises `SagaExistsError`, `SagaDataError`, and what the outbox raises."""
        return flow.run(self._flows.start(session, saga_id, data))

    def reply(self, session: S, reply: Reply) -> Instance | None:
        """Take a saga on by a participant's reply; None for a reply to a saga of another name, which changes nothing.

        Raises `UnknownSagaError`, `SagaDataError`, `SagaConflictError`.
        """
        return flow.run(self._flows.reply(session, reply))

    def expire(self, session: S, saga_id: str) -> Instance:
        """Act on a deadline that has passed. Raises as `reply`."""
        return flow.run(self._flows.expire(session, saga_id))

    def retry(self, session: S, saga_id: str) -> Instance:
        """Ask once more for the undoing of a step that failed. Raises `SagaError` unless the saga is FAILED."""
        return flow.run(self._flows.retry(session, saga_id))

    def overdue(self, session: S, limit: int = 100, skip: int = 0) -> Sequence[str]:
        """Ids of sagas whose deadline has passed, the oldest first, without the first ``skip``."""
        return self.store.overdue(session, self.saga.name, self._clock(), limit, skip)


class AsyncOrchestrator(Generic[S, D]):
    """An `Orchestrator` for asyncio; steps may be coroutine functions."""

    def __init__(
        self,
        saga: Saga[S, D],
        store: AsyncSagaStore[S],
        outbox: AsyncPublisher[S],
        clock: Callable[[], datetime] = flow.now,
    ) -> None:
        self.saga = saga
        self.store = store
        self._flows = flow.Flows(saga, store, outbox, clock)
        self._clock = clock

    async def start(self, session: S, saga_id: str, data: D) -> Instance:
        """As `Orchestrator.start`."""
        return await flow.run_async(self._flows.start(session, saga_id, data))

    async def reply(self, session: S, reply: Reply) -> Instance | None:
        """As `Orchestrator.reply`."""
        return await flow.run_async(self._flows.reply(session, reply))

    async def expire(self, session: S, saga_id: str) -> Instance:
        """As `Orchestrator.expire`."""
        return await flow.run_async(self._flows.expire(session, saga_id))

    async def retry(self, session: S, saga_id: str) -> Instance:
        """As `Orchestrator.retry`."""
        return await flow.run_async(self._flows.retry(session, saga_id))

    async def overdue(self, session: S, limit: int = 100, skip: int = 0) -> Sequence[str]:
        """As `Orchestrator.overdue`."""
        return await self.store.overdue(session, self.saga.name, self._clock(), limit, skip)
