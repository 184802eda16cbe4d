"""Messages as lines of text, for people and for tools that read JSON lines."""

from __future__ import annotations

import time
from typing import Any

import orjson

from headwater.sink import ANY_PARTITION, Message

_ON_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


def json_line(message: Message) -> bytes:
    """``{"topic", "partition", "timestamp", "headers", "key", "value"}`` and a line end.

    A key or value that is JSON stands there as it is, other text as a string; of bytes that are neither, each is the
    character of its number. Headers are a list of ``{"name", "value"}``, values always strings (or null).
    """
    _, topic, key, value, headers, partition, timestamp = message
    line = {
        "topic": topic,
        "partition": None if partition == ANY_PARTITION else partition,
        "timestamp": timestamp or time.time_ns() // 1_000_000,
        "headers": [
            {"name": name, "value": None if header is None else _text(header)} for name, header in headers or ()
        ],
        "key": _embedded(key),
        "value": _embedded(value),
    }
    return orjson.dumps(line) + b"\n"


def readable(message: Message) -> bytes:
    """A few lines, with an empty one behind them."""
    _, topic, key, value, headers, partition, _ = message
    place = topic if partition == ANY_PARTITION else f"{topic}  partition {partition}"
    lines = [place.encode(), b"  key    " + _shown(key), b"  value  " + _shown(value)]
    lines += (b"  " + name.encode() + b": " + _shown(header) for name, header in headers or ())
    return b"\n".join(lines) + b"\n\n"


def _embedded(data: bytes | None) -> Any:
    if data is None:
        return None
    try:
        orjson.loads(data)
    except ValueError:
        return _text(data)
    return orjson.Fragment(data.translate(_ON_ONE_LINE))  # strings have no raw line ends: these are between values


def _shown(data: bytes | None) -> bytes:
    """One line of UTF-8, nothing in it that a terminal would take for an order."""
    if data is None:
        return b"null"
    text = _text(data)
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text).encode()


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
