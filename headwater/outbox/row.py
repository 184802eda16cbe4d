"""From an event to the row that is written, checked, whatever library writes it."""

import dataclasses
import uuid

from headwater.outbox.errors import InvalidFieldError, PayloadTooLargeError
from headwater.outbox.event import Outboxable
from headwater.outbox.payload import payload_json

DEFAULT_MAX_PAYLOAD_BYTES = 1_048_576


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What a row may hold: the text columns in characters (None: no limit), the payload in bytes of JSON."""

    aggregate_type: int | None = 255
    aggregate_id: int | None = 255
    type: int | None = 255
    payload_bytes: int = DEFAULT_MAX_PAYLOAD_BYTES


@dataclasses.dataclass(frozen=True, slots=True)
class OutboxRow:
    """A row of the outbox table, but for `timestamp`, which the database sets. `payload` is JSON text."""

    id: uuid.UUID
    aggregate_type: str
    aggregate_id: str
    type: str
    payload: str


def row_of(event: Outboxable, limits: Limits) -> OutboxRow:
    """The row that publishes `event`, with a new random id.

    Raises InvalidFieldError, PayloadNotSerializableError or PayloadTooLargeError.
    """
    event_type = _text(type(event).__name__, "type", event.type, limits.type)
    aggregate_type = _text(event_type, "aggregate_type", event.aggregate_type, limits.aggregate_type)
    aggregate_id = _text(event_type, "aggregate_id", event.aggregate_id, limits.aggregate_id)
    payload = payload_json(event_type, event.payload)
    if len(payload) > limits.payload_bytes:
        raise PayloadTooLargeError(event_type, len(payload), limits.payload_bytes)
    return OutboxRow(uuid.uuid4(), aggregate_type, aggregate_id, event_type, payload.decode())


def _text(event_type: str, field: str, value: object, limit: int | None) -> str:
    if not isinstance(value, str):
        raise InvalidFieldError(event_type, field, f"must be a str, not {type(value).__name__}")
    if not value:
        raise InvalidFieldError(event_type, field, "is empty")
    if limit is not None and len(value) > limit:
        raise InvalidFieldError(event_type, field, f"is {len(value)} characters long, the column holds {limit}")
    return value
