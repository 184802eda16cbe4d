"""The restaurant service's HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI
from pydantic import Field

from examples.food_orders.messages import RESTAURANT_APPROVAL_RESPONSE
from examples.food_orders.restaurant.service import RestaurantService
from examples.food_orders.runtime import Runtime
from examples.food_orders.settings import Settings

Stock = dict[str, Annotated[int, Field(ge=0, le=1_000_000)]]


def create_app(settings: Settings) -> FastAPI:
    """The service."""
    runtime = Runtime("restaurant", settings, [RESTAURANT_APPROVAL_RESPONSE])
    service = RestaurantService(runtime)
    app = runtime.app()

    @app.put("/restaurants/{restaurant_id}/stock", status_code=204)
    def set_stock(restaurant_id: str, stock: Stock) -> None:
        service.set_stock(restaurant_id, stock)

    return app
