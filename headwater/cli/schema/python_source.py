"""Messages as Python source: dataclasses or Pydantic models that `headwater.inbox.events` reads them into.

Nothing from outside (names of topics, tables, columns, types of events) enters the source except as an identifier, by
`headwater.cli.schema.names.literal`, or in a comment of one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import click

from headwater.cli.connector_file import Built
from headwater.cli.schema.messages import Messages, MessageType, of_texts
from headwater.cli.schema.names import (
    OF_BASE_MODEL,
    PROTECTED_BY_PYDANTIC,
    RESERVED_CLASSES,
    RESERVED_FIELDS,
    Namer,
    class_name,
    comment,
    field_name,
    literal,
    variable_name,
)
from headwater.cli.schema.value_type import (
    Anything,
    Array,
    Map,
    Member,
    Scalar,
    Struct,
    Unknown,
    ValueType,
    merged,
    of_schema,
)
from headwater.converter import Converter
from headwater.converters.avro.converter import AvroConverter
from headwater.converters.binary_data import BinaryDataConverter
from headwater.converters.byte_array import ByteArrayConverter
from headwater.converters.json import JsonConverter
from headwater.converters.string import StringConverter
from headwater.inbox.events import extended_json
from headwater.record import DECIMAL, Schema, Type

_WIDTH = 120
_MOST_NOTED = 80
_BYTES_AS_THEY_ARE = (BinaryDataConverter, ByteArrayConverter)
_TEXT_AS_IT_IS = (*_BYTES_AS_THEY_ARE, StringConverter)
"""Converters that write a payload of text or bytes without a word of their own."""


class Style(StrEnum):
    """What the classes are."""

    DATACLASS = "dataclass"
    PYDANTIC = "pydantic"


@dataclass(frozen=True, slots=True)
class _Call:
    """A call in the source; ``type`` is what its result is, where checkers can't tell."""

    function: str
    arguments: list[str]
    type: str | None = None

    def assigned_to(self, variable: str) -> list[str]:
        """The lines of the assignment."""
        head = f"{variable} = {self.function}(" if self.type is None else f"{variable}: {self.type} = {self.function}("
        line = f"{head}{', '.join(self.arguments)})"
        if len(line) <= _WIDTH:
            return [line]
        return [head, *(f"    {argument}," for argument in self.arguments), ")"]


_RESERVED = {Style.DATACLASS: RESERVED_FIELDS, Style.PYDANTIC: RESERVED_FIELDS | OF_BASE_MODEL}


class _Read(NamedTuple):
    """What a value is read as, and the mark that tells its unit where messages have no schemas."""

    type: str
    mark: str | None = None


_BY_NAME = {
    "io.debezium.time.Date": _Read("dt.date"),
    "io.debezium.time.IsoDate": _Read("dt.date"),
    "io.debezium.time.Timestamp": _Read("dt.datetime", "Timestamp"),
    "io.debezium.time.MicroTimestamp": _Read("dt.datetime", "MicroTimestamp"),
    "io.debezium.time.NanoTimestamp": _Read("dt.datetime", "NanoTimestamp"),
    "io.debezium.time.ZonedTimestamp": _Read("dt.datetime"),
    "io.debezium.time.Time": _Read("dt.timedelta", "Time"),
    "io.debezium.time.MicroTime": _Read("dt.timedelta", "MicroTime"),
    "io.debezium.time.NanoTime": _Read("dt.timedelta", "NanoTime"),
    "io.debezium.time.MicroDuration": _Read("dt.timedelta", "MicroDuration"),
    "io.debezium.time.NanoDuration": _Read("dt.timedelta", "NanoDuration"),
    "org.apache.kafka.connect.data.Date": _Read("dt.date"),
    "org.apache.kafka.connect.data.Time": _Read("dt.timedelta", "Time"),
    "org.apache.kafka.connect.data.Timestamp": _Read("dt.datetime", "Timestamp"),
    "io.debezium.data.VariableScaleDecimal": _Read("Decimal"),
    "io.debezium.data.Uuid": _Read("UUID"),
    "io.debezium.data.EnumSet": _Read("set[str]"),
}
"""What `headwater.inbox.events` makes of Debezium's and Kafka Connect's types."""
_BY_TYPE = {
    **dict.fromkeys((Type.INT8, Type.INT16, Type.INT32, Type.INT64), "int"),
    **dict.fromkeys((Type.FLOAT32, Type.FLOAT64), "float"),
    Type.BOOLEAN: "bool",
    Type.STRING: "str",
    Type.BYTES: "bytes",
}
_IMPORTS = {
    "dt": "import datetime as dt",
    "dataclass": "from dataclasses import dataclass",
    "Decimal": "from decimal import Decimal",
    "Annotated": "from typing import Annotated",
    "Any": "from typing import Any",
    "UUID": "from uuid import UUID",
    "BaseModel": "from pydantic import BaseModel",
    "Field": "from pydantic import Field",
    "AvroDeserializer": "from headwater.converters.avro.reader import AvroDeserializer",
}
"""The others are `headwater.inbox.events`'."""


def python_source(found: Messages, parts: Built, style: Style) -> str:
    """A module with a class for what the messages hold, and what reads them. Raises `click.ClickException`."""
    return _Module(parts, style).source(found)


class _Module:
    """The source while it is being written."""

    def __init__(self, parts: Built, style: Style) -> None:
        self._parts = parts
        self._style = style
        self._used: set[str] = set()
        self._classes = Namer(RESERVED_CLASSES)
        self._variables = Namer()
        self._lines: list[str] = []

    def source(self, found: Messages) -> str:
        topics: dict[str, list[MessageType]] = {}
        for message in found.types:
            topics.setdefault(message.topic, []).append(message)
        for topic, types in topics.items():
            self._lines += ["", "", comment(f"# Topic {topic}")]
            if types[0].router is not None:
                self._outbox(topic, types)
            else:
                self._rows(found.table, (found.table if len(topics) == 1 else topic).rpartition(".")[2], types[0])
        rows = f"{found.rows} row{'s' if found.rows != 1 else ''} of {found.table}"
        told = f"from {rows}" if found.rows else f"from the structure of {found.table}"
        head = [comment(f"# What connector {self._parts.name} sends, by headwater schema, {told}."), ""]
        imports = self._imports()
        registry = ["", 'SCHEMA_REGISTRY = "http://localhost:8081"'] if "AvroDeserializer" in self._used else []
        return "\n".join([*head, *imports, *registry, *self._lines[1:], ""])

    def _imports(self) -> list[str]:
        lines: dict[str, set[str]] = {}
        for name in self._used:
            line = _IMPORTS.get(name, f"from headwater.inbox.events import {name}")
            module = line.partition(" import ")[0]
            lines.setdefault(module, set()).add(line.partition(" import ")[2] or "")
        plain = [module for module in lines if module.startswith("import ")]
        written = {
            module: f"{module} import {', '.join(sorted(names, key=_as_ruff_sorts))}"
            for module, names in lines.items()
            if module not in plain
        }
        installed = sorted(m for m in written if m.startswith(("from headwater", "from pydantic")))
        standard = sorted(m for m in written if m not in installed)
        return [
            *plain,
            *(written[m] for m in standard),
            *([""] if installed and (plain or standard) else []),
            *(written[m] for m in installed),
        ]

    def _rows(self, table: str, name: str, message: MessageType) -> None:
        """Changes, in envelopes or flattened; ``name`` is for their class."""
        row = self._row(table, message)
        if not isinstance(row.kind, Struct):
            self._lines.append(f"# Values are no rows: each is {self._annotation(row, class_name(name))}.")
            return
        key = self._key(name, message)
        of = "event.before and event.after" if message.is_change else "event.after"
        model = self._class(row.kind, name, f"# A row of {table}: {of} of what is read below.")
        call = _Call("ChangeEvents", [model] if message.is_change else [model, 'form="flattened"'])
        converters = {"keys": self._parts.converters.key} if message.key.schemas else {}
        self._reader(call, {**converters, "values": self._parts.converters.value}, variable_name(model), key)

    def _row(self, table: str, message: MessageType) -> ValueType:
        """What `ChangeEvents` reads into a model. Raises `click.ClickException`."""
        if not message.is_change:
            whole = message.value.type
            if isinstance(whole.kind, Struct):
                members = tuple(each for each in whole.kind.members if not each.name.startswith("__"))
                return ValueType(Struct(members, whole.kind.name))
            return whole
        afters = [_field(schema, "after") for schema in message.value.schemas]
        if afters[0].type is Type.STRUCT:
            return merged(map(of_schema, afters))
        texts = [value[name] for value in message.value.values for name in ("before", "after") if value.get(name)]
        documents = of_texts(texts, extended_json.loads)
        if documents is None:
            raise click.ClickException(
                f"{table} has no documents now, and only documents tell their fields: it takes one at least"
            )
        return documents

    def _key(self, name: str, message: MessageType) -> str | None:
        """The class of keys; None where they are none, or no structs."""
        kind = message.key.type.kind
        if isinstance(kind, Struct):
            return self._class(kind, f"{name}_key", "# A message's key.")
        if message.key.schemas:
            annotation = self._annotation(message.key.type, class_name(name))
            self._lines.append(f"# A message's key is {annotation}: event.key of what is read below.")
        return None

    def _outbox(self, topic: str, types: Sequence[MessageType]) -> None:
        """Events of an outbox, each type by itself."""
        models = {}
        for message in types:
            payload = self._payload(message)
            named = message.event_type or topic.rpartition(".")[2]
            shown = f" of type {message.event_type}" if message.event_type else ""
            if isinstance(payload.kind, Struct):
                model = self._class(payload.kind, named, f"# The payload of an event{shown}.")
            else:
                model = self._annotation(replace(payload, nullable=False), class_name(named))
                self._lines.append(comment(f"# The payload of an event{shown} is {model}."))
            if message.event_type is not None:
                models[message.event_type] = model
        router = types[0].router
        if router is None or router.type_name is None or not models:
            self._lines += [
                "",
                "",
                "# Nothing in the messages tells an event's type, which OutboxEvents reads them by: give the connector",
                "# the option table.fields.additional.placement=type:header:eventType of its transform (of MongoDB's,",
                "# collection.fields.additional.placement).",
            ]
            return
        mapping = ", ".join(f"{literal(name)}: {model}" for name, model in models.items())
        header = [] if router.type_name == "eventType" else [f"type_header={literal(router.type_name)}"]
        converter = self._parts.converters.value
        payloads = {} if isinstance(converter, _TEXT_AS_IT_IS) else {"payloads": converter}
        of = list(dict.fromkeys(models.values()))
        result = f"OutboxEvents[{' | '.join(of)}]" if len(of) > 1 else None
        call = _Call("OutboxEvents", [f"{{{mapping}}}", *header], result)
        self._reader(call, payloads, variable_name(topic), None)

    def _payload(self, message: MessageType) -> ValueType:
        """What `OutboxEvents` reads into a model: JSON in a text is read, too."""
        found = message.value.documents(Type.STRING, extended_json.loads)
        if found is None and isinstance(self._parts.converters.value, _BYTES_AS_THEY_ARE):
            found = message.value.documents(Type.BYTES, extended_json.loads)
        return found or message.value.type

    def _reader(self, call: _Call, converters: Mapping[str, Converter], name: str, key: str | None) -> None:
        """The variable that reads messages, given the converters that write what it reads."""
        self._lines += ["", ""]
        for part, converter in converters.items():
            if isinstance(converter, AvroConverter):
                self._used.add("AvroDeserializer")
                call.arguments.append(f"{part}=AvroDeserializer.at(SCHEMA_REGISTRY)")
            elif not isinstance(converter, JsonConverter):
                writer = type(converter).__name__
                self._lines.append(f"# {call.function} reads JSON and Avro, and {writer} writes the {part}.")
                return
        self._used.add(call.function)
        if call.function == "OutboxEvents":
            self._lines.append("# Keys are aggregate_id of what is read.")
        variable = self._variables.name(f"{name}_events")
        if key is not None:
            self._lines.append(f"# {variable}.read(message).key_as({key}) is the key")
        self._lines += call.assigned_to(variable)

    def _class(self, struct: Struct, name: str, above: str) -> str:
        """Write the class of a struct behind those of its parts; its name."""
        model = self._classes.name(class_name(name))
        fields = list(self._fields(struct, model))
        head = (
            ["@dataclass(frozen=True, kw_only=True)", f"class {model}:"]
            if self._style is Style.DATACLASS
            else [f"class {model}(BaseModel):"]
        )
        self._used.add("dataclass" if self._style is Style.DATACLASS else "BaseModel")
        self._lines += ["", "", comment(above), *head, *(f"    {line}" for line in fields or ["pass"])]
        return model

    def _fields(self, struct: Struct, model: str) -> Iterator[str]:
        names = Namer(_RESERVED[self._style])
        # Fields that keep their names have them first.
        wanted = {member.name: self._field_name(member.name) for member in struct.members}
        own = {name: names.name(name) for name, field in wanted.items() if field == name}
        for member in struct.members:
            name = own.get(member.name) or names.name(wanted[member.name])
            yield self._field(member, name, model)

    def _field_name(self, text: str) -> str:
        name = field_name(text)
        if self._style is Style.PYDANTIC and name.startswith(PROTECTED_BY_PYDANTIC):
            return f"field_{name}"
        return name

    def _field(self, member: Member, name: str, model: str) -> str:
        annotation = self._annotation(member.type, model + class_name(member.name))
        has_default = member.type.nullable or not member.always
        if has_default and not member.type.nullable and annotation != "Any":
            annotation += " | None"
        default = " = None" if has_default else ""
        if name != member.name:
            if self._style is Style.PYDANTIC:
                self._used.add("Field")
                default = f" = Field({'default=None, ' if has_default else ''}alias={literal(member.name)})"
            else:
                annotation = self._marked(annotation, f"Column({literal(member.name)})")
                self._used.add("Column")
        return f"{name}: {annotation}{default}{_note(member.type)}"

    def _annotation(self, type_: ValueType, name: str) -> str:
        """The annotation of values; ``name`` is for the class of a struct."""
        plain = self._plain(type_, name)
        return f"{plain} | None" if type_.nullable and plain != "Any" else plain

    def _plain(self, type_: ValueType, name: str) -> str:
        match type_.kind:
            case Scalar() as scalar:
                return self._scalar(scalar)
            case Struct(name=schema) if schema in _BY_NAME:
                return self._read(_BY_NAME[schema or ""])
            case Struct() as struct:
                return self._class(struct, name, "# A part of what follows.")
            case Array(items):
                return f"list[{self._annotation(items, name)}]"
            case Map(keys, values):
                return f"dict[{self._annotation(keys, name + 'Key')}, {self._annotation(values, name)}]"
            case Unknown() | Anything():
                self._used.add("Any")
                return "Any"

    def _scalar(self, scalar: Scalar) -> str:
        if scalar.name == DECIMAL:
            digits = scalar.parameter("scale") or ""
            known = digits.lstrip("-").isdecimal()
            return self._read(_Read("Decimal", f"scale({int(digits)})" if known else None))
        return self._read(_BY_NAME.get(scalar.name or "") or _Read(_BY_TYPE[scalar.type]))

    def _read(self, read: _Read) -> str:
        name = read.type.partition(".")[0]
        if name in _IMPORTS:
            self._used.add(name)
        if read.mark is None:
            return read.type
        self._used.add(read.mark.partition("(")[0])
        return self._marked(read.type, read.mark)

    def _marked(self, annotation: str, mark: str) -> str:
        self._used.add("Annotated")
        return f"Annotated[{annotation}, {mark}]"


def _field(schema: Schema, name: str) -> Schema:
    return next(each.schema for each in schema.fields if each.name == name)


def _note(type_: ValueType) -> str:
    """A comment on what the annotation leaves open."""
    if not isinstance(type_.kind, Scalar):
        return ""
    text = _NOTES.get(type_.kind.name or "", "").format(type_.kind.parameter("allowed"))
    shown = text if len(text) <= _MOST_NOTED else f"{text[:_MOST_NOTED]}…"
    return comment(f"  # {shown}") if shown else ""


_NOTES = {
    "io.debezium.data.Enum": "one of {}",
    "io.debezium.data.EnumSet": "some of {}",
    "io.debezium.data.Json": "JSON, which is read where the annotation is a dict, a list or a class",
    "io.debezium.time.Year": "a year",
}


def _as_ruff_sorts(name: str) -> tuple[bool, str]:
    return name[0].islower(), name
