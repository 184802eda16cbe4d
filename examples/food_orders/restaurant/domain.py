"""A restaurant's stock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from examples.food_orders.messages import OrderedProduct


@dataclass
class Restaurant:
    """``stock`` is how many there are of each product."""

    restaurant_id: str
    stock: dict[str, int] = field(default_factory=dict)

    def take(self, products: Sequence[OrderedProduct]) -> str | None:
        """Take all of it out of the stock; else nothing, and why not."""
        wanted: dict[str, int] = {}
        for product in products:
            wanted[product.product_id] = wanted.get(product.product_id, 0) + product.quantity
        for product_id, quantity in wanted.items():
            if quantity > self.stock.get(product_id, 0):
                return f"restaurant {self.restaurant_id} has not enough of {product_id}"
        for product_id, quantity in wanted.items():
            self.stock[product_id] -= quantity
        return None
