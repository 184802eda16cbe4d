"""Starts and watches one task's process from the worker's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe

from headwater.plugins import connector_module
from headwater.report import Report
from headwater.worker.fork_server import ForkedProcess, ForkServer
from headwater.worker.orders import Order, Stop
from headwater.worker.task import Failed, Running, TaskSpec, Waiting


class TaskProcess:
    """One run of a task. Made by `start`.

    ``pid``        the operating system's number for the process
    ``ended``      the trace of what the task failed of; None where it ended without saying why
    ``exit_text``  how the process ended, for people; empty while it runs
    """

    def __init__(
        self,
        process: ForkedProcess,
        pipe: Connection,
        on_running: Callable[[], None],
        on_waiting: Callable[[str], None],
        on_report: Callable[[Report], None],
    ) -> None:
        self._process = process
        self._pipe = pipe
        self._on_running = on_running
        self._on_waiting = on_waiting
        self._on_report = on_report
        self._loop = asyncio.get_running_loop()
        self._failure: str | None = None
        self.pid = process.pid
        self.ended: asyncio.Future[str | None] = self._loop.create_future()
        self.exit_text = ""
        self._loop.add_reader(pipe.fileno(), self._read)
        process.ended.add_done_callback(self._end)

    @classmethod
    async def start(
        cls,
        fork_server: ForkServer,
        spec: TaskSpec,
        on_running: Callable[[], None],
        on_waiting: Callable[[str], None],
        on_report: Callable[[Report], None],
    ) -> TaskProcess:
        """Start the process; ``on_running`` is called when its task is RUNNING, ``on_report`` with how it stands.

        ``on_waiting`` is told what keeps it from delivering, until it is RUNNING again.

        Raises `headwater.worker.fork_server.ProcessStartError`.
        """
        ours, theirs = Pipe()
        connector = connector_module(spec.connector_config.get("connector.class", "")) or ""
        try:
            process = cls(await fork_server.start(theirs, connector), ours, on_running, on_waiting, on_report)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        with contextlib.suppress(OSError):  # it may have died already
            # Not on the event loop: a long configuration has gone only when the task has begun to read it.
            await asyncio.to_thread(ours.send, spec)
        return process

    async def stop(self, seconds: float) -> bool:
        """Have the task deliver what is under way and end; kill it after ``seconds``: then False."""
        self.send(Stop())
        try:
            await asyncio.wait_for(asyncio.shield(self.ended), seconds)
        except TimeoutError:
            self._process.kill()
            await self.ended
            return False
        return True

    def send(self, order: Order) -> None:
        """Tell the task; one that ends by itself meanwhile doesn't hear it."""
        with contextlib.suppress(OSError):
            self._pipe.send(order)

    def _read(self) -> None:
        """Take what the task sent."""
        try:
            message = self._pipe.recv()
        except (EOFError, OSError):
            self._loop.remove_reader(self._pipe.fileno())
            return
        self._take(message)

    def _take(self, message: object) -> None:
        match message:
            case Running():
                self._on_running()
            case Waiting(reason):
                self._on_waiting(reason)
            case Failed(trace):
                self._failure = trace
            case Report():
                self._on_report(message)

    def _end(self, exit_status: asyncio.Future[int | None]) -> None:
        """The process is gone; its last words may still be in the pipe."""
        self.exit_text = _exit_text(exit_status.result())
        try:
            with contextlib.suppress(EOFError, OSError):
                while self._pipe.poll():
                    self._take(self._pipe.recv())
        finally:  # whoever waits for the end must not wait for ever
            self._loop.remove_reader(self._pipe.fileno())
            self._pipe.close()
            self.ended.set_result(self._failure)


def _exit_text(status: int | None) -> str:
    if status is None:
        return "The process that tasks are forked from died, and the task with it"
    if status < 0:
        return f"The task's process was killed by {signal.Signals(-status).name}"
    return f"The task's process ended with exit status {status}"
