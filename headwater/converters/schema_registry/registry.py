"""What a schema registry is: it keeps each subject's schemas, in versions, and gives every schema a number."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class SchemaType(StrEnum):
    """What schemas are written in; the values are the registry's names."""

    AVRO = "AVRO"
    JSON = "JSON"
    PROTOBUF = "PROTOBUF"


class RegistryError(Exception):
    """A registry can't be asked, or refuses: says which, and why."""


class IncompatibleSchemaError(RegistryError):
    """A schema is refused because of those that its subject has already."""


class NotRegisteredError(RegistryError):
    """There is no such subject, version or schema."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A schema as the registry has it: the text, and the number that messages carry."""

    id: int
    text: str


class SchemaRegistry(Protocol):
    """Of schemas of one type. Used by one thread; every method raises `RegistryError`."""

    def register(self, subject: str, text: str) -> int:
        """The schema's number under its subject, which gets a new version where it is new there."""

    def look_up(self, subject: str, text: str) -> int:
        """The schema's number under its subject. Raises `NotRegisteredError`."""

    def latest(self, subject: str) -> Registered:
        """A subject's newest schema. Raises `NotRegisteredError`."""

    def by_id(self, number: int) -> Registered:
        """The schema of that number. Raises `NotRegisteredError`."""
