"""A connector is paused, stopped, restarted and configured anew at any moment, under load: no gap, nothing twice."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable

from tests.faults.conftest import Extent, each_database
from tests.faults.scene import AHEAD, CONNECTOR, LINGER_SECONDS, Scene
from tests.faults.verdict import Verdict
from tests.worker_process import wait_until

REST_SECONDS = 0.5
"""The longest time that a connector stays paused or stopped."""


class Operator:
    """Gives a connector orders over the REST API, each kind in turn, begun with a random one."""

    def __init__(self, scene: Scene, dice: random.Random) -> None:
        self._scene = scene
        self._dice = dice
        kinds = [self._pause, self._stop, self._restart, self._restart_task, self._configure]
        dice.shuffle(kinds)
        self._kinds = itertools.cycle(kinds)
        self._given = 0

    def order(self) -> None:
        """Give an order, and see to it that the connector is to run."""
        self._given += 1
        next(self._kinds)()

    def _pause(self) -> None:
        self._put("pause")
        assert self._scene.worker.task(CONNECTOR)["state"] == "PAUSED"
        self._rest_and_resume()

    def _stop(self) -> None:
        self._put("stop")
        assert self._scene.worker.task(CONNECTOR) == {}
        self._rest_and_resume()

    def _rest_and_resume(self) -> None:
        time.sleep(self._dice.uniform(0, REST_SECONDS))
        self._put("resume")

    def _restart(self) -> None:
        self._request("POST", "restart?includeTasks=true")

    def _restart_task(self) -> None:
        self._request("POST", "tasks/0/restart")

    def _configure(self) -> None:
        self._request("PATCH", "config", {"errors.max.retries": str(10 + self._given)})

    def _put(self, path: str) -> None:
        self._request("PUT", path)

    def _request(self, method: str, path: str, body: object = None) -> None:
        answer = self._scene.worker.request(method, f"/connectors/{CONNECTOR}/{path}", body)
        assert answer.is_success, answer.text


@each_database
def test_ordered_about_at_any_moment(
    scene: Scene, dice: random.Random, extent: Extent, report: Callable[[int, Verdict], None]
) -> None:
    """Each order drains: the stored offset covers all that was sent. Only a snapshot is begun anew."""
    scene.create_connector()
    operator = Operator(scene, dice)
    wait_until("the task", lambda: scene.worker.task(CONNECTOR))
    for number in range(extent.orders):
        if number and dice.random() < 0.75:
            scene.wait_running()
            scene.wait_delivered(dice.randrange(AHEAD))
        time.sleep(dice.uniform(0, LINGER_SECONDS))
        operator.order()
    verdict = scene.finish()
    report(extent.orders, verdict)
    verdict.assert_complete()
    assert verdict.repeated == 0
