"""As much of MongoDB's wire protocol as it takes to set a server up.

Source: MongoDB's specifications of OP_MSG and of BSON.
"""

import socket
import struct
from collections.abc import Mapping
from typing import Any

from service_kinds.service import receive_exactly

OP_MSG = 2013
HEADER = struct.Struct("<iiii")
"""messageLength, requestID, responseTo, opCode."""


def run_command(connection: socket.socket, database: str, command: Mapping[str, Any]) -> bytes:
    """The reply to a command, as it came; `element` tells what to look for in it."""
    flags, kind_of_section = bytes(4), bytes(1)
    body = flags + kind_of_section + document({**command, "$db": database})
    connection.sendall(HEADER.pack(HEADER.size + len(body), 1, 0, OP_MSG) + body)
    (size,) = struct.unpack("<i", receive_exactly(connection, 4))
    return receive_exactly(connection, size - 4)


def document(members: Mapping[str, Any]) -> bytes:
    """A BSON document."""
    body = b"".join(element(name, value) for name, value in members.items())
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def element(name: str, value: bool | int | float | str | list[Any] | Mapping[str, Any]) -> bytes:
    """A member of a BSON document."""
    match value:
        case bool():
            kind, content = 0x08, bytes([value])
        case int():
            kind, content = 0x10, struct.pack("<i", value)
        case float():
            kind, content = 0x01, struct.pack("<d", value)
        case str():
            text = value.encode() + b"\0"
            kind, content = 0x02, struct.pack("<i", len(text)) + text
        case list():
            kind, content = 0x04, document({str(index): item for index, item in enumerate(value)})
        case _:
            kind, content = 0x03, document(value)
    return bytes([kind]) + name.encode() + b"\0" + content
