"""``TimezoneConverter``: moves the times in rows to another time zone.

Text with an offset keeps its instant. Numbers, which have no offset, become those of the instant at which the zone's
clocks showed what they say in UTC.

Source: ``io.debezium.transforms.TimezoneConverter`` (Debezium 3.6).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from headwater.config import REQUIRED, Config, ConfigDef, ConfigError, Importance, Option, OptionType, Problem, Width
from headwater.record import Schema, Type
from headwater.shape import MessageShape, Node, Struct
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.envelope import is_envelope
from headwater.transforms.operand import operand, with_operand
from headwater.tree import Member, call, is_absent, member, members, or_default, whole

log = structlog.get_logger(__name__)

_OFFSET = re.compile(r"([+-])(\d\d):([0-5]\d)(?::([0-5]\d))?")
_RULE = re.compile(r'[".\w\s]+(?::[".\w\s]+){0,2}', re.ASCII)


def parse_zone(name: str) -> tzinfo:
    """A time zone by its name, or an offset as +08:00. Raises ValueError."""
    offset = _OFFSET.fullmatch(name)
    if offset is None:
        try:
            return ZoneInfo(name)
        except (OSError, ValueError, LookupError):
            raise ValueError(
                f"{name!r} is neither a time zone that is known here (as America/Los_Angeles) nor an offset (as +08:00)"
            ) from None
    sign, hours, minutes, seconds = offset.groups("0")
    delta = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds))
    if delta > timedelta(hours=18):
        raise ValueError(f"the offset {name!r} is beyond 18 hours")
    return timezone(-delta if sign == "-" else delta)


def _check_zone(name: str | None) -> str | None:
    try:
        parse_zone(name or "")
    except ValueError as error:
        return str(error)
    return None


def _check_rules(rules: Sequence[str] | None) -> str | None:
    for rule in rules or ():
        if _RULE.fullmatch(rule) is None:
            return f"{rule!r} is none of source:table, source:table:field, topic:name, topic:name:field, name:field"
    return None


def _rules(name: str, label: str, doc: str) -> Option:
    rules = "source:table, source:table:field, topic:name, topic:name:field, or name:field for either."
    return Option(
        name, OptionType.LIST, [], f"{doc}, as {rules}", Importance.HIGH, _check_rules, label=label, width=Width.MEDIUM
    )


OPTIONS = ConfigDef(
    Option(
        "converted.timezone",
        OptionType.STRING,
        REQUIRED,
        "The time zone, by its name (America/Los_Angeles) or its offset (+08:00).",
        Importance.HIGH,
        _check_zone,
        label="Converted Timezone",
        width=Width.MEDIUM,
    ),
    _rules("include.list", "Include List", "The tables, topics and fields to convert, and no others"),
    _rules("exclude.list", "Exclude List", "The tables, topics and fields not to convert"),
)


def create(options: Mapping[str, str], part: Part | None) -> TimezoneConverter:  # noqa: ARG001 - there is one form
    """The transform. Raises `headwater.config.ConfigError`."""
    config = OPTIONS.parse(options)
    if config["include.list"] and config["exclude.list"]:
        message = "Both include and exclude lists are specified. Please specify only one."
        raise ConfigError([Problem("exclude.list", message)])
    return TimezoneConverter(config)


class _Kind(Enum):
    """What rules speak of."""

    TOPIC = "topic"
    SOURCE = "source"
    EITHER = None


class _Rules:
    """The fields that rules name for topics and tables; none named means all."""

    def __init__(self, rules: Sequence[str]) -> None:
        self._fields: dict[tuple[_Kind, str], set[str]] = {}
        kind = _Kind.EITHER
        for rule in rules:
            first, *rest = rule.split(":")
            if rest and first in ("source", "topic"):
                kind = _Kind(first)  # and stays so for what follows, as in Debezium
                first, *rest = rest
            self._fields.setdefault((kind, first), set()).update(rest[:1])

    def fields(self, topic: str, table: str | None) -> set[str] | None:
        """What is named for a topic and table; None where no rule is for them."""
        for kind, name in ((_Kind.TOPIC, topic), (_Kind.SOURCE, table), (_Kind.EITHER, topic), (_Kind.EITHER, table)):
            if name is not None and (kind, name) in self._fields:
                return self._fields[kind, name]
        return None


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which fields are converted: those of ``names``, or with ``all_but`` all others.

    A name is one of ``before`` and ``after``, or says which: ``after.name``. Fields of ``source`` are named so only.
    """

    names: frozenset[str] = frozenset()
    all_but: bool = True

    def takes(self, struct: str, field: str) -> bool:
        named = f"{struct}.{field}" in self.names or (struct != "source" and self._is_plain(field))
        return named is not self.all_but

    def has_source(self) -> bool:
        """Whether anything of ``source`` is named."""
        return any(name.startswith("source.") for name in self.names)

    def _is_plain(self, field: str) -> bool:
        return field in self.names and not field.startswith(("source.", "before.", "after."))


class TimezoneConverter:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config) -> None:
        self._zone = parse_zone(config["converted.timezone"])
        self._includes = bool(config["include.list"])
        self._rules = _Rules(config["include.list"] or config["exclude.list"])

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        value = operand(message, Part.VALUE)
        if value.is_absent(ask) or not is_envelope(value.schema):
            return message
        envelope = value.struct("converting times")
        choice = self._choice(message.topic, _table(envelope, value.node, ask))
        if choice is None:
            return message
        structs = ["before", "after", *(["source"] if choice.has_source() else [])]
        fields = [
            self._converted(field, choice, ask) if field.name in structs else field
            for field in members(envelope, value.node)
        ]
        return with_operand(message, Part.VALUE, envelope, Struct(tuple(field.node for field in fields)))

    def _choice(self, topic: str, table: str | None) -> _Choice | None:
        """What of the messages is converted; None for nothing."""
        fields = self._rules.fields(topic, table)
        if fields is None:
            return None if self._includes else _Choice()
        if not fields:
            return _Choice() if self._includes else None
        return _Choice(frozenset(fields), all_but=not self._includes)

    def _converted(self, struct: Member, choice: _Choice, ask: Ask) -> Member:
        """A row, or the source block, with its times moved."""
        schema = struct.schema
        if schema.type is not Type.STRUCT:
            return struct
        moved = {
            field.name: conversion
            for field in schema.fields
            if choice.takes(struct.name, field.name)
            and (conversion := _conversion(struct.name, field.name, field.schema, self._zone)) is not None
        }
        if not moved or is_absent(schema, struct.node, ask):
            return struct
        nodes: list[Node] = [
            call(moved[field.name], whole(field.schema, or_default(field))) if field.name in moved else field.node
            for field in members(schema, struct.node)
        ]
        return replace(struct, node=Struct(tuple(nodes)))


def _table(envelope: Schema, node: Node, ask: Ask) -> str | None:
    """``source.table``."""
    source = member(envelope, node, "source")
    table = None if source is None else member(source.schema, source.node, "table")
    if table is None or table.schema.type is not Type.STRING:
        return None
    name: str | None = ask(whole(table.schema, table.node))
    return name


_UNITS = {
    "io.debezium.time.Timestamp": 10**3,
    "io.debezium.time.MicroTimestamp": 10**6,
    "io.debezium.time.NanoTimestamp": 10**9,
    "org.apache.kafka.connect.data.Timestamp": 10**3,
}
"""How many of each there are in a second."""
_TEXTS = ("io.debezium.time.ZonedTimestamp", "io.debezium.time.ZonedTime")
_EPOCHS = {"ts_ms": 10**3, "ts_us": 10**6, "ts_ns": 10**9}
_WITHOUT_DATE_OR_TIME = (
    *(f"io.debezium.time.{name}" for name in ("Date", "MicroTime", "NanoTime", "Time")),
    *(f"org.apache.kafka.connect.data.{name}" for name in ("Date", "Time")),
)


def _conversion(struct: str, name: str, schema: Schema, zone: tzinfo) -> Callable[[Any], Any] | None:
    """What moves a field's values; None where they are no times, or have no date."""
    if schema.name in _UNITS:
        return _Local(zone, _UNITS[schema.name])
    if schema.name in _TEXTS:
        return _Text(zone, has_date=schema.name == _TEXTS[0])
    if schema.name is None and struct == "source" and name in _EPOCHS and schema.type is Type.INT64:
        return _Epoch(zone, _EPOCHS[name])
    if schema.name in _WITHOUT_DATE_OR_TIME:
        log.warning("a date, or a time of day, is in no time zone", field=name, type=schema.name)
    return None


_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - what clocks show, in no zone
_LEAST, _MOST = -62_135_510_400, 253_402_214_400
"""More than half a day within the first and the last second that Python knows."""


def _clock(seconds: int) -> datetime:
    """What a clock shows so many seconds after 1970 began there, within the years that Python knows."""
    return _EPOCH + timedelta(seconds=min(max(seconds, _LEAST), _MOST))


def _offset_at_clock(zone: tzinfo, seconds: int) -> int:
    """The offset from UTC when clocks there show this; the earlier one where they show it twice or never."""
    return _seconds(_clock(seconds).replace(tzinfo=zone).utcoffset())


def _offset_at(zone: tzinfo, seconds: int) -> int:
    """The offset from UTC at an instant."""
    return _seconds(_clock(seconds).replace(tzinfo=UTC).astimezone(zone).utcoffset())


def _seconds(offset: timedelta | None) -> int:
    return 0 if offset is None else int(offset.total_seconds())


@dataclass(frozen=True, slots=True)
class _Local:
    """Takes a number for what clocks show, and gives it for the instant."""

    zone: tzinfo
    unit: int

    def __call__(self, value: int | None) -> int | None:
        return None if value is None else value - _offset_at_clock(self.zone, value // self.unit) * self.unit


@dataclass(frozen=True, slots=True)
class _Epoch:
    """Takes a number for an instant, and gives it for what clocks show."""

    zone: tzinfo
    unit: int

    def __call__(self, value: int | None) -> int | None:
        return None if value is None else value + _offset_at(self.zone, value // self.unit) * self.unit


_DATE = r"(?P<date>\d{4}-\d\d-\d\d)T"
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?"
_ZONE = r"(?P<zone>Z|[+-]\d\d:\d\d(?::\d\d)?)"
_WRITTEN = {has_date: re.compile((_DATE if has_date else "") + _TIME + _ZONE, re.ASCII) for has_date in (True, False)}


@dataclass(frozen=True, slots=True)
class _Text:
    """Writes an instant with the offset that the zone has, now where the text has no date."""

    zone: tzinfo
    has_date: bool

    def __call__(self, text: str | None) -> str | None:
        if text is None:
            return None
        found = _WRITTEN[self.has_date].fullmatch(text)
        if found is None:
            raise TransformError(f"{text!r} is no time with an offset from UTC")
        try:
            return self._moved(found)
        except (ValueError, OverflowError) as error:
            raise TransformError(f"{text!r} can't be moved to another time zone: {error}") from None

    def _moved(self, found: re.Match[str]) -> str:
        """Raises ValueError and OverflowError beyond the years that Python knows."""
        date = found["date"] if self.has_date else "1970-01-01"
        clock = datetime.fromisoformat(f"{date}T{found['hour']}:{found['minute']}:{found['second'] or '00'}")
        old = 0 if found["zone"] == "Z" else _seconds(parse_zone(found["zone"]).utcoffset(None))
        if self.has_date:
            new = _offset_at_clock(self.zone, (clock - _EPOCH) // timedelta(seconds=1))
        else:
            new = _offset_at(self.zone, int(datetime.now(UTC).timestamp()))
        moved = clock + timedelta(seconds=new - old)
        fraction = (found["fraction"] or "").rstrip("0")
        written = moved.isoformat() if self.has_date else moved.time().isoformat()
        return f"{written}{'.' if fraction else ''}{fraction}{_written_offset(new)}"


def _written_offset(offset: int) -> str:
    """As ISO 8601 has it, and Java its seconds."""
    if not offset:
        return "Z"
    minutes, seconds = divmod(abs(offset), 60)
    behind = f":{seconds:02}" if seconds else ""
    return f"{'-' if offset < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}{behind}"
