"""The headers that an outbox's row has for its message: those of the event's own, and its trace context.

Source: ``io.debezium.transforms.tracing.ActivateTracingSpan`` (Debezium 3.6) for the column that holds a trace context;
W3C Trace Context for what one looks like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from headwater.properties import PropertiesError, parse_properties
from headwater.record import Schema, Type
from headwater.shape import HeaderShape
from headwater.transform import TransformError
from headwater.tree import Item, Scalar, call

_STRING = Schema(Type.STRING)

_TRACE_PARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.DOTALL
)
_BESIDE_TRACE_PARENT = ("tracestate", "baggage")


def trace_context(text: str | None) -> Mapping[str, str]:
    """The headers of the trace context in a Java properties file; none where it holds no valid one.

    Raises `TransformError`.
    """
    if text is None:
        return {}
    try:
        properties = parse_properties(text.encode())
    except (PropertiesError, UnicodeEncodeError) as error:
        raise TransformError(f"the trace context is no properties file: {error}") from None
    parent = properties.get("traceparent", "")
    if _TRACE_PARENT.fullmatch(parent) is None:
        return {}
    return {"traceparent": parent, **{name: properties[name] for name in _BESIDE_TRACE_PARENT if properties.get(name)}}


def own_headers(value: str | Mapping[str, Any] | None) -> Mapping[str, str]:
    """The headers in a JSON object, or a map, of strings; none of null. Raises `TransformError`."""
    if value is None:
        return {}
    try:
        members: Any = orjson.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise TransformError(f"the event's headers are not JSON: {error}") from None
    if members is None:
        return {}
    if not isinstance(members, Mapping) or not all(isinstance(member, str) for member in members.values()):
        raise TransformError("the event's headers are no JSON object of strings")
    return members


def present(own: Mapping[str, str], *values: Any) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """The names of the event's own headers, and which of ``values`` are not null."""
    return tuple(own), tuple(value is not None for value in values)


def header_shapes(names: Iterable[str], texts: Scalar) -> Iterator[HeaderShape]:
    """Headers of these names, their texts taken out of a dict."""
    for name in names:
        yield HeaderShape(name, _STRING, call(Item(name), texts))


def merged(headers: Iterable[HeaderShape], others: Iterable[HeaderShape]) -> tuple[HeaderShape, ...]:
    """The headers with ``others``, which take the place of those of the same name."""
    replacing = {header.name: header for header in others}
    kept = [replacing.pop(header.name, header) for header in headers]
    return (*kept, *replacing.values())
