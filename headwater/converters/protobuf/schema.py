"""Protobuf schemas: what they consist of, and the text that Confluent's registry client gives them.

Registries tell schemas apart by their text, so that it has to be that of
``io.confluent.kafka.schemaregistry.protobuf.ProtobufSchemaUtils.toString`` (7.0).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from headwater.converter import ConversionError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PACKAGE = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_INTEGERS = ("int", "uint", "sint", "fixed", "sfixed")
SCALARS = frozenset(
    {"double", "float", "bool", "string", "bytes", *(f"{name}{bits}" for name in _INTEGERS for bits in (32, 64))}
)
"""Types that no message can have the name of."""


@dataclass(frozen=True, slots=True)
class ProtoField:
    """A member of a message.

    ``type``     a scalar's name, or that of a message or enum as it stands in the schema
    ``label``    ``repeated``, ``optional`` (then its absence differs from its default) or empty
    ``params``   what Confluent's option ``confluent.field_meta`` holds
    ``message``  what the type's name stands for, where it is a message of the same file
    """

    name: str
    type: str
    number: int
    label: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    message: ProtoMessage | None = field(default=None, compare=False, repr=False)


@dataclass(eq=False, slots=True)
class ProtoMessage:
    """A type with fields, and the messages that are defined within it."""

    name: str
    fields: list[ProtoField] = field(default_factory=list)
    messages: list[ProtoMessage] = field(default_factory=list)

    def find_field(self, name: str) -> ProtoField | None:
        """The field of that name, if the message has it."""
        return next((each for each in self.fields if each.name == name), None)

    def find_message(self, name: str) -> ProtoMessage | None:
        """The message of that name defined directly within it, if there is one."""
        return next((each for each in self.messages if each.name == name), None)


@dataclass(frozen=True, slots=True)
class ProtoFile:
    """A schema as a registry holds it.

    ``root``  the full name of the message that a key or value is; empty where the file alone is known
    """

    package: str
    messages: Sequence[ProtoMessage]
    text: str = field(repr=False)
    root: str = ""

    def indexes(self, name: str) -> list[int]:
        """Where the message of that full name is: its index in the file, then in the message around it."""
        found = []
        messages = self.messages
        for part in name.split("."):
            index = next((index for index, each in enumerate(messages) if each.name == part), None)
            if index is not None:
                found.append(index)
                messages = messages[index].messages
        return found

    def find(self, name: str) -> ProtoMessage | None:
        """The message of that full name, if the file has it."""
        package = f"{self.package}." if self.package else ""
        if not name.startswith(package):
            return None
        messages: Sequence[ProtoMessage] = self.messages
        message = None
        for part in name.removeprefix(package).split("."):
            message = next((each for each in messages if each.name == part), None)
            if message is None:
                return None
            messages = message.messages
        return message


def proto_file(package: str, imports: Sequence[str], root: ProtoMessage) -> ProtoFile:
    """The file that defines one message. Raises `ConversionError` for a package that can't be."""
    if package and not _PACKAGE.fullmatch(package):
        raise ConversionError(f"{package!r} can't be a package in Protobuf. {_HINT}")
    lines = ['syntax = "proto3";', *([f"package {package};"] if package else []), ""]
    if imports:
        lines += [*(f'import "{file}";' for file in imports), ""]
    text = "\n".join([*lines, *_message_lines(root), ""])
    return ProtoFile(package, [root], text, f"{package}.{root.name}" if package else root.name)


_HINT = "scrub.invalid.names=true on the converter changes such names"


def check_name(name: str, what: str) -> None:
    """Raises `ConversionError` for what can't be the name of a field or message."""
    if not _NAME.fullmatch(name):
        raise ConversionError(
            f"{name!r} can't be the {what} in Protobuf: letters of ASCII, digits and _ may stand there, and no digit "
            f"at the front. {_HINT}"
        )


def _message_lines(message: ProtoMessage) -> Iterator[str]:
    if not message.fields and not message.messages:
        yield f"message {message.name} {{}}"
        return
    yield f"message {message.name} {{"
    for each in message.fields:
        yield from (f"  {line}" for line in _field_lines(each))
    if message.messages:
        yield ""
    for inner in message.messages:
        yield from (f"  {line}" for line in _message_lines(inner))
    yield "}"


def _field_lines(member: ProtoField) -> Sequence[str]:
    label = f"{member.label} " if member.label else ""
    definition = f"{label}{member.type} {member.name} = {member.number}"
    options = [["deprecated = false"]] if member.label == "optional" else []
    if member.params:
        options.append(["(confluent.field_meta) = {", *(f"  {line}" for line in _params_lines(member.params)), "}"])
    match options:
        case []:
            return [f"{definition};"]
        case [lines]:
            lines[0] = f"{definition} [{lines[0]}"
            lines[-1] += "];"
            return lines
        case [flag, meta]:
            return [f"{definition} [", f"  {flag[0]},", *(f"  {line}" for line in meta), "];"]
    raise AssertionError("there are two options at most")


def _params_lines(params: Mapping[str, str]) -> Iterator[str]:
    yield "params: ["
    for number, (key, value) in enumerate(params.items(), 1):
        lines = [f'key: "{_escaped(key)}"', f'value: "{_escaped(value)}"']
        if key in ("precision", "scale"):  # as the first versions had them
            lines.reverse()
        yield from ("  {", f"    {lines[0]},", f"    {lines[1]}", "  }," if number < len(params) else "  }")
    yield "]"


_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
}


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text)
