"""What the services tell each other: a class for each topic, which its outbox events go to by ``Aggregate.type``.

Amounts are in the currency's smallest unit.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from headwater.outbox import Aggregate

PAYMENT_REQUEST = "payment-request"
PAYMENT_RESPONSE = "payment-response"
RESTAURANT_APPROVAL_REQUEST = "restaurant-approval-request"
RESTAURANT_APPROVAL_RESPONSE = "restaurant-approval-response"
CUSTOMER_CREATE = "customer-create"


class _Message(BaseModel):
    """Members are in camelCase on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class PaymentOrderStatus(StrEnum):
    """What is asked of the payment service: to take the price, or to give it back."""

    PENDING = "PENDING"
    CANCELLING = "CANCELLING"


class PaymentStatus(StrEnum):
    """What became of a payment."""

    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


class RestaurantApprovalStatus(StrEnum):
    """What the restaurant says."""

    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


class PaymentRequest(_Message):
    """From order to payment."""

    __outbox__: ClassVar = Aggregate(PAYMENT_REQUEST, "order_id")

    order_id: str
    customer_id: str
    price: int
    payment_order_status: PaymentOrderStatus


class PaymentResponse(_Message):
    """From payment to order."""

    __outbox__: ClassVar = Aggregate(PAYMENT_RESPONSE, "order_id")

    order_id: str
    payment_status: PaymentStatus
    failure_message: str | None = None


class OrderedProduct(_Message):
    """A line of an order."""

    product_id: str
    quantity: int


class RestaurantApprovalRequest(_Message):
    """From order to restaurant."""

    __outbox__: ClassVar = Aggregate(RESTAURANT_APPROVAL_REQUEST, "order_id")

    order_id: str
    restaurant_id: str
    products: list[OrderedProduct]


class RestaurantApprovalResponse(_Message):
    """From restaurant to order."""

    __outbox__: ClassVar = Aggregate(RESTAURANT_APPROVAL_RESPONSE, "order_id")

    order_id: str
    restaurant_approval_status: RestaurantApprovalStatus
    failure_message: str | None = None


class CustomerCreate(_Message):
    """From customer to order."""

    __outbox__: ClassVar = Aggregate(CUSTOMER_CREATE, "customer_id")

    customer_id: str
    name: str
