"""Keeps one task going: starts its process, starts it again when it dies, and stops it."""

from __future__ import annotations

import asyncio
import contextlib
import time
import traceback
from collections.abc import Callable

import structlog

from headwater.store import State
from headwater.worker.fork_server import ForkServer, ProcessStartError
from headwater.worker.orders import Order
from headwater.worker.process import TaskProcess
from headwater.worker.task import TaskSpec
from headwater.worker.task_record import TaskRecord

log = structlog.get_logger(__name__)

FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 60.0
STEADY_SECONDS = 60.0
"""A task that ran this long ran well: what happens next counts as its first failure."""

OnState = Callable[[State, str | None], None]


class Backoff:
    """How long to wait before a task is started again: doubled with each death in a row."""

    def __init__(self) -> None:
        self._deaths = 0

    def delay(self, ran_seconds: float) -> float:
        """Seconds to wait after a process that was RUNNING for ``ran_seconds`` died."""
        self._deaths = 1 if ran_seconds >= STEADY_SECONDS else self._deaths + 1
        return min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(self._deaths - 1, 30))


class Supervisor:
    """One task's supervisor; used from the event loop.

    ``make_spec`` begins a new epoch for each process. ``on_state`` is told every state and its trace; what else there
    is to tell goes into ``record``.
    """

    def __init__(
        self,
        fork_server: ForkServer,
        make_spec: Callable[[], TaskSpec],
        on_state: OnState,
        record: TaskRecord,
        graceful_seconds: float,
    ) -> None:
        self._fork_server = fork_server
        self._make_spec = make_spec
        self._on_state = on_state
        self._record = record
        self._graceful_seconds = graceful_seconds
        self._backoff = Backoff()
        self._running_since: float | None = None
        self._process: TaskProcess | None = None
        self._orders: list[Order] = []
        """Given while the process was being started: its `TaskSpec` was made before."""
        self._stopping = asyncio.Event()
        self._supervision = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        """End the task, within the time a stop may take."""
        self._stopping.set()
        if self._process is not None:
            await self._stop_process(self._process)
        await self._supervision

    def send(self, order: Order) -> None:
        """Tell the task's process; one that is started later is expected to know from its `TaskSpec`."""
        if self._process is not None:
            self._process.send(order)
        else:
            self._orders.append(order)

    async def _supervise(self) -> None:
        try:
            await self._keep_running()
        except Exception as error:
            log.exception("a task can't be supervised")
            self._on_state(State.FAILED, f"{error}\n\n{traceback.format_exc()}")

    async def _keep_running(self) -> None:
        while not self._stopping.is_set():
            try:
                process = await self._start()
            except ProcessStartError as error:
                await self._wait_before_restart(str(error))
                continue
            if self._stopping.is_set():
                await self._stop_process(process)
            failure = await process.ended
            self._process = None
            self._record.end_process()
            if self._stopping.is_set():
                return
            if failure is not None:
                self._on_state(State.FAILED, failure)
                return
            self._record.add_death()
            await self._wait_before_restart(process.exit_text)

    async def _start(self) -> TaskProcess:
        self._running_since = None
        self._orders.clear()
        self._record.expect_process()
        self._process = await TaskProcess.start(
            self._fork_server, self._make_spec(), self._running, self._waiting, self._record.add_report
        )
        self._record.begin_process(self._process.pid)
        for order in self._orders:
            self._process.send(order)
        return self._process

    def _running(self) -> None:
        self._running_since = time.monotonic()
        self._on_state(State.RUNNING, None)

    def _waiting(self, reason: str) -> None:
        self._on_state(State.RESTARTING, reason)

    async def _wait_before_restart(self, reason: str) -> None:
        ran_seconds = 0.0 if self._running_since is None else time.monotonic() - self._running_since
        delay = self._backoff.delay(ran_seconds)
        self._on_state(State.RESTARTING, f"{reason}; it is started again in {delay:g} s")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), delay)

    async def _stop_process(self, process: TaskProcess) -> None:
        if not await process.stop(self._graceful_seconds):
            log.warning("the task did not end in time and was killed", process=process.pid)
