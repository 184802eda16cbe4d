"""Orders in MongoDB."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from examples.food_orders.order.domain import Item, Order, OrderStatus

Document = dict[str, Any]


class Orders:
    """The repository."""

    def __init__(self, collection: Collection[Document]) -> None:
        self._collection = collection

    def add(self, session: ClientSession, order: Order) -> None:
        self._collection.insert_one(_document(order), session=session)

    def get(self, order_id: str, session: ClientSession | None = None) -> Order | None:
        found = self._collection.find_one({"_id": order_id}, session=session)
        return None if found is None else _order(found)

    def change(self, session: ClientSession, order_id: str, status: OrderStatus, failure: str | None = None) -> Order:
        """The order, with its new status stored."""
        order = self.get(order_id, session)
        if order is None:
            raise LookupError(f"there is no order {order_id!r}")
        order.become(status, failure)
        self._collection.replace_one({"_id": order_id}, _document(order), session=session)
        return order


def _document(order: Order) -> Document:
    members = asdict(order)
    return {"_id": members.pop("order_id"), **members, "status": order.status.value}


def _order(found: Document) -> Order:
    items = [Item(**item) for item in found["items"]]
    members = found | {"items": items, "status": OrderStatus(found["status"]), "order_id": found["_id"]}
    del members["_id"]
    return Order(**members)
