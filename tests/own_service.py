"""A server of a test's own, which can crash: another instance of one that `tools/services` starts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.worker_process import wait_until
from tools.ports import free_port

TOOL = Path(__file__).parents[1] / "tools" / "services"


class OwnService:
    """The server that `tools/services` calls ``name``, for a ``with`` block; its data is in ``folder``.

    ``variable``  what tells of the one that all tests share: with it set, none would be started
    ``ports``     how many in a row it listens on
    """

    def __init__(self, name: str, folder: Path, *, variable: str, ports: int = 1) -> None:
        self.port = free_port(ports)
        self._name = name
        self._environment = {
            **{each: text for each, text in os.environ.items() if each != variable},
            "HEADWATER_SERVICES_DATA": str(folder),
            f"HEADWATER_SERVICES_{name.upper()}_PORT": str(self.port),
        }

    def crash(self) -> None:
        """Kill the server, and start it again; comes back when it answers.

        Processes that it had started may outlive it for a moment, in which no other can take its place.
        """
        self._require("kill")
        wait_until(f"{self._name} after its crash", lambda: self._run("up").returncode == 0)

    def __enter__(self) -> Self:
        self._require("up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._require("down")

    def _require(self, command: str) -> None:
        done = self._run(command)
        assert done.returncode == 0, done.stderr

    def _run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(TOOL), command, self._name], env=self._environment, capture_output=True, text=True, check=False
        )
