"""The order service's HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from examples.food_orders.messages import PAYMENT_REQUEST, RESTAURANT_APPROVAL_REQUEST
from examples.food_orders.order.domain import Item, Order, OrderError
from examples.food_orders.order.service import OrderService
from examples.food_orders.runtime import Runtime
from examples.food_orders.settings import Settings


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class NewItem(_Body):
    """A line of a new order."""

    product_id: str
    quantity: Annotated[int, Field(ge=1, le=1000)]
    price: Annotated[int, Field(ge=0, le=1_000_000_000)]


class NewOrder(_Body):
    """What a customer orders."""

    customer_id: str
    restaurant_id: str
    items: Annotated[list[NewItem], Field(min_length=1, max_length=100)]


class OrderView(_Body):
    """An order as the API shows it."""

    order_id: str
    status: str
    price: int
    failure_messages: list[str]

    @classmethod
    def of(cls, order: Order) -> OrderView:
        return cls(
            order_id=order.order_id, status=order.status, price=order.price, failure_messages=order.failure_messages
        )


def create_app(settings: Settings) -> FastAPI:
    """The service."""
    runtime = Runtime("order", settings, [PAYMENT_REQUEST, RESTAURANT_APPROVAL_REQUEST])
    service = OrderService(runtime)
    app = runtime.app()

    @app.post("/orders", status_code=201)
    def place(new: NewOrder) -> OrderView:
        items = [Item(item.product_id, item.quantity, item.price) for item in new.items]
        try:
            return OrderView.of(service.place(new.customer_id, new.restaurant_id, items))
        except OrderError as error:
            raise HTTPException(422, str(error)) from error

    @app.get("/orders/{order_id}")
    def get(order_id: str) -> OrderView:
        order = service.get(order_id)
        if order is None:
            raise HTTPException(404, f"there is no order {order_id!r}")
        return OrderView.of(order)

    return app
