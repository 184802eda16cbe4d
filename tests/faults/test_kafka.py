"""The Kafka broker crashes at any moment, under load: what it had not acknowledged is sent again, in order."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.faults.conftest import Extent, each_database
from tests.faults.scene import Scene
from tests.faults.verdict import Verdict
from tests.kafka_broker import KafkaBroker


@pytest.fixture(scope="module")
def kafka_bootstrap(broker: KafkaBroker) -> str:
    """One that may crash, in place of the one that all tests share."""
    return broker.address


@each_database
def test_broker_crashes(
    scene: Scene, broker: KafkaBroker, dice: random.Random, extent: Extent, report: Callable[[int, Verdict], None]
) -> None:
    """The producer numbers its batches, so that the broker knows those that it has kept already."""
    scene.live_through(extent.restarts, broker.crash, dice)
    verdict = scene.finish()
    report(extent.restarts, verdict)
    verdict.assert_complete()
    assert verdict.repeated == 0
