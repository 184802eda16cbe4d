"""An outbox's events, as Debezium's EventRouter sends them: the payload is the message, the rest stands around it.

Source: Debezium's documentation, "Outbox Event Router".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from headwater.consumer import Message
from headwater.converters.json_reader import JsonDeserializer
from headwater.deserializer import DeserializationError, Deserializer, RetriableDeserializationError
from headwater.inbox.events import extended_json
from headwater.inbox.events.errors import EventError
from headwater.typed.errors import MisfitError
from headwater.typed.model import fit
from headwater.typed.semantic import converted

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OutboxEvent(Generic[T]):
    """``id`` and ``type`` as published, ``aggregate_id`` from the key, ``payload`` as its type's model."""

    id: str
    type: str
    aggregate_id: str
    payload: T
    headers: Mapping[str, str]
    message: Message = field(repr=False)


@dataclass(frozen=True, slots=True)
class OutboxEvents(Generic[T]):
    """Reads messages as events whose payload is like the model of their type.

    A payload may be JSON in text; MongoDB's extended JSON in it is read as that of documents in change events.

    ``models``        by type, such as ``{"CoursePostedEvent": CoursePosted}``
    ``type_header``   the header with the type, as `headwater relay` writes it and EventRouter does with
                      ``table.fields.additional.placement=type:header:eventType``, or, where there is none, the
                      payload's member of that name
    """

    models: Mapping[str, type[T]]
    type_header: str = "eventType"
    payloads: Deserializer = field(default_factory=JsonDeserializer)

    def read(self, message: Message) -> OutboxEvent[T] | None:
        """The event; None where its type is none of ``models``: topics have events for others too.

        Raises `EventError`, `RetriableDeserializationError`.
        """
        if message.value is None:
            raise EventError(f"{message}: an event is wanted, not a tombstone")
        try:
            payload = converted(*self.payloads.read(message.topic, message.value))
            if isinstance(payload, str):  # expand.json.payload is off: JSON in a JSON string
                payload = converted(*self.payloads.read(message.topic, payload.encode()))
            payload = _documents(payload)
            event_type = self._type(message, payload)
            model = self.models.get(event_type)
            if model is None:
                return None
            body = fit(model, payload)
        except RetriableDeserializationError:
            raise
        except (DeserializationError, MisfitError) as error:
            raise EventError(f"{message}: {error}") from error
        headers = {name: _text(value) for name, value in message.headers if value is not None}
        return OutboxEvent(headers.get("id", ""), event_type, _key(message), cast("T", body), headers, message)

    def _type(self, message: Message, payload: Any) -> str:
        header = message.header(self.type_header)
        if header is not None:
            return _text(header)
        if isinstance(payload, dict) and isinstance(member := payload.get(self.type_header), str):
            return member
        raise MisfitError(
            f"no header {self.type_header!r} tells the event's type: give the connector "
            f"table.fields.additional.placement=type:header:{self.type_header}"
        )


def _documents(payload: Any) -> Any:
    """MongoEventRouter sends documents as canonical extended JSON."""
    try:
        return extended_json.values(payload)
    except (ValueError, RecursionError) as error:
        raise MisfitError(f"the payload is no extended JSON: {error}") from error


def _key(message: Message) -> str:
    """The aggregate's id: text, or JSON's string, with a schema perhaps."""
    if message.key is None:
        return ""
    try:
        key = JsonDeserializer().read(message.topic, message.key).value
    except DeserializationError:
        return _text(message.key)
    return key if isinstance(key, str) else _text(message.key)


def _text(value: bytes) -> str:
    text = value.decode(errors="backslashreplace")
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
