"""What an installation is: software from a public registry, under one private folder."""

import contextlib
import fcntl
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

LOG_LINES_SHOWN = 15


class ServiceError(Exception):
    """Something a person has to act on; the message says what to do and where the log is."""


class Installation(ABC):
    """Software of one kind in its folder; a `software` folder that exists is whole."""

    name: ClassVar[str]

    def __init__(self, root: Path) -> None:
        """`root` is the folder that all installations share; it is not touched yet."""
        self.folder = root / self.name
        self.software = self.folder / "software"
        self.install_log = self.folder / "install.log"

    @abstractmethod
    def install(self, target: Path) -> None:
        """Puts the software into the empty folder `target`, which is then moved; raises ServiceError."""

    def installed(self) -> bool:
        """Whether `software` is what `install` would put there now."""
        return self.software.is_dir()

    def ensure_installed(self) -> None:
        """Installs the software unless it is there; raises ServiceError."""
        if self.installed():
            return
        began = time.monotonic()
        self.install_log.unlink(missing_ok=True)
        with fresh_folder(self.software) as target:
            self.install(target)
        self.say(f"installed in {time.monotonic() - began:.0f} s")

    def say(self, message: str) -> None:
        """Shows progress, on standard error."""
        print(f"{self.name}: {message}", file=sys.stderr, flush=True)

    def run(self, purpose: str, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Runs one step of an installation, its output in the log; raises ServiceError if it fails."""
        with self.install_log.open("ab") as log:
            log.write(f"$ {' '.join(command)}\n".encode())
            log.flush()
            began_at = log.tell()
            status = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, check=False
            ).returncode
        if status:
            raise self.error(f"{purpose} failed with status {status}", self.install_log, began_at)

    def error(self, message: str, log: Path, began_at: int = 0) -> ServiceError:
        """An error that shows where the log is and how it ends, as far as it was written after `began_at`."""
        lines = log.read_bytes()[began_at:].decode(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        return ServiceError(
            f"{self.name}: {message}. Its log is {log} and ends:" + "".join(f"\n    {line}" for line in lines)
        )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One run of this tool at a time for each installation; another one waits its turn."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.say("waiting for another run of tools/services")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextlib.contextmanager
def fresh_folder(final: Path) -> Iterator[Path]:
    """An empty folder beside `final` that takes its place when the block ends without an error."""
    partial = final.with_name(f"{final.name}.partial")
    delete_folder(partial)
    partial.mkdir(parents=True)
    yield partial
    delete_folder(final)
    partial.rename(final)


def delete_folder(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
