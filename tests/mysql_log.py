"""A MySQL server's binary log, as tests change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.worker_process import wait_until


def purge_log(run: Callable[[str], Sequence[Sequence[Any]]]) -> None:
    """Have the server forget all that it has logged so far; ``run`` executes a statement and gives its rows.

    The server keeps files that a reader which has just left was reading, until it notices.
    """

    def purged() -> bool:
        *_, last = run("SHOW BINARY LOGS")
        run(f"PURGE BINARY LOGS TO '{last[0]}'")
        return len(run("SHOW BINARY LOGS")) == 1

    run("FLUSH BINARY LOGS")
    wait_until("the purge", purged)
