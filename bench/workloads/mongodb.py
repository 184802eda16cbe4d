"""Documents of MongoDB: orders of a given size, inserted many at once."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bson
from bson import Int64, ObjectId

from bench.server import NAME
from bench.servers.mongodb import MongoDbServer
from bench.workload import Workload

COLLECTION = "orders"

_CITIES = ("Springfield", "São Paulo", "Berlin", "Malmö", "Lisboa", "Torino")
_PRODUCTS = ("Shirt, blue, long sleeves", "Mug", "Café crème, 500 g", "Notebook, lined", 'Screen 27"', "Chair")
_FIRST_DAY = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
_RANDOM = random.Random(7)  # the same documents in every run

Document = dict[str, Any]


def _id() -> ObjectId:
    return ObjectId(_RANDOM.randbytes(12))


def _order(number: int) -> Document:
    """About 200 bytes."""
    return {
        "_id": _id(),
        "customerId": _id(),
        "number": f"ORD-{number:010}",
        "status": "PENDING",
        "channel": "web-shop",
        "total": Int64(number % 1_000_000),
        "currency": "EUR",
        "paid": number % 2 == 0,
        "city": _CITIES[number % len(_CITIES)],
        "createdAt": _FIRST_DAY + dt.timedelta(milliseconds=number * 7),
    }


def _item(number: int) -> Document:
    """About 90 bytes."""
    return {
        "productId": _id(),
        "name": _PRODUCTS[number % len(_PRODUCTS)],
        "quantity": number % 9 + 1,
        "price": number % 10_000 / 100,
    }


def order(size: int) -> Callable[[int], Document]:
    """Makes orders of about ``size`` bytes, of as many items as that takes."""
    samples = range(len(_PRODUCTS) * len(_CITIES))
    head = sum(len(bson.encode(_order(number))) for number in samples) / len(samples)
    item = sum(len(bson.encode({"100": _item(number)})) - 5 for number in samples) / len(samples)
    items = round(max(size - head, 0) / item)

    def document(number: int) -> Document:
        made = _order(number)
        return {**made, "items": [_item(number + place) for place in range(items)]} if items else made

    return document


@dataclass(frozen=True)
class MongoDbWorkload(Workload[MongoDbServer]):
    """``events`` documents, inserted ``rows`` at once, into one collection."""

    server = MongoDbServer

    document: Callable[[int], Document] = _order

    @property
    def topic(self) -> str:
        return f"{NAME}.{NAME}.{COLLECTION}"

    def connector(self, server: MongoDbServer) -> dict[str, str]:
        return {**server.connector(), "collection.include.list": f"{NAME}.{COLLECTION}"}

    def create(self, server: MongoDbServer) -> None:
        server.clean_up()
        server.database.create_collection(COLLECTION)

    def load(self, server: MongoDbServer) -> None:
        collection = server.database[COLLECTION]
        for start in range(0, self.events, self.rows):
            numbers = range(start, min(start + self.rows, self.events))
            collection.insert_many([self.document(number) for number in numbers])


WORKLOADS = (
    MongoDbWorkload("mongodb-200", "MongoDB, documents of 200 B", 150_000, 100, document=order(200)),
    MongoDbWorkload("mongodb-2k", "MongoDB, documents of 2 KB", 60_000, 100, document=order(2_000)),
    MongoDbWorkload("mongodb-100k", "MongoDB, documents of 100 KB", 2_000, 100, document=order(100_000)),
)
