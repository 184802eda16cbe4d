"""What keeps sagas: a table or collection of the service's own database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from headwater.saga.instance import Instance, Status

S_contra = TypeVar("S_contra", contravariant=True)


class SagaStore(Protocol[S_contra]):
    """Reads and writes in the transaction of ``session``."""

    def insert(self, session: S_contra, instance: Instance) -> None:
        """Raises `headwater.saga.SagaExistsError`."""

    def load(self, session: S_contra, saga: str, saga_id: str) -> Instance | None:
        """The saga, so that no other transaction changes it before this one ends; None where there is none."""

    def save(self, session: S_contra, instance: Instance) -> None:
        """Store it as the next version. Raises `headwater.saga.SagaConflictError` where it is no longer the last."""

    def overdue(self, session: S_contra, saga: str, now: datetime, limit: int, skip: int = 0) -> Sequence[str]:
        """Ids of sagas whose deadline is before ``now``, the oldest first, without the first ``skip``."""

    def find(
        self,
        session: S_contra,
        *,
        saga: str | None = None,
        saga_id: str | None = None,
        status: Status | None = None,
        limit: int = 100,
    ) -> Sequence[Instance]:
        """The sagas that changed last, without holding them; of all, or those of a name, an id or a status."""


class AsyncSagaStore(Protocol[S_contra]):
    """A `SagaStore` for asyncio."""

    async def insert(self, session: S_contra, instance: Instance) -> None:
        """As `SagaStore.insert`."""

    async def load(self, session: S_contra, saga: str, saga_id: str) -> Instance | None:
        """As `SagaStore.load`."""

    async def save(self, session: S_contra, instance: Instance) -> None:
        """As `SagaStore.save`."""

    async def overdue(self, session: S_contra, saga: str, now: datetime, limit: int, skip: int = 0) -> Sequence[str]:
        """As `SagaStore.overdue`."""

    async def find(
        self,
        session: S_contra,
        *,
        saga: str | None = None,
        saga_id: str | None = None,
        status: Status | None = None,
        limit: int = 100,
    ) -> Sequence[Instance]:
        """As `SagaStore.find`."""
