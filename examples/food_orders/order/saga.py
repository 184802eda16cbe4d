"""The order's saga: paid, then approved; paid back where the restaurant says no."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pymongo.client_session import ClientSession

from examples.food_orders.messages import (
    OrderedProduct,
    PaymentOrderStatus,
    PaymentRequest,
    RestaurantApprovalRequest,
)
from examples.food_orders.order.domain import Order, OrderStatus
from examples.food_orders.order.orders import Orders
from headwater.saga import Reply, Saga, Step


@dataclass
class OrderData:
    """What the saga knows of its order."""

    order_id: str


def order_saga(orders: Orders, reply_within: timedelta) -> Saga[ClientSession, OrderData]:
    """The saga, of orders that are kept there; a payment that isn't answered in time is undone."""

    def order_of(session: ClientSession, data: OrderData) -> Order:
        order = orders.get(data.order_id, session)
        if order is None:
            raise LookupError(f"there is no order {data.order_id!r}")
        return order

    def pay(session: ClientSession, data: OrderData) -> PaymentRequest:
        return _payment(order_of(session, data), PaymentOrderStatus.PENDING)

    def paid(session: ClientSession, data: OrderData, _reply: Reply) -> None:
        orders.change(session, data.order_id, OrderStatus.PAID)

    def pay_back(session: ClientSession, data: OrderData) -> PaymentRequest:
        order = order_of(session, data)
        if order.status is not OrderStatus.CANCELLING:  # else this is asked for once more
            order = orders.change(session, data.order_id, OrderStatus.CANCELLING)
        return _payment(order, PaymentOrderStatus.CANCELLING)

    def approve(session: ClientSession, data: OrderData) -> RestaurantApprovalRequest:
        order = order_of(session, data)
        products = [OrderedProduct(product_id=item.product_id, quantity=item.quantity) for item in order.items]
        return RestaurantApprovalRequest(order_id=order.order_id, restaurant_id=order.restaurant_id, products=products)

    def approved(session: ClientSession, data: OrderData) -> None:
        orders.change(session, data.order_id, OrderStatus.APPROVED)

    def cancelled(session: ClientSession, data: OrderData, reason: str | None) -> None:
        orders.change(session, data.order_id, OrderStatus.CANCELLED, reason)

    return Saga(
        "order",
        [
            Step(name="payment", process=pay, processed=paid, rollback=pay_back, timeout=reply_within),
            Step(name="approval", process=approve),  # a restaurant may take its time
        ],
        data=OrderData,
        completed=approved,
        compensated=cancelled,
    )


def _payment(order: Order, status: PaymentOrderStatus) -> PaymentRequest:
    return PaymentRequest(
        order_id=order.order_id, customer_id=order.customer_id, price=order.price, payment_order_status=status
    )
