"""Whether two answers say the same."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from tests.conformance.rest.exchange import Answer

INVALID = "Connector configuration is invalid and contains the following"
_VALIDATE_HINT = "You can also find the above list of errors at the endpoint"
_OWN_WORDS = re.compile(r"The '(\S+)' value is invalid: ")
"""How Debezium begins what it says of one of its options."""
_KAFKA_WORDS = re.compile(
    r"Invalid value (?s:.*) for configuration (\S+): |Missing required configuration \"(\S+)\"|(Null value)"
)
_NOT_AGAIN = ": Value must be non-null"
"""What Kafka adds about a value that it has said before it can't parse."""
_PLUGINS = re.compile(r"(available \w+ are: ).*", re.DOTALL)
_CACHED = "org.apache.kafka.connect.errors.ConnectException: "
"""Goes before an error that Connect has kept from an earlier request."""


def differing_parts(connect: Answer, headwater: Answer) -> set[str]:
    """Names of the answers' parts that are not the same."""
    parts = {
        part.name
        for part in fields(Answer)
        if part.name != "body" and getattr(connect, part.name) != getattr(headwater, part.name)
    }
    return parts if _same(connect.body, headwater.body) else parts | {"body"}


def _same(connect: Any, headwater: Any) -> bool:
    match connect, headwater:
        case {"error_code": int(), "message": str()}, {"error_code": int(), "message": str()}:
            return (
                connect.keys() == headwater.keys()
                and connect["error_code"] == headwater["error_code"]
                and _same_message(connect["message"], headwater["message"])
            )
        case _:
            return bool(connect == headwater)


def _same_message(connect: str, headwater: str) -> bool:
    """Whether the messages are the same, but for the names of plugins and for what `_same_problems` leaves aside."""
    if connect.startswith(INVALID):
        return headwater.startswith(INVALID) and _same_problems(connect, headwater)
    return _PLUGINS.sub(r"\1", connect.removeprefix(_CACHED)) == _PLUGINS.sub(r"\1", headwater)


def _same_problems(connect: str, headwater: str) -> bool:
    """Whether the same options are invalid, and Headwater says of each what Connect says first of it, or more.

    What Debezium says of an option of its own is said here in other words.
    """
    theirs, ours = _problems(connect), _problems(headwater)
    return (
        theirs.keys() == ours.keys()
        and all(ours[option].startswith(line) or _OWN_WORDS.match(line) for option, line in theirs.items())
        and (_VALIDATE_HINT in connect) == (_VALIDATE_HINT in headwater)
    )


def _problems(message: str) -> dict[str, str]:
    """The first line of each option; what names none goes on with the line before."""
    problems: dict[str, str] = {}
    for line in message.split("\n")[1:]:
        named = _OWN_WORDS.match(line) or _KAFKA_WORDS.match(line)
        if named and not line.endswith(_NOT_AGAIN):
            problems.setdefault(next(filter(None, named.groups())), line)
    return problems
