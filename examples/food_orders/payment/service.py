"""The payment service's use cases."""

from __future__ import annotations

from dataclasses import asdict

from pymongo import ReturnDocument
from pymongo.client_session import ClientSession

from examples.food_orders.messages import (
    PAYMENT_REQUEST,
    PaymentOrderStatus,
    PaymentRequest,
    PaymentResponse,
    PaymentStatus,
)
from examples.food_orders.payment.domain import Credit, Payment
from examples.food_orders.runtime import Runtime
from headwater.consumer import Message
from headwater.saga import command_id, reply_headers


class PaymentService:
    """Keeps customers' credit; pays for orders."""

    def __init__(self, runtime: Runtime) -> None:
        runtime.create("credits", "payments")
        self._credits = runtime.collection("credits")
        self._payments = runtime.collection("payments")
        self._outbox = runtime.outbox
        self._read = runtime.reader(PaymentRequest)
        runtime.subscribe([PAYMENT_REQUEST], self._requested, command_id)

    def deposit(self, customer_id: str, amount: int) -> int:
        """Add to a customer's credit; what it is then."""
        changed = self._credits.find_one_and_update(
            {"_id": customer_id}, {"$inc": {"amount": amount}}, upsert=True, return_document=ReturnDocument.AFTER
        )
        return int(changed["amount"]) if changed else 0

    def credit(self, customer_id: str) -> int:
        """What a customer can spend."""
        found = self._credits.find_one({"_id": customer_id})
        return found["amount"] if found else 0

    def _requested(self, session: ClientSession, message: Message) -> None:
        request = self._read(message)
        credit = self._credit(session, request.customer_id)
        payment = self._payment(session, request)
        if request.payment_order_status is PaymentOrderStatus.PENDING:
            wanted = payment.complete(credit)
        else:
            wanted = payment.cancel(credit)
        self._store(session, credit, payment)
        response = PaymentResponse(
            order_id=payment.order_id, payment_status=payment.status, failure_message=payment.failure
        )
        headers = reply_headers(message, succeeded=payment.status is wanted, reason=payment.failure)
        self._outbox.publish(session, response, headers=headers)

    def _credit(self, session: ClientSession, customer_id: str) -> Credit:
        found = self._credits.find_one({"_id": customer_id}, session=session)
        return Credit(customer_id, found["amount"] if found else 0)

    def _payment(self, session: ClientSession, request: PaymentRequest) -> Payment:
        found = self._payments.find_one({"_id": request.order_id}, session=session)
        if found is None:
            return Payment(request.order_id, request.customer_id, request.price)
        return Payment(
            request.order_id, found["customer_id"], found["price"], PaymentStatus(found["status"]), found["failure"]
        )

    def _store(self, session: ClientSession, credit: Credit, payment: Payment) -> None:
        amount = {"$set": {"amount": credit.amount}}
        self._credits.update_one({"_id": credit.customer_id}, amount, upsert=True, session=session)
        members = asdict(payment)
        document = {"_id": members.pop("order_id"), **members, "status": payment.status.value}
        self._payments.replace_one({"_id": payment.order_id}, document, upsert=True, session=session)
