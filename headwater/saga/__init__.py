"""Sagas: work over several services, step by step, each undone where a later one fails.

A saga's state stands in the service's own database and changes in the same transaction as the outbox's rows, so it and
the commands that it sends can't disagree. What is here knows no database library; `headwater.saga.sqlalchemy` and
`headwater.saga.pymongo` keep sagas for theirs.
"""

from headwater.saga.correlation import Reply, command_id, reply_headers
from headwater.saga.definition import Saga, Step
from headwater.saga.errors import SagaConflictError, SagaDataError, SagaError, SagaExistsError, UnknownSagaError
from headwater.saga.instance import Entry, Instance, Phase, Status
from headwater.saga.orchestrator import AsyncOrchestrator, Orchestrator
from headwater.saga.timeouts import AsyncTimeouts, Timeouts

__all__ = [
    "AsyncOrchestrator",
    "AsyncTimeouts",
    "Entry",
    "Instance",
    "Orchestrator",
    "Phase",
    "Reply",
    "Saga",
    "SagaConflictError",
    "SagaDataError",
    "SagaError",
    "SagaExistsError",
    "Status",
    "Step",
    "Timeouts",
    "UnknownSagaError",
    "command_id",
    "reply_headers",
]
