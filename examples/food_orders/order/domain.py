"""An order: what it is and what may happen to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class OrderStatus(StrEnum):
    """How far an order is."""

    PENDING = "PENDING"
    PAID = "PAID"
    APPROVED = "APPROVED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"


class OrderError(ValueError):
    """An order that can't be, or a change that it can't take."""


@dataclass(frozen=True)
class Item:
    """A line: so many of a product at a price each."""

    product_id: str
    quantity: int
    price: int

    def __post_init__(self) -> None:
        if self.quantity < 1 or self.price < 0:
            raise OrderError("an item needs a quantity of at least 1 and a price that is not negative")


_NEXT = {
    OrderStatus.PENDING: {OrderStatus.PAID, OrderStatus.CANCELLING, OrderStatus.CANCELLED},
    OrderStatus.PAID: {OrderStatus.APPROVED, OrderStatus.CANCELLING},
    OrderStatus.CANCELLING: {OrderStatus.CANCELLED},
    OrderStatus.APPROVED: set(),
    OrderStatus.CANCELLED: set(),
}


@dataclass
class Order:
    """The aggregate."""

    order_id: str
    customer_id: str
    restaurant_id: str
    items: list[Item]
    status: OrderStatus = OrderStatus.PENDING
    failure_messages: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.items:
            raise OrderError("an order needs at least one item")

    @property
    def price(self) -> int:
        """Of all items."""
        return sum(item.price * item.quantity for item in self.items)

    def become(self, status: OrderStatus, failure: str | None = None) -> None:
        """Raises `OrderError` where that can't follow."""
        if status not in _NEXT[self.status]:
            raise OrderError(f"an order that is {self.status} can't become {status}")
        self.status = status
        if failure is not None:
            self.failure_messages.append(failure)
