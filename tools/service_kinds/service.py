"""What a service is: software, data, one daemon and one address, all under one private folder."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

HOST = "127.0.0.1"
START_DEADLINE = 120.0
"""Seconds a server may take from its start to its first good answer."""
STOP_DEADLINE = 60.0
"""Seconds a server may take to end after SIGTERM."""
POLL_INTERVAL = 0.05


class ServiceError(Exception):
    """Something a person has to act on; the message says what to do and where the log is."""


@dataclass(frozen=True)
class Process:
    """A daemon that was started here, as kept in the service's folder."""

    pid: int
    started: str
    """Start time in clock ticks since boot (proc(5), stat field 22): tells a process from its pid's next owner."""
    port: int

    def alive(self) -> bool:
        return start_time(self.pid) == self.started


class Service(ABC):
    """One server. Subclasses say how to install, initialise, run, ask and address it.

    `software` and `data` come into being by a rename, so that one that exists is whole.
    """

    name: ClassVar[str]
    default_port: ClassVar[int]

    def __init__(self, root: Path) -> None:
        """`root` is the folder that all services share; nothing is created until `up`."""
        self.folder = root / self.name
        self.software = self.folder / "software"
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"
        self.install_log = self.folder / "install.log"
        self._process_file = self.folder / "process.json"
        process = self.running()
        self.port = process.port if process else self._wanted_port()

    @abstractmethod
    def install(self, target: Path) -> None:
        """Puts the server's software into the empty folder `target`; raises ServiceError."""

    @abstractmethod
    def initialise(self, data: Path) -> None:
        """Fills the empty folder `data` with what a first start needs; raises ServiceError."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command line that runs the server in the foreground on `self.port`."""

    @abstractmethod
    def ready(self, connection: socket.socket) -> bool:
        """Whether the server, asked over a fresh TCP connection, answers as one that can be used."""

    @abstractmethod
    def address(self) -> str:
        """The value of the service's environment variable."""

    def ports(self) -> list[int]:
        """Every TCP port that the server listens on."""
        return [self.port]

    def installed(self) -> bool:
        """Whether `software` is what `install` would put there now."""
        return self.software.is_dir()

    def up(self) -> None:
        """Installs, initialises and starts what is missing; returns when the server answers."""
        with self._locked():
            process = self.running()
            if not process:
                if not self.installed():
                    self._install()
                if not self.data.is_dir():
                    self._initialise()
                process = self._start()
            self._wait_until_ready(process)

    def down(self) -> None:
        """Stops the server if it runs; returns when the process has ended."""
        with self._locked():
            self._stop()

    def wipe(self) -> None:
        """Stops the server and deletes its data and logs; the software stays installed."""
        with self._locked():
            self._stop()
            shutil.rmtree(self.data, ignore_errors=True)
            self.log.unlink(missing_ok=True)
            self.say("data deleted")

    def running(self) -> Process | None:
        """The daemon, if it was started here and lives."""
        try:
            process = Process(**json.loads(self._process_file.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return process if process.alive() else None

    def say(self, message: str) -> None:
        """Progress goes to standard error: standard output is for what other programs read."""
        print(f"{self.name}: {message}", file=sys.stderr, flush=True)

    def run(self, command: list[str], log: Path, purpose: str, env: dict[str, str] | None = None) -> None:
        """Runs an installation step with its output in `log`; raises ServiceError with the log's end."""
        with log.open("ab") as output:
            output.write(f"$ {' '.join(command)}\n".encode())
            output.flush()
            status = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=env, check=False
            ).returncode
        if status:
            raise self.error(f"{purpose} failed with status {status}", log)

    def error(self, message: str, log: Path) -> ServiceError:
        lines = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
        tail = "".join(f"\n    {line}" for line in lines)
        return ServiceError(f"{self.name}: {message}. The log is {log}, its last lines:{tail}")

    def _wanted_port(self) -> int:
        variable = f"HEADWATER_SERVICES_{self.name.upper().replace('-', '_')}_PORT"
        text = os.environ.get(variable) or str(self.default_port)
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 65535):
            raise ServiceError(f"{variable}={text} is no port number: give one from 1 to 65534")
        return int(text)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One run of this tool at a time for each service; another one waits its turn."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.say("waiting for another run of tools/services")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _install(self) -> None:
        began = time.monotonic()
        with fresh_folder(self.software) as target:
            self.install(target)
        self.say(f"installed in {time.monotonic() - began:.0f} s")

    def _initialise(self) -> None:
        began = time.monotonic()
        with fresh_folder(self.data) as target:
            self.initialise(target)
        self.say(f"data folder made in {time.monotonic() - began:.1f} s")

    def _start(self) -> Process:
        self.port = self._wanted_port()
        for port in self.ports():
            if not port_is_free(port):
                variable = f"HEADWATER_SERVICES_{self.name.upper().replace('-', '_')}_PORT"
                raise ServiceError(
                    f"{self.name}: port {port} on {HOST} is taken by another program; "
                    f"stop that one, or choose a port with {variable}"
                )
        with self.log.open("ab") as log:
            # A session of its own: the daemon must outlive this shell and its Ctrl-C.
            child = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.data, start_new_session=True
            )
        process = Process(child.pid, start_time(child.pid) or "", self.port)
        self._process_file.write_text(json.dumps(asdict(process)))
        return process

    def _wait_until_ready(self, process: Process) -> None:
        began = time.monotonic()
        while not self._answers():
            if not process.alive():
                raise self.error("the server ended before it was ready", self.log)
            if time.monotonic() - began > START_DEADLINE:
                raise self.error(f"the server gave no good answer within {START_DEADLINE:.0f} s", self.log)
            time.sleep(POLL_INTERVAL)
        self.say(f"up on {HOST}:{process.port} ({time.monotonic() - began:.1f} s)")

    def _answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=2) as connection:
                return self.ready(connection)
        except OSError:
            return False

    def _stop(self) -> None:
        process = self.running()
        if process:
            os.kill(process.pid, signal.SIGTERM)
            began = time.monotonic()
            while process.alive():
                if time.monotonic() - began > STOP_DEADLINE:
                    raise self.error(f"process {process.pid} does not end; try kill -9 {process.pid}", self.log)
                time.sleep(POLL_INTERVAL)
            self.say(f"stopped in {time.monotonic() - began:.1f} s")
        else:
            self.say("is down")
        self._process_file.unlink(missing_ok=True)


@contextlib.contextmanager
def fresh_folder(final: Path) -> Iterator[Path]:
    """An empty folder beside `final` that replaces it when the block ends without an error."""
    partial = final.with_name(f"{final.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    yield partial
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def receive_exactly(connection: socket.socket, count: int) -> bytes:
    """Reads `count` bytes; raises ConnectionError if the peer ends before."""
    received = bytearray()
    while len(received) < count:
        chunk = connection.recv(count - len(received))
        if not chunk:
            raise ConnectionError(f"the connection ended after {len(received)} of {count} bytes")
        received += chunk
    return bytes(received)


def start_time(pid: int) -> str | None:
    """When a process started (proc(5), stat field 22); None if there is none or it waits to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # Field 2, the command's name, may hold anything; the rest follows the last parenthesis.
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else rest[18]
