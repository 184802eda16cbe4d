"""What takes events out of the outboxes, as options: of a relay, or of a worker and its connector.

Both send the same messages: the key is the aggregate's id, the value the payload, and the headers are ``id``,
``eventType``, the event's own and its trace context.
"""

from __future__ import annotations

from collections.abc import Iterable

from examples.food_orders import contract
from examples.food_orders.settings import Settings

_TEXT = "org.apache.kafka.connect.storage.StringConverter"
_PLACEMENT = "type:header:eventType,traceparent:header,tracestate:header"


def converters(settings: Settings) -> dict[str, str]:
    """How messages are written: the same options for `headwater relay` and `headwater worker`."""
    return {"key.converter": _TEXT, "header.converter": _TEXT, **contract.value_converter(settings)}


def topic(settings: Settings) -> str:
    """The topic of an event: a relay's ``--topic``, the router's ``route.topic.replacement``."""
    return f"{settings.prefix}${{routedByValue}}"


def connector(settings: Settings, services: Iterable[str]) -> dict[str, str]:
    """A connector that reads MongoDB's log for what these services publish with ``DELIVERY=log``."""
    router = {
        "type": "io.debezium.connector.mongodb.transforms.outbox.MongoEventRouter",
        "route.topic.replacement": topic(settings),
        "collection.expand.json.payload": "true",
        "collection.field.event.headers": "headers",
        "collection.fields.additional.placement": _PLACEMENT,
        "collection.field.additional.missing": "ignore",
    }
    return {
        "connector.class": "io.debezium.connector.mongodb.MongoDbConnector",
        "mongodb.connection.string": settings.mongodb_url,
        "topic.prefix": f"{settings.prefix}food-orders",
        "collection.include.list": ",".join(f"{settings.prefix}{service}.outbox" for service in services),
        "snapshot.mode": "no_data",  # an outbox is always empty
        "skipped.operations": "u,d,t",  # each event is deleted in the transaction that inserts it
        "extended.headers.enabled": "false",  # those that tell of the connector
        "transforms": "outbox",
        **{f"transforms.outbox.{name}": value for name, value in router.items()},
    }
