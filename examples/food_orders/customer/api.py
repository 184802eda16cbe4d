"""The customer service: one use case, so it is all here."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel
from pymongo.client_session import ClientSession

from examples.food_orders.messages import CUSTOMER_CREATE, CustomerCreate
from examples.food_orders.runtime import Runtime
from examples.food_orders.settings import Settings


class NewCustomer(BaseModel):
    """Who signs up."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class CustomerView(BaseModel):
    """A customer as the API shows it."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    customer_id: str
    name: str


def create_app(settings: Settings) -> FastAPI:
    """The service."""
    runtime = Runtime("customer", settings, [CUSTOMER_CREATE])
    runtime.create("customers")
    customers = runtime.collection("customers")
    app = runtime.app()

    @app.post("/customers", status_code=201)
    def create(new: NewCustomer) -> CustomerView:
        customer_id = str(uuid4())

        def change(session: ClientSession) -> None:
            customers.insert_one({"_id": customer_id, "name": new.name}, session=session)
            runtime.outbox.publish(session, CustomerCreate(customer_id=customer_id, name=new.name))

        runtime.transact(change)
        return CustomerView(customer_id=customer_id, name=new.name)

    return app
