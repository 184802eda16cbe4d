"""MongoDB's extended JSON, which the connector writes documents in, as Python values.

    ObjectId        str, 24 hexadecimal digits     Decimal128    decimal.Decimal
    Date            datetime in UTC                Binary        bytes; of subtype 4 uuid.UUID
    Int32, Int64    int                            the others    as the JSON has them

Source: the specification "MongoDB Extended JSON (v2)", canonical and relaxed.
"""

from __future__ import annotations

import uuid
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def loads(text: str) -> Any:
    """The value that the text is of. Raises ValueError."""
    return values(orjson.loads(text))


def values(value: Any) -> Any:
    """The same of JSON that was read already. Raises ValueError."""
    if isinstance(value, list):
        return [values(each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, content),) = value.items()
        if name in _TYPES:
            return _typed(name, content)
    return {name: values(member) for name, member in value.items()}


def _typed(name: str, content: Any) -> Any:
    try:
        return _TYPES[name](content)
    except (TypeError, KeyError, ValueError, ArithmeticError) as error:
        raise ValueError(f"extended JSON has a {name} of a form that is unknown") from error


def _date(content: Any) -> datetime:
    if isinstance(content, str):
        return datetime.fromisoformat(content)
    milliseconds = int(content["$numberLong"]) if isinstance(content, dict) else content
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _binary(content: Any) -> bytes | uuid.UUID:
    data = b64decode(content["base64"], validate=True)
    return uuid.UUID(bytes=data) if int(content["subType"], 16) == 4 else data


_TYPES: dict[str, Callable[[Any], Any]] = {
    "$oid": str,
    "$date": _date,
    "$numberInt": int,
    "$numberLong": int,
    "$numberDouble": float,
    "$numberDecimal": Decimal,
    "$binary": _binary,
    "$uuid": uuid.UUID,
}
