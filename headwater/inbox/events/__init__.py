"""Typed reading of change events and outbox events."""

from headwater.converters.json_reader import JsonDeserializer
from headwater.inbox.events.change_event import ChangeEvent, ChangeEvents, Source
from headwater.inbox.events.errors import EventError
from headwater.inbox.events.outbox_event import OutboxEvent, OutboxEvents
from headwater.inbox.events.position import Position
from headwater.typed.model import Column
from headwater.typed.semantic import (
    Date,
    MicroDuration,
    MicroTime,
    MicroTimestamp,
    NanoDuration,
    NanoTime,
    NanoTimestamp,
    Semantic,
    Time,
    Timestamp,
    ZonedTimestamp,
    scale,
)

__all__ = [
    "ChangeEvent",
    "ChangeEvents",
    "Column",
    "Date",
    "EventError",
    "JsonDeserializer",
    "MicroDuration",
    "MicroTime",
    "MicroTimestamp",
    "NanoDuration",
    "NanoTime",
    "NanoTimestamp",
    "OutboxEvent",
    "OutboxEvents",
    "Position",
    "Semantic",
    "Source",
    "Time",
    "Timestamp",
    "ZonedTimestamp",
    "scale",
]
