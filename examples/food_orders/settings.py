"""Where a service's database and broker are, and how its events get there: from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from headwater.outbox.table import Delivery


@dataclass(frozen=True)
class Settings:
    """Those of one service.

    ``delivery``             ``relay``: events stay in the outbox for `headwater relay`; ``log``: a connector reads the
                             database's log
    ``schema_registry_url``  messages are in Avro, with that registry or folder (``file:///…``); without it in JSON
    ``prefix``               in front of the names of databases, topics and consumer groups, where several systems share
                             the servers
    ``reply_within``         how long a payment may take before its order is cancelled
    """

    mongodb_url: str
    broker: str
    delivery: Delivery = Delivery.RELAY
    schema_registry_url: str = ""
    prefix: str = ""
    reply_within: timedelta = timedelta(minutes=5)

    @classmethod
    def from_environment(cls) -> Self:
        """What `environment` gives; each has a default."""
        default = cls("mongodb://127.0.0.1:27017/?replicaSet=rs0", "kafka://127.0.0.1:9092").environment()
        given = {name: os.environ.get(name, value) for name, value in default.items()}
        return cls(
            mongodb_url=given["MONGODB_URL"],
            broker=given["BROKER"],
            delivery=Delivery(given["DELIVERY"]),
            schema_registry_url=given["SCHEMA_REGISTRY_URL"],
            prefix=given["NAME_PREFIX"],
            reply_within=timedelta(seconds=float(given["REPLY_WITHIN_SECONDS"])),
        )

    def environment(self) -> dict[str, str]:
        """The variables that say the same."""
        return {
            "MONGODB_URL": self.mongodb_url,
            "BROKER": self.broker,
            "DELIVERY": self.delivery.value,
            "SCHEMA_REGISTRY_URL": self.schema_registry_url,
            "NAME_PREFIX": self.prefix,
            "REPLY_WITHIN_SECONDS": str(self.reply_within.total_seconds()),
        }
