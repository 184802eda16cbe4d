"""What a service is: an installation with data, a daemon and an address."""

import os
import socket
import time
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from service_kinds.daemon import Daemon
from service_kinds.installation import Installation, ServiceError, delete_folder, fresh_folder

HOST = "127.0.0.1"
START_DEADLINE = 120.0
"""Seconds a server may take from its start to its first good answer."""
STOP_DEADLINE = 60.0
"""Seconds a server may take to end after SIGTERM."""
ANSWER_TIMEOUT = 2.0
POLL_INTERVAL = 0.05


class Service(Installation):
    """One server. A kind of server says how to install, initialise, run, ask and address it.

    A `data` folder that exists is one that `initialise` has completed.
    """

    default_port: ClassVar[int]

    def __init__(self, root: Path, data_root: Path) -> None:
        """`data_root` is for what belongs to one instance of the server: data, log and daemon; it may be `root`."""
        super().__init__(root)
        self.home = data_root / self.name
        self.data = self.home / "data"
        self.log = self.home / "server.log"
        self._daemon_file = self.home / "daemon.json"

    @abstractmethod
    def initialise(self, data: Path) -> None:
        """Fills the empty folder `data`, which is then moved, for a first start; raises ServiceError."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command line that runs the server in the foreground on `port`."""

    @abstractmethod
    def ready(self, connection: socket.socket) -> bool:
        """Whether the server, asked over a fresh TCP connection, can be used; OSError counts as no."""

    @abstractmethod
    def address(self) -> str:
        """The value of the service's environment variable."""

    def ports(self) -> list[int]:
        """Every TCP port that the server listens on."""
        return [self.port]

    @property
    def port(self) -> int:
        """The port that the server listens on, or will; raises ServiceError if it is set to nonsense."""
        daemon = self.running()
        if daemon:
            return daemon.port
        text = os.environ.get(self._port_variable) or str(self.default_port)
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 65535):
            raise ServiceError(f"{self._port_variable}={text} is no port number: give one from 1 to 65534")
        return int(text)

    def running(self) -> Daemon | None:
        """The server's process, if it was started here and lives."""
        return Daemon.load(self._daemon_file)

    def up(self) -> None:
        """Installs, initialises and starts what is missing; returns when the server answers."""
        with self.locked():
            daemon = self.running()
            if not daemon:
                self._require_free_ports()
                self.ensure_installed()
                self._ensure_initialised()
                daemon = self._start()
            self._wait_until_ready(daemon)

    def down(self) -> None:
        """Stops the server if it runs; returns when its process has ended."""
        if self.folder.exists():
            with self.locked():
                self._stop(Daemon.terminate)

    def kill(self) -> None:
        """Ends the server as a crash does; returns when its process has ended."""
        if self.folder.exists():
            with self.locked():
                self._stop(Daemon.kill)

    def wipe(self) -> None:
        """Stops the server and deletes data and log; the software stays."""
        if self.folder.exists():
            with self.locked():
                self._stop(Daemon.terminate)
                delete_folder(self.data)
                self.log.unlink(missing_ok=True)
                self.say("data deleted")

    @property
    def _port_variable(self) -> str:
        return f"HEADWATER_SERVICES_{self.name.upper().replace('-', '_')}_PORT"

    def _ensure_initialised(self) -> None:
        if not self.data.is_dir():
            with fresh_folder(self.data) as target:
                self.initialise(target)

    def _require_free_ports(self) -> None:
        for port in self.ports():
            if not port_is_free(port):
                raise ServiceError(
                    f"{self.name}: port {port} on {HOST} is taken by another program; "
                    f"stop that one, or choose a port with {self._port_variable}"
                )

    def _start(self) -> Daemon:
        daemon = Daemon.start(self.command(), port=self.port, folder=self.data, log=self.log)
        daemon.save(self._daemon_file)
        return daemon

    def _wait_until_ready(self, daemon: Daemon) -> None:
        began = time.monotonic()
        while not self._answers(daemon.port):
            if not daemon.alive():
                raise self.error("the server ended before it could be used", self.log)
            if time.monotonic() - began > START_DEADLINE:
                raise self.error(f"the server gave no good answer within {START_DEADLINE:.0f} s", self.log)
            time.sleep(POLL_INTERVAL)
        self.say(f"up on {HOST}:{daemon.port} (waited {time.monotonic() - began:.1f} s)")

    def _answers(self, port: int) -> bool:
        try:
            with socket.create_connection((HOST, port), timeout=ANSWER_TIMEOUT) as connection:
                return self.ready(connection)
        except OSError:
            return False

    def _stop(self, end: Callable[[Daemon], None]) -> None:
        daemon = self.running()
        if not daemon:
            return
        end(daemon)
        began = time.monotonic()
        while daemon.alive():
            if time.monotonic() - began > STOP_DEADLINE:
                raise self.error(f"process {daemon.pid} does not end; try: kill -9 {daemon.pid}", self.log)
            time.sleep(POLL_INTERVAL)
        self.say(f"stopped in {time.monotonic() - began:.1f} s")


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
