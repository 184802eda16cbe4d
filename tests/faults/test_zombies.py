"""A task that outlives its worker, or its worker's idea of it, does no harm, whatever its source."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable

import pytest

from tests.faults import processes
from tests.faults.scene import AHEAD, Scene
from tests.faults.verdict import Verdict
from tests.worker_process import wait_until

pytestmark = pytest.mark.parametrize("database", ["mysql-MINIMAL"], indirect=True)


def test_a_starting_worker_waits_for_a_task_that_survived_another(
    scene: Scene, report: Callable[[int, Verdict], None]
) -> None:
    scene.create_connector()
    survivor = scene.wait_running()
    scene.wait_delivered(AHEAD)
    processes.kill(survivor, signal.SIGSTOP)
    scene.end_worker(processes.kill)

    scene.worker.launch()
    wait_until("the next worker's fork server", lambda: processes.fork_server(scene.worker_pid))
    assert processes.alive(survivor)
    assert processes.task(scene.worker_pid) is None
    processes.kill(survivor, signal.SIGCONT)

    wait_until("the end of the task whose worker is gone", lambda: not processes.alive(survivor))
    scene.wait_running()
    scene.wait_delivered(AHEAD)
    verdict = scene.finish()
    report(1, verdict)
    verdict.assert_complete()


def test_a_task_that_was_taken_for_dead_stores_no_offset(scene: Scene, report: Callable[[int, Verdict], None]) -> None:
    """Without the process that tells it of its tasks, a worker takes them for dead."""
    scene.create_connector()
    zombie = scene.wait_running()
    scene.wait_delivered(AHEAD)
    processes.kill(zombie, signal.SIGSTOP)
    processes.kill(processes.fork_server(scene.worker_pid))
    successor = scene.wait_running(not_task=zombie)
    scene.wait_delivered(AHEAD)

    processes.kill(successor, signal.SIGSTOP)
    stored = _offset(scene)
    assert processes.alive(zombie)
    processes.kill(zombie, signal.SIGCONT)
    wait_until("the end of the zombie", lambda: not processes.alive(zombie))
    assert _offset(scene) == stored
    processes.kill(successor, signal.SIGCONT)

    scene.wait_delivered(AHEAD)
    verdict = scene.finish()
    report(1, verdict)
    verdict.assert_complete()


def _offset(scene: Scene) -> str:
    """The stored offset."""
    with sqlite3.connect(scene.worker.state_file) as database:
        ((offset,),) = database.execute('SELECT "offset" FROM offsets')
    database.close()
    return str(offset)
