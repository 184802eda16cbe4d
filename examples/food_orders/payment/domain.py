"""A payment and the credit that it is made from."""

from __future__ import annotations

from dataclasses import dataclass

from examples.food_orders.messages import PaymentStatus


@dataclass
class Credit:
    """What a customer has deposited and not spent."""

    customer_id: str
    amount: int = 0

    def spend(self, price: int) -> str | None:
        """Take the price; else why not."""
        if price > self.amount:
            return f"customer {self.customer_id} has {self.amount} of {price}"
        self.amount -= price
        return None

    def give_back(self, price: int) -> None:
        self.amount += price


@dataclass
class Payment:
    """One order's payment; FAILED until it was made."""

    order_id: str
    customer_id: str
    price: int
    status: PaymentStatus = PaymentStatus.FAILED
    failure: str | None = None

    def complete(self, credit: Credit) -> PaymentStatus:
        """Take the price, once, and never after it was cancelled; what the status was to become."""
        if self.status is PaymentStatus.FAILED:
            self.failure = credit.spend(self.price)
            if self.failure is None:
                self.status = PaymentStatus.COMPLETED
        return PaymentStatus.COMPLETED

    def cancel(self, credit: Credit) -> PaymentStatus:
        """Give the price back if it was taken, once; what the status was to become."""
        if self.status is PaymentStatus.COMPLETED:
            credit.give_back(self.price)
        self.status = PaymentStatus.CANCELLED
        return PaymentStatus.CANCELLED
