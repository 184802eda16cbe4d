"""The process that tasks are forked from: it has imported what they need, and shares that memory with them.

It is itself forked from the worker, before the worker has threads, an event loop or open files, so that the memory is
shared by all of them, and no task waits for an interpreter to start. Should it die, its successor is started from
nothing: a process with threads can't be forked safely.

Why not `multiprocessing`'s: that one runs two interpreters of its own (one to fork from, one to track semaphores that
nobody has), which share nothing with the worker.

Worker and fork server talk in packets of `_PACKET`; the one that starts a task carries the task's end of its pipe, and
the name of its connector's module: the fork server imports it before the first task that needs it. A database's client
library takes some 10 MB and a fifth of a second, so that only those in use are imported, and once; all of them where
none is in use yet, for the worker would import the first one apart to check its configuration.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NoReturn

from headwater.plugins import common_modules
from headwater.worker.task import run_task

_PACKET = struct.Struct("<iii")
"""Which `_Word`, the number that the worker gave the task's process, and what the word says of it."""

_LONGEST_NAME = 256
"""Bytes of a module's name in a packet."""

_PROCESS_NAME = "headwater-forks"
_TASK_NAME = "headwater-task"
"""What ``ps`` and ``top`` show; the kernel takes 15 characters."""


class _Word(IntEnum):
    START = 1
    KILL = 2
    STARTED = 3
    """with the operating system's number of the process"""
    REFUSED = 4
    """with the ``errno``"""
    ENDED = 5
    """with the exit status, or the negative number of the signal"""


class ProcessStartError(Exception):
    """There is no room for another process, or the fork server has just died (it comes back): worth another try."""


class ForkedProcess:
    """A task's process, seen from the worker. ``ended`` gives its exit status; None where nobody knows it."""

    def __init__(self, pid: int, kill: Callable[[], None]) -> None:
        self.pid = pid
        self.kill = kill
        self.ended: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()


class ForkServer:
    """The worker's side. Made before anything is opened or started; then used from one event loop.

    ``connectors`` are modules that tasks will need, which worker, fork server and tasks then share.
    """

    def __init__(self, connectors: Iterable[str] = ()) -> None:
        _preload(*_COMMON, *connectors)
        self._channel, theirs = _socket_pair()
        self._pid = os.fork()
        if self._pid == 0:
            self._channel.close()
            _serve(theirs)
        theirs.close()
        self._is_listening = False
        self._number = 0
        self._starting: dict[int, asyncio.Future[ForkedProcess]] = {}
        self._running: dict[int, ForkedProcess] = {}

    async def start(self, pipe: Connection, connector: str) -> ForkedProcess:
        """Fork a process for the task that will be told of through ``pipe``, and needs the module ``connector``.

        Raises `ProcessStartError`.
        """
        self._listen()
        self._number += 1
        started: asyncio.Future[ForkedProcess] = asyncio.get_running_loop().create_future()
        self._starting[self._number] = started
        order = _PACKET.pack(_Word.START, self._number, 0) + connector.encode()
        try:
            socket.send_fds(self._channel, [order], [pipe.fileno()])
            return await started
        except OSError as error:
            raise ProcessStartError(f"The task's process could not be started: {error}") from error

    def close(self) -> None:
        """End the fork server; the tasks end by themselves."""
        self._channel.close()
        if self._pid:
            os.waitpid(self._pid, 0)

    def _listen(self) -> None:
        """Hear what the fork server says; where the last one died, that is a new one."""
        if not self._pid:
            self._channel, theirs = _socket_pair()
            self._pid = _start_from_nothing(theirs)
            theirs.close()
        if not self._is_listening:
            asyncio.get_running_loop().add_reader(self._channel.fileno(), self._read)
            self._is_listening = True

    def _read(self) -> None:
        try:
            packet = self._channel.recv(_PACKET.size)
        except OSError:
            packet = b""
        if not packet:
            self._lose()
            return
        word, number, value = _PACKET.unpack(packet)
        match word:
            case _Word.STARTED:
                process = ForkedProcess(value, partial(self._kill, number))
                self._running[number] = process
                self._starting.pop(number).set_result(process)
            case _Word.REFUSED:
                self._starting.pop(number).set_exception(OSError(value, os.strerror(value)))
            case _Word.ENDED:
                self._running.pop(number).ended.set_result(value)

    def _kill(self, number: int) -> None:
        with contextlib.suppress(OSError):
            self._channel.send(_PACKET.pack(_Word.KILL, number, 0))

    def _lose(self) -> None:
        """The fork server is gone, and what became of the tasks nobody can tell."""
        asyncio.get_running_loop().remove_reader(self._channel.fileno())
        self._channel.close()
        os.waitpid(self._pid, 0)
        self._pid, self._is_listening = 0, False
        starting, self._starting = self._starting, {}
        running, self._running = self._running, {}
        for started in starting.values():
            started.set_exception(ConnectionResetError("the process that tasks are forked from died"))
        for process in running.values():
            process.ended.set_result(None)


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


_COMMON = ("headwater.sinks.kafka", *common_modules())


def _preload(*modules: str) -> None:
    """Import what tasks need, and have the garbage collector leave it alone: what it marks is no longer shared."""
    for module in modules:
        with contextlib.suppress(ImportError):  # an extra that is not installed is named when it is asked for
            importlib.import_module(module)
    gc.collect()
    gc.freeze()


def _start_from_nothing(channel: socket.socket) -> int:
    """A fork server that is not forked from here; gives its process."""
    program = (
        f"import sys; sys.path[:] = {sys.path!r}; from headwater.worker.fork_server import main; "
        f"main({channel.fileno()})"
    )
    channel.set_inheritable(True)
    return os.posix_spawn(sys.executable, [sys.executable, "-P", "-c", program], os.environ)


def main(descriptor: int) -> NoReturn:
    """A fork server's main function; ``descriptor`` is its end of the socket pair."""
    channel = socket.socket(fileno=descriptor)
    channel.set_inheritable(False)
    _preload(*_COMMON)
    _serve(channel)


def _serve(channel: socket.socket) -> NoReturn:
    status = 1
    try:
        _Server(channel).run()
        status = 0
    except ConnectionError:  # the worker is gone, and has not heard all that it was told
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        _end_process(status)


def _end_process(status: int) -> NoReturn:
    """Without what an interpreter does at its end: all of that is the worker's, and touches all memory."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


class _Server:
    """The fork server's side: starts what it is asked for, and tells how that ended, until the worker is gone."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._numbers: dict[int, int] = {}
        """By the process's number."""
        self._wakeup = os.pipe()
        for descriptor in self._wakeup:
            os.set_blocking(descriptor, False)

    def run(self) -> None:
        """Until the worker is gone."""
        # Signals that a terminal or a service manager sends to every process: the worker decides what they mean.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        name_process(_PROCESS_NAME)
        while True:
            ready, _, _ = select.select([self._channel.fileno(), self._wakeup[0]], [], [])
            if self._wakeup[0] in ready:
                os.read(self._wakeup[0], 4096)
                self._reap()
            if self._channel.fileno() in ready and not self._obey():
                return

    def _obey(self) -> bool:
        """Carry out one order; False at the worker's end."""
        packet, descriptors, _, _ = socket.recv_fds(self._channel, _PACKET.size + _LONGEST_NAME, 1)
        if not packet:
            return False
        word, number, _ = _PACKET.unpack_from(packet)
        if word == _Word.START:
            self._start(number, descriptors[0], packet[_PACKET.size :].decode())
        else:
            for process, known in self._numbers.items():
                if known == number:
                    os.kill(process, signal.SIGKILL)
        return True

    def _start(self, number: int, descriptor: int, connector: str) -> None:
        if connector and connector not in sys.modules:
            _preload(connector)
        try:
            process = os.fork()
        except OSError as error:
            self._tell(_Word.REFUSED, number, error.errno or 0)
        else:
            if process == 0:
                self._become_task(descriptor)
            self._numbers[process] = number
            self._tell(_Word.STARTED, number, process)
        os.close(descriptor)

    def _become_task(self, descriptor: int) -> NoReturn:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for mine in self._wakeup:
                os.close(mine)
            self._channel.close()
            name_process(_TASK_NAME)
            status = run_task(Connection(descriptor))
        except BaseException:
            traceback.print_exc()
        finally:
            _end_process(status)

    def _reap(self) -> None:
        while self._numbers:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            self._tell(_Word.ENDED, self._numbers.pop(process), os.waitstatus_to_exitcode(status))

    def _tell(self, word: _Word, number: int, value: int) -> None:
        self._channel.send(_PACKET.pack(word, number, value))


def name_process(name: str) -> None:
    """Give this process a name, at most 15 characters, for ``ps`` and ``top``; without it it has its parent's."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name)
