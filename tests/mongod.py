"""MongoDB servers of a test's own, run from the program of the one that all tests share."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pymongo import MongoClient

DEADLINE_SECONDS = 60.0


class Mongod:
    """A server without authentication, on a free port, for a ``with`` block; ``options`` are its command line's.

    With a ``replica_set`` it becomes the only member of one. ``program`` is the path of ``mongod``.
    """

    def __init__(self, program: str, folder: Path, *options: str, replica_set: str | None = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._log = folder / "mongod.log"
        self._set = replica_set
        data = folder / "data"
        data.mkdir()
        self._command = [
            program,
            *(f"--dbpath={data}", f"--port={self.port}", "--bind_ip=127.0.0.1", "--nounixsocket"),
            *("--wiredTigerCacheSizeGB=0.25", "--setParameter=shutdownTimeoutMillisForSignaledShutdown=0"),
            *(() if replica_set is None else (f"--replSet={replica_set}",)),
            *options,
        ]

    @property
    def url(self) -> str:
        """A connection string."""
        return f"mongodb://127.0.0.1:{self.port}/" + ("" if self._set is None else f"?replicaSet={self._set}")

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        direct: MongoClient[dict[str, Any]]
        with MongoClient("127.0.0.1", self.port, directConnection=True) as direct:
            if self._set is not None:
                members = [{"_id": 0, "host": f"127.0.0.1:{self.port}"}]
                direct.admin.command("replSetInitiate", {"_id": self._set, "members": members})
            end = time.monotonic() + DEADLINE_SECONDS
            while not direct.admin.command("hello")["isWritablePrimary"]:
                assert time.monotonic() < end, self._log.read_text()[-2000:]
                time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
