"""A process that outlives the command that started it, found again by its pid and start time."""

import json
import os
import signal
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Daemon:
    """Listens on `port`; `started` tells it from a later process that was given the same pid."""

    pid: int
    started: str
    port: int

    @classmethod
    def start(cls, command: list[str], *, port: int, folder: Path, log: Path) -> Self:
        """Starts `command` in `folder`, its output appended to `log`."""
        with log.open("ab") as output:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                start_new_session=True,  # so that neither Ctrl-C nor the end of the shell reaches it
            )
        return cls(child.pid, start_time(child.pid) or "", port)

    @classmethod
    def load(cls, file: Path) -> Self | None:
        """The daemon that `save` wrote, if it is still alive."""
        try:
            daemon = cls(**json.loads(file.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return daemon if daemon.alive() else None

    def save(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self)))

    def alive(self) -> bool:
        return start_time(self.pid) == self.started

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


def start_time(pid: int) -> str | None:
    """When a process started, in clock ticks since boot (proc(5), stat field 22); None once it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # Field 2, the command's name, may hold anything; the rest follows the last parenthesis.
    state, *fields_from_4 = stat.rpartition(")")[2].split()
    return None if state in "ZX" else fields_from_4[18]
