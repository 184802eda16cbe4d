"""Members of a MongoDB replica set give way and crash at any moment, under load: nothing is lost or repeated."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from tests.faults.conftest import Extent
from tests.faults.database import Database
from tests.faults.databases.mongodb import OUTAGE_SECONDS, MongoDb
from tests.faults.scene import Scene
from tests.faults.verdict import Verdict
from tests.mongod import ReplicaSet

OPLOG = "--oplogSize=256"


@pytest.fixture(scope="module")
def replica_set(mongod_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    """Three servers, of which any two elect a primary."""
    with ReplicaSet(mongod_program, tmp_path_factory.mktemp("members"), OPLOG, members=[{}] * 3) as replica_set:
        yield replica_set


@pytest.fixture(params=["primary", "secondaryPreferred"])
def database(request: pytest.FixtureRequest, replica_set: ReplicaSet) -> Iterator[Database]:
    """A database on the three; the connector reads the primary, then a secondary where there is one."""
    client: MongoClient[dict[str, Any]]
    with MongoClient(replica_set.url, serverSelectionTimeoutMS=int(OUTAGE_SECONDS * 1000)) as client:
        database = client[f"test_{uuid.uuid4().hex[:12]}"]
        yield MongoDb(database, f"{replica_set.url}&readPreference={request.param}")
        client.drop_database(database.name)


def test_primary_steps_down(
    scene: Scene,
    replica_set: ReplicaSet,
    dice: random.Random,
    extent: Extent,
    report: Callable[[int, Verdict], None],
) -> None:
    scene.live_through(extent.step_downs, replica_set.step_down, dice)
    verdict = scene.finish()
    report(extent.step_downs, verdict)
    verdict.assert_complete()
    assert verdict.repeated == 0


def test_servers_crash(
    scene: Scene,
    replica_set: ReplicaSet,
    dice: random.Random,
    extent: Extent,
    report: Callable[[int, Verdict], None],
) -> None:
    """SIGKILL of the primary, of any member, or of all at once; what is killed is started again."""

    def crash() -> None:
        members = replica_set.members
        replica_set.crash(dice.choice(([replica_set.primary()], [dice.choice(members)], members)))

    scene.live_through(extent.crashes, crash, dice)
    verdict = scene.finish()
    report(extent.crashes, verdict)
    verdict.assert_complete()
    assert verdict.repeated == 0
