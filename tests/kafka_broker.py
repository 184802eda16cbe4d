"""A Kafka broker of a test's own, which can crash: another instance of the one that `tools/services` starts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.ports import free_port

TOOL = Path(__file__).parents[1] / "tools" / "services"


class KafkaBroker:
    """A cluster of one broker for a ``with`` block; its data is in ``folder``."""

    def __init__(self, folder: Path) -> None:
        port = free_port(2)  # the next one is the controller's
        self.address = f"127.0.0.1:{port}"
        shared = {name: text for name, text in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}
        self._environment = {
            **shared,
            "HEADWATER_SERVICES_DATA": str(folder),
            "HEADWATER_SERVICES_KAFKA_PORT": str(port),
        }

    def crash(self) -> None:
        """Kill the broker, and start it again; comes back when it answers."""
        self._services("kill")
        self._services("up")

    def __enter__(self) -> Self:
        self._services("up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._services("down")

    def _services(self, command: str) -> None:
        done = subprocess.run(
            [str(TOOL), command, "kafka"], env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
