"""Schemas in a folder, for one machine without a registry: same numbers in messages, same subjects and versions.

    ids/1.avsc                 a schema, in a file named by its number; .proto and .json for the other types
    subjects/NAME.json         the numbers of a subject's schemas, oldest first; NAME is written as in an address

A number never changes and never comes again, so that a copy of the folder is all that a reader needs. A new schema is
never refused: nothing here checks whether readers of the old ones can do with it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TypeVar
from urllib.parse import quote

from headwater.converters.schema_registry.registry import NotRegisteredError, Registered, RegistryError, SchemaType

T = TypeVar("T")

_SUFFIXES = {SchemaType.AVRO: "avsc", SchemaType.JSON: "json", SchemaType.PROTOBUF: "proto"}


class SchemaFolder:
    """`headwater.converters.schema_registry.registry.SchemaRegistry`; several processes may share one folder."""

    def __init__(self, folder: Path, type_: SchemaType = SchemaType.AVRO) -> None:
        self._folder = folder
        self._type = type_
        self._ids = folder / "ids"
        self._subjects = folder / "subjects"
        self._numbers_by_schema: dict[tuple[str, str], int] = {}
        """By the suffix of its file and its text."""

    def register(self, subject: str, text: str) -> int:
        """As `SchemaRegistry.register`."""
        return self._guarded(lambda: self._register(subject, text))

    def look_up(self, subject: str, text: str) -> int:
        """As `SchemaRegistry.look_up`."""
        for number in self._guarded(lambda: self._numbers(subject)):
            if self.by_id(number).text == text:
                return number
        raise NotRegisteredError(f"{self._folder} has no such schema under the subject {subject}")

    def latest(self, subject: str) -> Registered:
        """As `SchemaRegistry.latest`."""
        numbers = self._guarded(lambda: self._numbers(subject))
        if not numbers:
            raise NotRegisteredError(f"{self._folder} has no subject {subject}")
        return self.by_id(numbers[-1])

    def by_id(self, number: int) -> Registered:
        """As `SchemaRegistry.by_id`."""
        try:
            return Registered(number, self._guarded(self._schema_file(number).read_text))
        except FileNotFoundError:
            raise NotRegisteredError(f"{self._folder} has no {self._type} schema with the id {number}") from None

    def _register(self, subject: str, text: str) -> int:
        self._ids.mkdir(parents=True, exist_ok=True)
        self._subjects.mkdir(exist_ok=True)
        with self._locked():
            self._read_new()
            number = self._numbers_by_schema.get((_SUFFIXES[self._type], text))
            if number is None:
                number = max(self._numbers_by_schema.values(), default=0) + 1
                _replace(self._schema_file(number), text)
            numbers = self._numbers(subject)
            if number not in numbers:
                _replace(self._subject_file(subject), json.dumps([*numbers, number]))
            return number

    def _read_new(self) -> None:
        """The schemas that others have added since; one that is there never changes."""
        known = set(self._numbers_by_schema.values())
        for suffix in _SUFFIXES.values():
            for file in self._ids.glob(f"*.{suffix}"):
                if int(file.stem) not in known:
                    self._numbers_by_schema[suffix, file.read_text()] = int(file.stem)

    def _numbers(self, subject: str) -> list[int]:
        try:
            numbers: list[int] = json.loads(self._subject_file(subject).read_text())
        except FileNotFoundError:
            return []
        return numbers

    def _schema_file(self, number: int) -> Path:
        return self._ids / f"{number}.{_SUFFIXES[self._type]}"

    def _subject_file(self, subject: str) -> Path:
        return self._subjects / f"{quote(subject, safe='').replace('.', '%2E')}.json"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _guarded(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except FileNotFoundError:
            raise
        except (OSError, ValueError) as error:
            raise RegistryError(f"the schemas' folder {self._folder} can't be used: {error}") from error


def _replace(file: Path, text: str) -> None:
    """The file holds the old text or the new one, whole, whenever the machine stops."""
    with NamedTemporaryFile("w", dir=file.parent, delete=False) as fresh:
        fresh.write(text)
        fresh.flush()
        os.fsync(fresh.fileno())
    Path(fresh.name).chmod(0o644)
    Path(fresh.name).rename(file)
