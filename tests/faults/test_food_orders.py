"""Services, relays, the worker and the broker are killed during many orders: all end, and the money is all there."""

from __future__ import annotations

import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
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


def order(status: str) -> dict[str, Any]:
    return {"status": status, "customer_id": "c", "items": [{"price": 10, "quantity": 2}]}


BALANCED = Books(
    orders={"1": order("APPROVED"), "2": order("CANCELLED"), "3": order("CANCELLED")},
    sagas=Counter(COMPLETED=1, COMPENSATED=2),
    credits={"c": 80},
    stock=3,
    answers=defaultdict(
        Counter, {"1": Counter(COMPLETED=1), "2": Counter(COMPLETED=1, CANCELLED=1), "3": Counter(FAILED=1)}
    ),
    messages=4,
    timed_out=0,
)


def test_books_that_balance() -> None:
    BALANCED.assert_balanced({"c": 100}, 5, ["1", "3"])
    assert BALANCED.repaid == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"orders": {**BALANCED.orders, "3": order("PAID")}},
        {"sagas": Counter(COMPLETED=1, COMPENSATED=1, FAILED=1)},
        {"credits": {"c": 81}},
        {"stock": 2},
        {"answers": BALANCED.answers | {"1": Counter(COMPLETED=2)}},
        {"answers": BALANCED.answers | {"2": Counter(COMPLETED=1)}},
        {"answers": BALANCED.answers | {"2": Counter(COMPLETED=1, CANCELLED=2)}},
        {"orders": {each: BALANCED.orders[each] for each in "12"}, "sagas": Counter(COMPLETED=1, COMPENSATED=1)},
    ],
    ids=["hangs", "failed", "money", "stock", "paid twice", "not repaid", "repaid twice", "lost"],
)
def test_books_that_do_not(wrong: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        replace(BALANCED, **wrong).assert_balanced({"c": 100}, 5, ["1", "3"])


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
    books.assert_balanced(town.deposits, town.stock, town.acknowledged)
    assert not [name for name in topic_names(broker.address) if name.endswith("dead-letters")]
