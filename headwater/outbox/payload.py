"""An event's payload as JSON, or the reason why there is none."""

import dataclasses
import json

import orjson

from headwater.outbox.errors import PayloadNotSerializableError


def payload_json(event_type: str, payload: object) -> bytes:
    """The payload as UTF-8 JSON. Raises PayloadNotSerializableError, for NaN and infinities too."""
    try:
        text = orjson.dumps(payload)
        if b"null" in text:
            _refuse_not_finite(payload)
    except (TypeError, ValueError) as error:
        raise PayloadNotSerializableError(event_type, str(error)) from error
    return text


def _refuse_not_finite(payload: object) -> None:
    # orjson writes NaN and infinities as null, and consumers would read "no value" for "not a number".
    json.dumps(payload, allow_nan=False, default=_members)


def _members(value: object) -> object:
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None  # nothing else that orjson writes (datetime, UUID, enum …) has members
