"""From an event to its message: the same as Debezium's EventRouter makes of the row when it reads the log.

Source: ``io.debezium.transforms.outbox.EventRouterDelegate`` (Debezium 3.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog

from headwater import json_payload
from headwater.json_payload import JsonPayloadError
from headwater.record import Schema, Type
from headwater.sink import ANY_PARTITION, NOW

if TYPE_CHECKING:
    from headwater.converter import Converter
    from headwater.relay.queue import QueuedEvent
    from headwater.sink import Headers, Message

DEFAULT_TOPIC = "outbox.event.${routedByValue}"
"""EventRouter's ``route.topic.replacement``."""
ROUTED_BY = "${routedByValue}"
"""What stands for the aggregate's type in it."""
DEFAULT_TYPE_HEADER = "eventType"

PAYLOAD = "payload"
"""What the schema of an expanded payload is called: EventRouter takes the name of the column."""

log = structlog.get_logger(__name__)

_TEXT = Schema(Type.STRING)
_JSON = Schema(Type.STRING, name="io.debezium.data.Json", version=1)


@dataclass(frozen=True, slots=True)
class Routing:
    """Topic by aggregate type, key is the aggregate's id, value the payload, headers ``id``, type and the event's own.

    ``type_header``   the header that tells the event's type, empty for none: EventRouter's
                      ``table.fields.additional.placement=type:header:eventType``
    ``expand``        whether the payload is given to the converter as the value that its JSON describes, with a schema
                      made for it: EventRouter's ``table.expand.json.payload``
    """

    key: Converter
    value: Converter
    header: Converter
    topic: str = DEFAULT_TOPIC
    type_header: str = DEFAULT_TYPE_HEADER
    expand: bool = False

    def message(self, event: QueuedEvent) -> Message:
        """The message. Raises `headwater.converter.ConversionError`."""
        topic = self.topic.replace(ROUTED_BY, event.aggregate.type)
        key = self.key.convert(topic, _TEXT, event.aggregate.id)
        return 0, topic, key, self._value(topic, event), self._headers(topic, event), ANY_PARTITION, NOW

    def _value(self, topic: str, event: QueuedEvent) -> bytes | None:
        if self.expand:
            try:
                payload = json_payload.read(event.payload, nulls=False)
            except JsonPayloadError as error:
                log.warning("the payload is not expanded", id=event.id, type=event.type, reason=str(error))
            else:
                return self.value.convert(topic, _schema(payload.type), payload.value)
        return self.value.convert(topic, _JSON, event.payload)

    def _headers(self, topic: str, event: QueuedEvent) -> Headers:
        named = {"id": event.id}
        if self.type_header:
            named[self.type_header] = event.type
        named.update(event.headers)
        return [(name, self.header.convert(topic, _TEXT, value)) for name, value in named.items()]


@lru_cache(1000)
def _schema(kind: json_payload.Type) -> Schema:
    """The same one for all payloads of a type: converters know a schema again by its identity."""
    return json_payload.schema(kind, PAYLOAD)
