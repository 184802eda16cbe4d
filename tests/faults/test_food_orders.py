"""Services, relays, the worker and the broker are killed during many orders: all end, and the money is all there."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest

from examples.food_orders.settings import Settings
from headwater.outbox.table import Delivery
from tests.faults.conftest import Extent
from tests.faults.food_orders import DEADLINE, Books, Town, short_transactions
from tests.kafka_broker import KafkaBroker
from tests.topic import topic_names
from tests.worker_process import wait_until
from tools.food_orders import SERVICES, FoodOrders

REPLY_WITHIN = timedelta(seconds=30)
"""Longer than a payment takes, and shorter than it does where all that it needs was killed."""
BROKER = "broker"


@pytest.fixture
def mongodb(mongodb_url: str) -> Iterator[pymongo.MongoClient[dict[str, Any]]]:
    with pymongo.MongoClient[dict[str, Any]](mongodb_url) as mongodb, short_transactions(mongodb):
        yield mongodb


@pytest.fixture
def system(
    broker: KafkaBroker,
    mongodb_url: str,
    mongodb: pymongo.MongoClient[dict[str, Any]],
    tmp_path: Path,
    dice: random.Random,
) -> Iterator[FoodOrders]:
    """Two of the services' outboxes are delivered by relays, the others by log capture."""
    prefix = f"f{uuid.uuid4().hex[:8]}-"
    settings = Settings(mongodb_url, f"kafka://{broker.address}", prefix=prefix, reply_within=REPLY_WITHIN)
    captured = dice.sample(SERVICES, 2)
    delivery = {name: Delivery.LOG if name in captured else Delivery.RELAY for name in SERVICES}
    with FoodOrders(settings, tmp_path, delivery) as system:
        yield system
    for name in SERVICES:
        mongodb.drop_database(prefix + name)


def victims(system: FoodOrders, dice: random.Random, kills: int) -> Iterator[str]:
    """So many, of which each is there as often as any other."""
    names = [*SERVICES, *system.deliverers, BROKER]
    while kills > 0:
        yield from dice.sample(names, min(kills, len(names)))
        kills -= len(names)


def test_whatever_is_killed_every_order_ends_and_no_money_is_lost(
    system: FoodOrders,
    broker: KafkaBroker,
    mongodb: pymongo.MongoClient[dict[str, Any]],
    dice: random.Random,
    seed: int,
    extent: Extent,
) -> None:
    town = Town(system, mongodb, extent.food_orders, seed)
    with town.ordering():
        for number, victim in enumerate(victims(system, dice, extent.food_order_kills)):
            target = extent.food_orders * number // extent.food_order_kills
            wait_until(f"{target} orders", lambda: town.placed() >= target, DEADLINE)  # noqa: B023
            system.check()
            if victim == BROKER:
                broker.crash()
            else:
                system.kill(victim)
                system.start(victim)
    wait_until("the end of every order", lambda: town.unfinished() == 0, DEADLINE)
    system.check()
    books = Books.of(system, mongodb, broker.address)
    print(
        f"{extent.food_order_kills} kills, {len(books.orders)} orders: {len(books.ended('APPROVED'))} approved, "
        f"{len(books.ended('CANCELLED'))} cancelled, {books.repaid} of them repaid, {books.timed_out} after a payment "
        f"that was not answered in time; {books.messages} answers of the payment service, of which "
        f"{books.messages - sum(each.total() for each in books.answers.values())} were repetitions"
    )
    books.assert_balanced(town)
    assert not [name for name in topic_names(broker.address) if name.endswith("dead-letters")]
