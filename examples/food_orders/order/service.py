"""The order service's use cases, each in a transaction of its own or in that of the message that asks for it."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from uuid import uuid4

from pymongo.client_session import ClientSession

from examples.food_orders.messages import (
    CUSTOMER_CREATE,
    PAYMENT_RESPONSE,
    RESTAURANT_APPROVAL_RESPONSE,
    CustomerCreate,
)
from examples.food_orders.order.domain import Item, Order, OrderError
from examples.food_orders.order.orders import Orders
from examples.food_orders.order.saga import OrderData, order_saga
from examples.food_orders.runtime import Runtime
from headwater.consumer import Message
from headwater.saga import Orchestrator, Reply, Timeouts
from headwater.saga.pymongo import SagaStore


class OrderService:
    """Takes orders; hears of customers, payments and approvals."""

    def __init__(self, runtime: Runtime) -> None:
        runtime.create("orders", "customers", "sagas")
        store = SagaStore(runtime.collection("sagas"))
        store.create_indexes()
        self._runtime = runtime
        self._orders = Orders(runtime.collection("orders"))
        self._customers = runtime.collection("customers")
        self._read_customer = runtime.reader(CustomerCreate)
        self.saga = Orchestrator(order_saga(self._orders, runtime.settings.reply_within), store, runtime.outbox)
        runtime.subscribe([PAYMENT_RESPONSE, RESTAURANT_APPROVAL_RESPONSE], self._replied)
        runtime.subscribe([CUSTOMER_CREATE], self._customer_created)
        runtime.loops.append(self._look_for_timeouts)

    def place(self, customer_id: str, restaurant_id: str, items: list[Item]) -> Order:
        """Store the order and ask for its payment. Raises `OrderError`."""
        if self._customers.find_one({"_id": customer_id}) is None:
            raise OrderError(f"there is no customer {customer_id!r}")
        order = Order(str(uuid4()), customer_id, restaurant_id, items)

        def change(session: ClientSession) -> None:
            self._orders.add(session, order)
            self.saga.start(session, order.order_id, OrderData(order.order_id))

        self._runtime.transact(change)
        return order

    def get(self, order_id: str) -> Order | None:
        """The order as it is now."""
        return self._orders.get(order_id)

    def _replied(self, session: ClientSession, message: Message) -> None:
        self.saga.reply(session, Reply.of(message))

    def _customer_created(self, session: ClientSession, message: Message) -> None:
        customer = self._read_customer(message)
        document = {"name": customer.name}
        self._customers.update_one({"_id": customer.customer_id}, {"$set": document}, upsert=True, session=session)

    def _look_for_timeouts(self, stop: threading.Event) -> None:
        def transaction() -> AbstractContextManager[ClientSession]:
            return self._runtime.inbox.transaction()

        Timeouts(self.saga, transaction).run(stop)
