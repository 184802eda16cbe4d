"""``TimestampConverter``: writes a time in another form: text, Unix time, or Connect's Date, Time and Timestamp.

Source: ``org.apache.kafka.connect.transforms.TimestampConverter`` (Kafka 4.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from headwater.config import (
    REQUIRED,
    Config,
    ConfigDef,
    ConfigError,
    Importance,
    Option,
    OptionType,
    Problem,
    exactly_one_of,
)
from headwater.java_dates import JavaDateFormat
from headwater.java_number import truncated
from headwater.record import Schema, Type
from headwater.shape import MessageShape, Struct
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.operand import REPLACE_NULL, operand, with_operand
from headwater.transforms.timestamp_router import check_format
from headwater.tree import Member, call, is_absent, whole, with_fields

_DATA = "org.apache.kafka.connect.data."
_DAY = 86_400_000
_LOGICAL = {f"{_DATA}{name}": name for name in ("Date", "Time", "Timestamp")}
_SCHEMAS = {
    "string": Schema(Type.STRING),
    "unix": Schema(Type.INT64),
    "Date": Schema(Type.INT32, name=f"{_DATA}Date", version=1),
    "Time": Schema(Type.INT32, name=f"{_DATA}Time", version=1),
    "Timestamp": Schema(Type.INT64, name=f"{_DATA}Timestamp", version=1),
}
_NANOSECONDS = {"seconds": 10**9, "milliseconds": 10**6, "microseconds": 10**3, "nanoseconds": 1}

OPTIONS = ConfigDef(
    Option("field", OptionType.STRING, "", "The field that holds the time; none: all of it.", Importance.HIGH),
    Option(
        "target.type",
        OptionType.STRING,
        REQUIRED,
        "The form it gets.",
        Importance.HIGH,
        exactly_one_of(*_SCHEMAS),
    ),
    Option(
        "format",
        OptionType.STRING,
        "",
        "How text stands for a time, in UTC: a pattern of Java's SimpleDateFormat.",
        Importance.MEDIUM,
        check_format,
    ),
    Option(
        "unix.precision",
        OptionType.STRING,
        "milliseconds",
        "What Unix time counts.",
        Importance.LOW,
        exactly_one_of(*reversed(_NANOSECONDS)),
    ),
    REPLACE_NULL,
)


def create(options: Mapping[str, str], part: Part | None) -> TimestampConverter:
    """The transform. Raises `headwater.config.ConfigError`."""
    config = OPTIONS.parse(options)
    if config["target.type"] == "string" and not config["format"].strip():
        message = "TimestampConverter requires format option to be specified when using string timestamps"
        raise ConfigError([Problem("format", message)])
    return TimestampConverter(config, part)


class TimestampConverter:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config, part: Part | None) -> None:
        self._part = part
        self._field: str = config["field"]
        self._target: str = config["target.type"]
        self._format = JavaDateFormat(config["format"]) if config["format"].strip() else None
        self._unit = _NANOSECONDS[config["unix.precision"]]
        self._defaults: bool = config["replace.null.with.default"]

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape:
        """As `Transform.plan`."""
        found = operand(message, self._part)
        if found.schema is None and found.is_absent(ask):
            return message
        if not self._field:
            if found.schema is None:
                raise TransformError("converting times takes a schema, and there is none")
            converted = self._converted(Member("", found.schema, found.node))
            return with_operand(message, self._part, converted.schema, converted.node)
        schema = found.struct("converting times")
        fields = found.members("converting times", defaults=self._defaults)
        fields = [self._converted(field) if field.name == self._field else field for field in fields]
        changed = replace(with_fields(schema, fields), optional=schema.optional)
        if is_absent(schema, found.node, ask):
            return with_operand(message, self._part, changed, found.node)
        return with_operand(message, self._part, changed, Struct(tuple(field.node for field in fields)))

    def _converted(self, field: Member) -> Member:
        schema = replace(_SCHEMAS[self._target], optional=field.schema.optional)
        read, write = self._reader(field.schema), self._writer()

        def convert(value: Any) -> Any:
            return None if value is None else write(read(value))

        return Member(field.name, schema, call(convert, whole(field.schema, field.node)))

    def _reader(self, schema: Schema) -> Callable[[Any], int]:
        """What takes a value to milliseconds since 1970."""
        logical = _LOGICAL.get(schema.name or "")
        if logical is not None:
            return (lambda days: days * _DAY) if logical == "Date" else (lambda milliseconds: milliseconds)
        if schema.type is Type.STRING:
            if self._format is None:
                raise TransformError("a time in text can't be read without the option format")
            return self._format.parse
        if schema.type is Type.INT64:
            return lambda unix: truncated(unix * self._unit, 10**6)
        raise TransformError(f"values of type {schema.name or schema.type} stand for no time that is known here")

    def _writer(self) -> Callable[[int], Any]:
        """What makes the target of milliseconds since 1970."""
        match self._target:
            case "string":
                assert self._format is not None  # noqa: S101 - see `create`
                return self._format.format
            case "unix":
                return lambda milliseconds: truncated(milliseconds * 10**6, self._unit)
            case "Date":
                return lambda milliseconds: milliseconds // _DAY
            case "Time":
                return lambda milliseconds: milliseconds % _DAY
            case _:
                return lambda milliseconds: milliseconds
