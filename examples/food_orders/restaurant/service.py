"""The restaurant service's use cases."""

from __future__ import annotations

from pymongo.client_session import ClientSession

from examples.food_orders.messages import (
    RESTAURANT_APPROVAL_REQUEST,
    RestaurantApprovalRequest,
    RestaurantApprovalResponse,
    RestaurantApprovalStatus,
)
from examples.food_orders.restaurant.domain import Restaurant
from examples.food_orders.runtime import Runtime
from headwater.consumer import Message
from headwater.saga import command_id, reply_headers


class RestaurantService:
    """Keeps stocks; approves orders."""

    def __init__(self, runtime: Runtime) -> None:
        runtime.create("restaurants")
        self._restaurants = runtime.collection("restaurants")
        self._outbox = runtime.outbox
        self._read = runtime.reader(RestaurantApprovalRequest)
        runtime.subscribe([RESTAURANT_APPROVAL_REQUEST], self._requested, command_id)

    def set_stock(self, restaurant_id: str, stock: dict[str, int]) -> None:
        """How many there are of each product from now on."""
        self._restaurants.update_one({"_id": restaurant_id}, {"$set": {"stock": stock}}, upsert=True)

    def _requested(self, session: ClientSession, message: Message) -> None:
        request = self._read(message)
        found = self._restaurants.find_one({"_id": request.restaurant_id}, session=session)
        restaurant = Restaurant(request.restaurant_id, found["stock"] if found else {})
        failure = restaurant.take(request.products)
        if failure is None:
            stock = {"$set": {"stock": restaurant.stock}}
            self._restaurants.update_one({"_id": restaurant.restaurant_id}, stock, session=session)
        status = RestaurantApprovalStatus.REJECTED if failure else RestaurantApprovalStatus.APPROVED
        response = RestaurantApprovalResponse(
            order_id=request.order_id, restaurant_approval_status=status, failure_message=failure
        )
        headers = reply_headers(message, succeeded=failure is None, reason=failure)
        self._outbox.publish(session, response, headers=headers)
