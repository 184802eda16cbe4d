"""The worker and its processes are killed or stopped at any moment, under load: nothing is lost."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable

from tests.faults import processes
from tests.faults.conftest import Extent
from tests.faults.scene import Scene
from tests.faults.verdict import Verdict

START_SECONDS = 2.5
"""About what worker and task take to start: a moment in between hits any stage of it."""
DEATHS_IN_A_ROW = 2
"""So often is a task left to a living worker, which waits twice as long each time; then the worker is killed too."""


class Killer:
    """Kills processes of the scene's worker with SIGKILL; what should be running is started again."""

    def __init__(self, scene: Scene, dice: random.Random) -> None:
        self._scene = scene
        self._dice = dice
        self._deaths = 0
        self.last_task: int | None = None
        """The process of the task that was killed or has lost its worker."""

    def kill(self) -> None:
        """Kill the worker, the task, both, or the process that tasks are forked from."""
        worker = self._scene.worker_pid
        server, task = processes.fork_server(worker), processes.task(worker)
        victims = self._dice.choice(([worker], [task], [task, worker], [worker, task], [server]))
        if victims == [None] or self._deaths == DEATHS_IN_A_ROW:
            victims = [worker]
        for victim in victims:
            if victim == worker:
                self._scene.end_worker(processes.kill)
            elif victim is not None:
                processes.kill(victim)
        self.last_task = task or self.last_task
        self._deaths += 1
        if worker in victims:
            self._deaths = 0
            self._scene.worker.launch()


def test_killed_at_any_moment(
    scene: Scene, dice: random.Random, extent: Extent, report: Callable[[int, Verdict], None]
) -> None:
    """SIGKILL during the start, the snapshot and the stream; every committed change arrives, in order for its row."""
    killer = Killer(scene, dice)
    scene.create_connector()
    for number in range(extent.kills):
        if number == 1:
            scene.wait_snapshot(dice.randrange(extent.rows))
        elif number == 0 or dice.random() < 0.25:
            time.sleep(dice.uniform(0, START_SECONDS))
        else:
            scene.wait_running(not_task=killer.last_task)
            scene.wait_for_a_moment_in_the_stream(dice)
        killer.kill()
    scene.wait_running(not_task=killer.last_task)
    verdict = scene.finish()
    report(extent.kills, verdict)
    verdict.assert_complete()


def test_stopped_at_any_moment(
    scene: Scene, dice: random.Random, extent: Extent, report: Callable[[int, Verdict], None]
) -> None:
    """SIGTERM drains: the stored offset covers all that was sent, so nothing of the log is repeated either."""
    scene.create_connector()
    for _ in range(extent.drains):
        if dice.random() < 0.25:
            time.sleep(dice.uniform(0, START_SECONDS))
        else:
            scene.wait_running()
            scene.wait_for_a_moment_in_the_stream(dice)
        status = scene.end_worker(lambda worker: processes.kill(worker, signal.SIGTERM))
        assert status in (0, -signal.SIGTERM), scene.worker.log_text()  # the signal, where it came before any task
        scene.worker.launch()
    verdict = scene.finish()
    report(extent.drains, verdict)
    verdict.assert_complete()
    assert verdict.repeated == 0
