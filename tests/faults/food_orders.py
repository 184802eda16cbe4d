"""What the fault test of the food order system is made of: customers who order, and what there is in the end."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pymongo
from confluent_kafka import Message

from examples.food_orders.messages import PAYMENT_RESPONSE
from tests.topic import read_topic
from tests.worker_process import wait_until
from tools.food_orders import FoodOrders

CUSTOMERS = 8
THREADS = 4
MOST_QUANTITY = 5
MOST_PRICE = 1000
AHEAD = 30
"""How many orders may be under way: more than wait for any one process."""
AGAIN_SECONDS = 0.1
"""How long a customer waits for a service that is away."""
DEADLINE = 240.0
RESTAURANT, PRODUCT = "luigi", "pizza"
SOLD_OUT, UNAFFORDABLE = "truffle", 1_000_000_000
"""What is never in stock, and what nobody has the credit for: one order in seven each, so that some fail all along."""
ENDED = ("APPROVED", "CANCELLED")

Document = dict[str, Any]


@contextmanager
def short_transactions(mongodb: pymongo.MongoClient[Document]) -> Iterator[None]:
    """The server lets go soon of what a process that was killed had begun to change; else after a minute."""
    name = "transactionLifetimeLimitSeconds"
    before = mongodb.admin.command({"getParameter": 1, name: 1})[name]
    mongodb.admin.command({"setParameter": 1, name: 3})
    yield
    mongodb.admin.command({"setParameter": 1, name: before})


class Town:
    """A restaurant, and customers with credit; both last for about three orders in four."""

    def __init__(self, system: FoodOrders, mongodb: pymongo.MongoClient[Document], orders: int, seed: int) -> None:
        self._system = system
        self._orders = mongodb[system.settings.prefix + "order"]["orders"]
        self._wanted = orders
        self._seed = seed
        self.stock = orders * (MOST_QUANTITY + 1) // 2 * 3 // 4
        credit = orders * (MOST_QUANTITY + 1) * (MOST_PRICE + 1) // 4 * 3 // 4 // CUSTOMERS
        with httpx.Client() as http:
            _put(http, "PUT", f"{system.url('restaurant')}/restaurants/{RESTAURANT}/stock", {PRODUCT: self.stock})
            self.deposits = {self._customer(http, credit): credit for _ in range(CUSTOMERS)}
        customers = mongodb[system.settings.prefix + "order"]["customers"]
        wait_until("the customers", lambda: customers.count_documents({}) == CUSTOMERS, DEADLINE)
        self.acknowledged: list[str] = []
        """Ids of the orders that a customer was told of; there may be others, where a service died before it told."""

    def _customer(self, http: httpx.Client, credit: int) -> str:
        system = self._system
        customer: str = _put(http, "POST", f"{system.url('customer')}/customers", {"name": "Ada"})["customerId"]
        _put(http, "POST", f"{system.url('payment')}/deposit", {"customerId": customer, "amount": credit})
        return customer

    @contextmanager
    def ordering(self) -> Iterator[None]:
        """Customers order in threads until there are as many orders as are wanted."""
        threads = [
            threading.Thread(target=self._order, args=(random.Random(f"{self._seed} {number}"),))
            for number in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for thread in threads:
                thread.join()

    def _order(self, dice: random.Random) -> None:
        url = f"{self._system.url('order')}/orders"
        deadline = time.monotonic() + DEADLINE
        with httpx.Client(timeout=10) as http:
            while len(self.acknowledged) < self._wanted and time.monotonic() < deadline:
                if self.unfinished() > AHEAD:
                    time.sleep(AGAIN_SECONDS)
                    continue
                try:
                    answer = http.post(url, json=self._new_order(dice))
                except httpx.TransportError:
                    time.sleep(AGAIN_SECONDS)
                    continue
                assert answer.status_code == httpx.codes.CREATED, answer.text
                self.acknowledged.append(answer.json()["orderId"])
                deadline = time.monotonic() + DEADLINE

    def _new_order(self, dice: random.Random) -> Document:
        wish = dice.randrange(7)
        item = {
            "productId": SOLD_OUT if wish == 0 else PRODUCT,
            "quantity": dice.randint(1, MOST_QUANTITY),
            "price": UNAFFORDABLE if wish == 1 else dice.randint(1, MOST_PRICE),
        }
        return {"customerId": dice.choice(list(self.deposits)), "restaurantId": RESTAURANT, "items": [item]}

    def placed(self) -> int:
        """How many orders there are."""
        return self._orders.count_documents({})

    def unfinished(self) -> int:
        """How many have not ended."""
        return self._orders.count_documents({"status": {"$nin": ENDED}})


def _put(http: httpx.Client, method: str, url: str, body: object) -> Any:
    answer = http.request(method, url, json=body)
    answer.raise_for_status()
    return answer.json() if answer.content else None


@dataclass(frozen=True)
class Books:
    """What the services' databases, and the payment service's messages, say in the end.

    ``orders``     in the order service's database, by id
    ``sagas``      how many there are of each status
    ``credits``    by customer
    ``answers``    of the payment service, by order: how many it gave of each status, however often they were delivered
    ``messages``   how often they were
    ``timed_out``  how many orders' payments were not answered in time
    """

    orders: Mapping[str, Document]
    sagas: Counter[str]
    credits: Mapping[str, int]
    stock: int
    answers: Mapping[str, Counter[str]]
    messages: int
    timed_out: int

    @classmethod
    def of(cls, system: FoodOrders, mongodb: pymongo.MongoClient[Document], bootstrap: str) -> Books:
        """Read once nothing is under way any more."""
        prefix = system.settings.prefix
        order, payment, restaurant = (mongodb[prefix + name] for name in ("order", "payment", "restaurant"))
        handled = payment["inbox"].count_documents({})
        messages = read_topic(bootstrap, prefix + PAYMENT_RESPONSE, lambda found: len(_by_id(found)) >= handled, 500)
        answers: dict[str, Counter[str]] = defaultdict(Counter)
        for answer in _by_id(messages).values():
            answers[answer["orderId"]][answer["paymentStatus"]] += 1
        found = restaurant["restaurants"].find_one({"_id": RESTAURANT})
        assert found is not None
        return cls(
            orders={each["_id"]: each for each in order["orders"].find()},
            sagas=Counter(each["status"] for each in order["sagas"].find({}, {"status": 1})),
            credits={each["_id"]: each["amount"] for each in payment["credits"].find()},
            stock=found["stock"][PRODUCT],
            answers=answers,
            messages=len(messages),
            timed_out=order["sagas"].count_documents({"history.outcome": "timed out"}),
        )

    def ended(self, status: str) -> Mapping[str, Document]:
        """The orders of that status."""
        return {order_id: each for order_id, each in self.orders.items() if each["status"] == status}

    @property
    def repaid(self) -> int:
        """How many cancelled orders had been paid."""
        return sum(self.answers[order_id]["COMPLETED"] for order_id in self.ended("CANCELLED"))

    def assert_balanced(self, deposits: Mapping[str, int], stock: int, acknowledged: Sequence[str]) -> None:
        """Raises AssertionError with the first of what is wrong, by what there was in the beginning."""
        assert set(acknowledged) <= self.orders.keys()
        assert self.sagas.keys() <= {"COMPLETED", "COMPENSATED"}
        approved, cancelled = self.ended("APPROVED"), self.ended("CANCELLED")
        assert len(approved) + len(cancelled) == len(self.orders) == self.sagas.total()
        assert (len(approved), len(cancelled)) == (self.sagas["COMPLETED"], self.sagas["COMPENSATED"])
        for order_id in approved:
            assert self.answers[order_id] == {"COMPLETED": 1}, order_id
        for order_id in cancelled:
            answers = self.answers[order_id]
            assert answers in _WAYS_TO_CANCEL, (order_id, answers)
        spent: Counter[str] = Counter()
        for order in approved.values():
            spent[order["customer_id"]] += sum(item["price"] * item["quantity"] for item in order["items"])
        assert self.credits == {customer: amount - spent[customer] for customer, amount in deposits.items()}
        eaten = sum(item["quantity"] for order in approved.values() for item in order["items"])
        assert self.stock == stock - eaten


_WAYS_TO_CANCEL = (
    {"FAILED": 1},  # never paid
    {"FAILED": 1, "CANCELLED": 1},  # nor, when it was asked to undo what it had not answered in time
    {"COMPLETED": 1, "CANCELLED": 1},  # paid and repaid
)


def _by_id(messages: list[Message]) -> dict[bytes, Any]:
    """The answers, each once."""
    return {dict(message.headers() or ())["id"]: json.loads(message.value() or b"") for message in messages}
