"""An event's payload as JSON, or the reason why there is none."""

import dataclasses
import json
from typing import Literal

import orjson

from headwater.outbox.errors import PayloadNotSerializableError


def payload_json(event_type: str, payload: object) -> bytes:
    """The payload as UTF-8 JSON. Raises PayloadNotSerializableError, for NaN and infinities too."""
    try:
        text = orjson.dumps(payload, default=_json_of_model)
        if b"null" in text:
            _refuse_not_finite(payload)
    except (TypeError, ValueError) as error:
        raise PayloadNotSerializableError(event_type, str(error)) from error
    return text


def members_of_model(value: object, mode: Literal["python", "json"] = "python") -> object:
    """The members of a Pydantic model, by their aliases; None for any other object."""
    dump = getattr(value, "model_dump", None)
    return None if dump is None or isinstance(value, type) else dump(mode=mode, by_alias=True)


def _json_of_model(value: object) -> object:
    members = members_of_model(value, "json")
    if members is None:
        raise TypeError  # orjson says of which type
    return members


def _refuse_not_finite(payload: object) -> None:
    # orjson writes NaN and infinities as null, and consumers would read "no value" for "not a number".
    json.dumps(payload, allow_nan=False, default=_members)


def _members(value: object) -> object:
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return members_of_model(value)  # nothing else that orjson writes (datetime, UUID, enum …) has members
