"""Reads ``.proto`` files: those that a registry holds.

Only what messages look like on the wire is kept: packages, messages, their fields, and which names are enums.

Source: Protobuf's language specification, proto2 and proto3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from headwater.converter import ConversionError
from headwater.converters.protobuf.schema import ProtoField, ProtoFile, ProtoMessage

_TOKEN = re.compile(
    r"""\s+ | //[^\n]* | /\*.*?\*/                                # between tokens
      | (?P<token> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*'         # strings
                 | \.?[A-Za-z_][\w.-]* | [-+]?\.?\d[\w.+-]*      # names, numbers
                 | [{}()\[\]<>=;,:/.+-] )""",
    re.VERBOSE | re.DOTALL,
)
_LABELS = ("optional", "required", "repeated")
_DEEPEST = 64
"""Messages within messages that are read: the registry's text is not to be trusted."""


def parse(text: str) -> ProtoFile:
    """The schema that a text describes. Raises `ConversionError`."""
    try:
        return _Parser(text).file()
    except ValueError as error:
        raise ConversionError(f"the registry's schema is no Protobuf schema: {error}") from error


def _tokens(text: str) -> Iterator[str]:
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise ValueError(f"{text[position : position + 20]!r} can't stand there")
        position = found.end()
        if found["token"]:
            yield found["token"]


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._next = 0

    def file(self) -> ProtoFile:
        package, messages = "", []
        while self._next < len(self._tokens):
            match self._take():
                case "package":
                    package = self._take()
                    self._skip_statement()
                case "message":
                    messages.append(self._message(0))
                case "enum" | "service" | "extend":
                    self._skip_statement()
                case ";":
                    pass
                case "syntax" | "edition" | "import" | "option":
                    self._skip_statement()
                case other:
                    raise ValueError(f"{other!r} can't stand in a file")
        return ProtoFile(package, messages, self._text)

    def _take(self, expected: str | None = None) -> str:
        if self._next >= len(self._tokens):
            raise ValueError("it ends too early")
        token = self._tokens[self._next]
        if expected is not None and token != expected:
            raise ValueError(f"{token!r} stands where {expected!r} should")
        self._next += 1
        return token

    def _skip_statement(self) -> None:
        """Up to a semicolon, or behind the block that comes first."""
        depth = 0
        while True:
            match self._take():
                case "{" | "[" | "(":
                    depth += 1
                case "}" if depth == 1:
                    return
                case "}" | "]" | ")":
                    depth -= 1
                case ";" if depth == 0:
                    return

    def _message(self, depth: int) -> ProtoMessage:
        if depth > _DEEPEST:
            raise ValueError("messages are nested too deep")
        message = ProtoMessage(self._take())
        self._take("{")
        while (token := self._take()) != "}":
            self._member(message, token, depth)
        return message

    def _member(self, message: ProtoMessage, token: str, depth: int) -> None:
        """One statement of a message, or of a oneof in it."""
        following = self._tokens[self._next] if self._next < len(self._tokens) else ""
        match token:
            case ";":
                pass
            case "message" if self._opens_block():
                message.messages.append(self._message(depth + 1))
            case "oneof" if self._opens_block():
                self._take()
                self._take("{")
                while (inner := self._take()) != "}":
                    self._member(message, inner, depth)
            case "enum" | "extend" if self._opens_block():
                self._skip_statement()
            case "option" | "reserved" | "extensions" if following != "=":
                self._skip_statement()
            case "map" if following == "<":
                message.fields.append(self._map(message))
            case _:
                label = token if token in _LABELS else ""
                message.fields.append(self._field(label, self._take() if label else token))

    def _opens_block(self) -> bool:
        return self._next + 1 < len(self._tokens) and self._tokens[self._next + 1] == "{"

    def _field(self, label: str, type_: str) -> ProtoField:
        name = self._take()
        self._take("=")
        number = int(self._take(), 0)
        self._skip_statement()
        return ProtoField(name, type_, number, label)

    def _map(self, message: ProtoMessage) -> ProtoField:
        """As protoc takes it: a repeated message of its entries."""
        self._take("<")
        key = self._take()
        self._take(",")
        value = self._take()
        self._take(">")
        field = self._field(
            "repeated", f"{''.join(part.capitalize() for part in self._tokens[self._next].split('_'))}Entry"
        )
        entry = ProtoMessage(field.type, [ProtoField("key", key, 1), ProtoField("value", value, 2)])
        message.messages.append(entry)
        return field
