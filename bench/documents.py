"""Documents of an outbox collection, as a service that orders food writes them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import bson
from bson import Int64, ObjectId

_FILLER = "Two pizzas, one without olives; please ring twice. "
_STARTED = dt.datetime(2024, 8, 17, 12, 30, tzinfo=dt.UTC)


def outbox_document(size: int) -> Callable[[int], dict[str, Any]]:
    """Makes documents of about ``size`` bytes of BSON, at least 200; the same ones each time."""
    chance = random.Random(7)

    def object_id() -> ObjectId:
        return ObjectId(chance.randbytes(12))

    def document(number: int) -> dict[str, Any]:
        payload: dict[str, Any] = {"orderId": object_id(), "customerId": object_id(), "price": Int64(number)}
        payload |= {"paymentOrderStatus": "PENDING", "note": ""}
        made = {"_id": object_id(), "payload": payload, "createdAt": _STARTED + dt.timedelta(seconds=number)}
        made |= {"outboxStatus": "STARTED"}
        left = size - len(bson.encode(made))
        payload["note"] = (_FILLER * (left // len(_FILLER) + 1))[: max(left, 0)]
        return made

    return document
