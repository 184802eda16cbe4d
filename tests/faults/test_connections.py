"""The connection to the database is cut or falls silent at any moment: the task connects again, repeats nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from tests.faults.conftest import Extent, each_database
from tests.faults.database import Database
from tests.faults.proxy import HOST, Proxy
from tests.faults.scene import AHEAD, Scene
from tests.faults.verdict import Verdict
from tests.worker_process import wait_until

SNAPSHOT_ROW_BYTES = 100
"""A row of the snapshot is a little longer."""
LOG_BYTES = 300_000
"""What the server sends for about so many steps as the writers are ahead."""


@pytest.fixture
def proxy(database: Database, scene: Scene) -> Iterator[Proxy]:
    """Stands between the connector and the database, of whose silence the connector soon takes note."""
    with Proxy(database.address) as proxy:
        scene.config |= database.reached_at(HOST, proxy.port) | database.impatience
        yield proxy


@each_database
def test_connection_cut_and_stalled(
    scene: Scene, proxy: Proxy, dice: random.Random, extent: Extent, report: Callable[[int, Verdict], None]
) -> None:
    proxy.cut_after(dice.randrange(extent.rows * SNAPSHOT_ROW_BYTES))
    scene.create_connector()
    task = scene.wait_running()
    for _ in range(extent.cuts):
        scene.wait_delivered(dice.randrange(1, AHEAD))
        connections = proxy.accepted
        proxy.cut_after(dice.randrange(LOG_BYTES))
        wait_until("another connection", lambda seen=connections: proxy.accepted > seen)

    scene.wait_delivered(1)
    connections = proxy.accepted
    proxy.stall()
    wait_until("another connection", lambda: proxy.accepted > connections)
    proxy.flow()
    scene.wait_delivered(AHEAD)

    assert scene.wait_running() == task
    verdict = scene.finish()
    report(extent.cuts + 2, verdict)
    verdict.assert_complete()
    assert verdict.repeated == 0
