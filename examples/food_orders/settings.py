"""Where a service's database and broker are, and how its events get there: from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Self

from headwater.outbox.table import Delivery


@dataclass(frozen=True)
class Settings:
    """``delivery``  ``relay``: events stay in the outbox for `headwater relay`; ``log``: a connector reads the log."""

    mongodb_url: str
    broker: str
    delivery: Delivery = Delivery.RELAY
    prefix: str = ""
    """In front of the names of databases, topics and consumer groups, where several systems share the servers."""

    @classmethod
    def from_environment(cls) -> Self:
        """``MONGODB_URL``, ``BROKER`` (``kafka://host:port``), ``DELIVERY`` and ``NAME_PREFIX``."""
        return cls(
            mongodb_url=os.environ.get("MONGODB_URL", "mongodb://127.0.0.1:27017/?replicaSet=rs0"),
            broker=os.environ.get("BROKER", "kafka://127.0.0.1:9092"),
            delivery=Delivery(os.environ.get("DELIVERY", Delivery.RELAY.value)),
            prefix=os.environ.get("NAME_PREFIX", ""),
        )
