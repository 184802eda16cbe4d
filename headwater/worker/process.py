"""Starts and watches one task's process from the worker's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

from headwater.plugins import plugin_modules
from headwater.report import Report
from headwater.worker.orders import Order, Stop
from headwater.worker.task import Failed, Running, TaskSpec, run_task

_context = multiprocessing.get_context("forkserver")


def start_fork_server() -> None:
    """Start the process that tasks are forked from, with all they need imported; returns before it is ready."""
    _context.set_forkserver_preload([run_task.__module__, "headwater.sinks.kafka", *plugin_modules()])
    forkserver.ensure_running()


class ProcessStartError(Exception):
    """There is no room for another process, or the fork server has just died (it comes back): worth another try."""


class TaskProcess:
    """One run of a task. Made by `start`.

    ``pid``        the operating system's number for the process
    ``ended``      the trace of what the task failed of; None where it ended without saying why
    ``exit_text``  how the process ended, for people; empty while it runs
    """

    def __init__(
        self,
        process: ForkServerProcess,
        pipe: Connection,
        on_running: Callable[[], None],
        on_report: Callable[[Report], None],
    ) -> None:
        self._process = process
        self._pipe = pipe
        self._on_running = on_running
        self._on_report = on_report
        self._loop = asyncio.get_running_loop()
        self._failure: str | None = None
        self.pid = process.pid
        self.ended: asyncio.Future[str | None] = self._loop.create_future()
        self.exit_text = ""
        self._loop.add_reader(pipe.fileno(), self._read)
        self._loop.add_reader(process.sentinel, self._end)

    @classmethod
    async def start(
        cls, spec: TaskSpec, on_running: Callable[[], None], on_report: Callable[[Report], None]
    ) -> TaskProcess:
        """Start the process; ``on_running`` is called when its task is RUNNING, ``on_report`` with how it stands.

        Raises `ProcessStartError`.
        """
        ours, theirs = _context.Pipe()
        process = _context.Process(
            target=run_task, args=(spec, theirs), name=f"{spec.connector}-{spec.task}", daemon=True
        )
        try:
            # Not on the event loop: the first start waits until the fork server has imported everything.
            await asyncio.to_thread(process.start)
        except (OSError, EOFError) as error:
            ours.close()
            raise ProcessStartError(f"The task's process could not be started: {error}") from error
        finally:
            theirs.close()
        return cls(process, ours, on_running, on_report)

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
            case Failed(trace):
                self._failure = trace
            case Report():
                self._on_report(message)

    def _end(self) -> None:
        """The process is gone; its last words may still be in the pipe."""
        self._loop.remove_reader(self._process.sentinel)
        self._process.join()
        self.exit_text = _exit_text(self._process.exitcode)
        self._process.close()
        with contextlib.suppress(EOFError, OSError):
            while self._pipe.poll():
                self._take(self._pipe.recv())
        self._loop.remove_reader(self._pipe.fileno())
        self._pipe.close()
        self.ended.set_result(self._failure)


_UNKNOWN_EXIT_CODE = 255
"""What `multiprocessing` gives when the fork server, which alone could tell, is gone."""


def _exit_text(code: int | None) -> str:
    if code == _UNKNOWN_EXIT_CODE:
        return "The process that tasks are forked from died, and the task with it"
    if code is not None and code < 0:
        return f"The task's process was killed by {signal.Signals(-code).name}"
    return f"The task's process ended with exit status {code}"
