"""What happens in a saga when it starts, is answered or waits too long: once, for sync and async.

A flow is a generator that yields calls (of the store, the outbox, the steps) and is sent what they return; it does
nothing else, so that `run` and `run_async` are all that differs between the two.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import structlog

from headwater.saga.correlation import Reply, command_headers
from headwater.saga.definition import Saga, Step
from headwater.saga.errors import SagaError, UnknownSagaError
from headwater.saga.instance import Entry, Instance, Phase, Status

log = structlog.get_logger(__name__)

S = TypeVar("S")
D = TypeVar("D")
T = TypeVar("T")

Call = Callable[[], Any]
Flow = Generator[Call, Any, T]

REQUESTED = "requested"
SUCCEEDED = "succeeded"
FAILED = "failed"
TIMED_OUT = "timed out"
_LONGEST_WAIT = timedelta(hours=1)


def run(flow: Flow[T]) -> T:
    """Make the calls of a flow; what it returns."""
    result = None
    while True:
        try:
            call = flow.send(result)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # typeshed leaves it open
        result = call()


async def run_async(flow: Flow[T]) -> T:
    """As `run`; a call may give an awaitable."""
    result = None
    while True:
        try:
            call = flow.send(result)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # typeshed leaves it open
        result = call()
        if inspect.isawaitable(result):
            result = await result


class Flows(Generic[S, D]):
    """The flows of one saga; ``store`` and ``outbox`` are those of the orchestrator that runs them."""

    def __init__(self, saga: Saga[S, D], store: Any, outbox: Any, clock: Callable[[], datetime]) -> None:
        self._saga = saga
        self._store = store
        self._outbox = outbox
        self._clock = clock

    def start(self, session: S, saga_id: str, data: D) -> Flow[Instance]:
        """Ask for the first step."""
        now = self._clock()
        instance = Instance(saga=self._saga.name, id=saga_id, data={}, started_at=now, updated_at=now)
        yield from self._request(session, instance, data, self._saga.steps[0], Phase.PROCESS)
        instance.data = self._saga.dump(data)
        yield lambda: self._store.insert(session, instance)
        return instance

    def reply(self, session: S, reply: Reply) -> Flow[Instance | None]:
        """Go on by what a reply says; one that isn't awaited (any more) changes nothing."""
        if reply.saga != self._saga.name:
            return None
        instance = yield from self._load(session, reply.saga_id)
        if not _awaits(instance, reply):
            log.info(
                "a reply that the saga doesn't wait for", saga=instance.saga, id=instance.id, step=reply.step,
                phase=reply.phase.value, retries=reply.retries, status=instance.status.value,
            )  # fmt: skip
            return instance
        data = self._saga.load(instance.data)
        step = self._saga.step(instance.step)
        outcome = SUCCEEDED if reply.succeeded else FAILED
        self._tell(instance, step, outcome, reply.reason)
        if reply.succeeded:
            answered = step.processed if reply.phase is Phase.PROCESS else step.rolled_back
            if answered is not None:
                yield lambda: answered(session, data, reply)
            yield from self._succeeded(session, instance, data, step)
        elif reply.phase is Phase.PROCESS:
            yield from self._undo(session, instance, data, self._saga.before(step), reply.reason)
        else:
            self._stop(instance, reply.reason)
        yield from self._save(session, instance, data)
        return instance

    def expire(self, session: S, saga_id: str) -> Flow[Instance]:
        """Act on a deadline that has passed; where it hasn't (any more) nothing changes."""
        instance = yield from self._load(session, saga_id)
        if instance.deadline is None or instance.deadline > self._clock():
            return instance
        data = self._saga.load(instance.data)
        step = self._saga.step(instance.step)
        self._tell(instance, step, TIMED_OUT, None)
        if instance.phase is Phase.ROLLBACK:
            yield from self._request(session, instance, data, step, Phase.ROLLBACK)
        else:
            reason = f"{step.name} was not answered in time"
            yield from self._undo(session, instance, data, self._from(step), reason)
        yield from self._save(session, instance, data)
        return instance

    def retry(self, session: S, saga_id: str) -> Flow[Instance]:
        """Ask once more for the undoing that failed, by another command: the last one counts as answered."""
        instance = yield from self._load(session, saga_id)
        if instance.status is not Status.FAILED:
            raise SagaError(f"saga {instance.saga} {saga_id!r} is {instance.status.value}, only FAILED can be retried")
        data = self._saga.load(instance.data)
        instance.status = Status.COMPENSATING
        instance.retries += 1
        yield from self._request(session, instance, data, self._saga.step(instance.step), Phase.ROLLBACK)
        yield from self._save(session, instance, data)
        return instance

    def _succeeded(self, session: S, instance: Instance, data: D, step: Step[S, D]) -> Flow[None]:
        if instance.phase is Phase.ROLLBACK:
            yield from self._undo(session, instance, data, self._saga.before(step), instance.reason)
            return
        following = self._saga.after(step)
        if following is not None:
            yield from self._request(session, instance, data, following, Phase.PROCESS)
        else:
            self._end(instance, Status.COMPLETED)
            if (completed := self._saga.completed) is not None:
                yield lambda: completed(session, data)

    def _undo(
        self, session: S, instance: Instance, data: D, steps: Iterator[Step[S, D]], reason: str | None
    ) -> Flow[None]:
        """Ask for the undoing of the first of those; with none left the saga is compensated."""
        instance.status, instance.reason = Status.COMPENSATING, reason
        step = next(steps, None)
        if step is not None:
            yield from self._request(session, instance, data, step, Phase.ROLLBACK)
        else:
            self._end(instance, Status.COMPENSATED)
            if (compensated := self._saga.compensated) is not None:
                yield lambda: compensated(session, data, instance.reason)

    def _from(self, step: Step[S, D]) -> Iterator[Step[S, D]]:
        if step.rollback is not None:
            yield step
        yield from self._saga.before(step)

    def _request(self, session: S, instance: Instance, data: D, step: Step[S, D], phase: Phase) -> Flow[None]:
        again = instance.step == step.name and instance.phase is phase
        instance.step, instance.phase = step.name, phase
        instance.attempts = instance.attempts + 1 if again else 1
        request = step.process if phase is Phase.PROCESS else step.rollback
        if request is None:
            raise SagaError(f"saga {self._saga.name}: step {step.name} has nothing that undoes it (any more)")
        command = yield lambda: request(session, data)
        if command is None:  # done with the change itself
            self._tell(instance, step, SUCCEEDED, None)
            yield from self._succeeded(session, instance, data, step)
            return
        instance.deadline = self._deadline(step, instance.attempts)
        self._tell(instance, step, REQUESTED, None)
        headers = command_headers(instance)
        yield lambda: self._outbox.publish(session, command, headers=headers)

    def _deadline(self, step: Step[S, D], attempts: int) -> datetime | None:
        """Later with every attempt, so that a participant that is away isn't flooded."""
        if step.timeout is None:
            return None
        wait = step.timeout * (1 << min(attempts - 1, 30))
        return self._clock() + max(step.timeout, min(wait, _LONGEST_WAIT))

    def _end(self, instance: Instance, status: Status) -> None:
        instance.status, instance.step, instance.deadline = status, None, None
        log.info("a saga has ended", saga=instance.saga, id=instance.id, status=status.value, reason=instance.reason)

    def _stop(self, instance: Instance, reason: str | None) -> None:
        instance.status, instance.deadline = Status.FAILED, None
        log.error(
            "a step could not be undone: see to it, then call retry", saga=instance.saga, id=instance.id,
            step=instance.step, reason=reason,
        )  # fmt: skip

    def _load(self, session: S, saga_id: str) -> Flow[Instance]:
        instance: Instance | None = yield lambda: self._store.load(session, self._saga.name, saga_id)
        if instance is None:
            raise UnknownSagaError(self._saga.name, saga_id)
        return instance

    def _save(self, session: S, instance: Instance, data: D) -> Flow[None]:
        instance.data = self._saga.dump(data)
        instance.updated_at = self._clock()
        yield lambda: self._store.save(session, instance)

    def _tell(self, instance: Instance, step: Step[S, D], outcome: str, reason: str | None) -> None:
        instance.history.append(Entry(self._clock(), step.name, instance.phase, outcome, reason))


def _awaits(instance: Instance, reply: Reply) -> bool:
    awaited = (instance.step, instance.phase, instance.retries)
    return instance.status.is_under_way and awaited == (reply.step, reply.phase, reply.retries)


def now() -> datetime:
    """The time in UTC, in milliseconds, which every database keeps."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
