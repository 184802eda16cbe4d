"""The payment service's HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from examples.food_orders.messages import PAYMENT_RESPONSE
from examples.food_orders.payment.service import PaymentService
from examples.food_orders.runtime import Runtime
from examples.food_orders.settings import Settings


class Deposit(BaseModel):
    """What a customer pays in."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    customer_id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    amount: Annotated[int, Field(gt=0, le=1_000_000_000_000)]


class CreditView(BaseModel):
    """What a customer can spend."""

    credit: int


def create_app(settings: Settings) -> FastAPI:
    """The service."""
    runtime = Runtime("payment", settings, [PAYMENT_RESPONSE])
    service = PaymentService(runtime)
    app = runtime.app()

    @app.post("/deposit", status_code=201)
    def deposit(new: Deposit) -> CreditView:
        return CreditView(credit=service.deposit(new.customer_id, new.amount))

    @app.get("/credit/{customer_id}")
    def credit(customer_id: str) -> CreditView:
        return CreditView(credit=service.credit(customer_id))

    return app
