"""From an event to the row that is written, checked, whatever library writes it."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Mapping
from typing import Any

from headwater.outbox import trace_context
from headwater.outbox.errors import InvalidFieldError, PayloadTooLargeError
from headwater.outbox.event import Event, Publishable, outboxable
from headwater.outbox.payload import payload_json

DEFAULT_MAX_PAYLOAD_BYTES = 1_048_576
RESERVED_HEADERS = ("id",)
"""Headers that a message has of its own."""


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What a row may hold: the text columns in characters (None: no limit), the payload in bytes of JSON.

    ``headers``  whether there is a column for them
    """

    aggregate_type: int | None = 255
    aggregate_id: int | None = 255
    type: int | None = 255
    payload_bytes: int = DEFAULT_MAX_PAYLOAD_BYTES
    headers: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class OutboxRow:
    """A row of the outbox table as a service writes it; every other column has a default.

    ``payload``                  JSON text
    ``headers``                  the event's own headers, as the text of a JSON object of strings; None without any
    ``traceparent, tracestate``  the W3C trace context that it was published in
    """

    id: uuid.UUID
    aggregate_type: str
    aggregate_id: str
    type: str
    payload: str
    headers: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None


COLUMNS = tuple(field.name for field in dataclasses.fields(OutboxRow))
REQUIRED_COLUMNS = COLUMNS[:5]
"""Those that every outbox has; without the others, events have no headers and no trace context."""


def row_of(event: Publishable, limits: Limits, headers: Mapping[str, str] | None = None) -> OutboxRow:
    """The row that publishes `event`, with a new random id.

    A trace context in ``headers`` takes the place of the current one. Raises InvalidFieldError,
    PayloadNotSerializableError or PayloadTooLargeError.
    """
    checked = checked_event(event, limits)
    payload = payload_json(checked.type, checked.payload)
    check_size(checked.type, len(payload), limits)
    own, trace = split_headers(checked.type, headers, limits)
    text = json.dumps(own, ensure_ascii=False) if own else None
    return OutboxRow(
        uuid.uuid4(), checked.aggregate_type, checked.aggregate_id, checked.type, payload.decode(), text, **trace
    )


def checked_event(event: Publishable, limits: Limits) -> Event:
    """The event's members, its payload as it is. Raises InvalidFieldError."""
    members = outboxable(event)
    event_type = _text(type(event).__name__, "type", members.type, limits.type)
    return Event(
        aggregate_type=_text(event_type, "aggregate_type", members.aggregate_type, limits.aggregate_type),
        aggregate_id=_text(event_type, "aggregate_id", members.aggregate_id, limits.aggregate_id),
        type=event_type,
        payload=members.payload,
    )


def check_size(event_type: str, size: int, limits: Limits) -> None:
    """Raises PayloadTooLargeError."""
    if size > limits.payload_bytes:
        raise PayloadTooLargeError(event_type, size, limits.payload_bytes)


def split_headers(
    event_type: str, headers: Mapping[str, str] | None, limits: Limits
) -> tuple[dict[str, str], dict[str, str]]:
    """(the event's own headers, its trace context). Raises InvalidFieldError."""
    unchecked: Any = {} if headers is None else headers
    if not isinstance(unchecked, Mapping):
        raise InvalidFieldError(event_type, "headers", f"must be a mapping, not {type(unchecked).__name__}")
    own = dict(unchecked)
    for name, value in own.items():
        if not isinstance(name, str) or not name or not isinstance(value, str):
            raise InvalidFieldError(event_type, "headers", "must have strings as names, none of them empty, and values")
        if name in RESERVED_HEADERS:
            raise InvalidFieldError(event_type, "headers", f"can't have {name!r}: every message has its own")
    given = {name: own.pop(name) for name in trace_context.NAMES if name in own}
    if own and not limits.headers:
        raise InvalidFieldError(event_type, "headers", "have no column in the outbox table: add one, headers JSON NULL")
    for name, value in given.items():
        _text(event_type, name, value, trace_context.LONGEST[name])
    return own, given or trace_context.current()


def _text(event_type: str, field: str, value: object, limit: int | None) -> str:
    if not isinstance(value, str):
        raise InvalidFieldError(event_type, field, f"must be a str, not {type(value).__name__}")
    if not value:
        raise InvalidFieldError(event_type, field, "is empty")
    if limit is not None and len(value) > limit:
        raise InvalidFieldError(event_type, field, f"is {len(value)} characters long, the column holds {limit}")
    return value
