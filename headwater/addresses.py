"""Brokers by address, ``kafka://host:port`` or ``local://PATH``: which module serves it, as a sink or as a consumer."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType
from urllib.parse import parse_qsl, unquote

EXTRAS = {"kafka": "kafka", "local": None}
"""What a broker's address may begin with, and the optional dependencies that are needed for it."""
OUTPUTS = ("stdout", "file")
"""What else the address of a sink may begin with: nothing can be read from there."""


class AddressError(ValueError):
    """No broker has an address like that."""


@dataclass(frozen=True, slots=True)
class Address:
    """``place`` is what stands behind ``scheme://``."""

    scheme: str
    place: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """Raises `AddressError`."""
        scheme, separator, place = text.partition("://")
        if not separator or not place or scheme not in EXTRAS:
            known = " or ".join(f"{name}://" for name in EXTRAS)
            raise AddressError(f"a broker's address begins with {known}, as in kafka://localhost:9092")
        return cls(scheme, place)

    @classmethod
    def of_sink(cls, text: str) -> Address:
        """What a worker's ``bootstrap.servers`` says: Kafka's servers, or the address of another sink."""
        scheme, separator, place = text.partition("://")
        if separator and scheme in (*EXTRAS, *OUTPUTS):
            return cls(scheme, place)
        return cls("kafka", text)

    def module(self, package: str) -> ModuleType:
        """The module of ``package`` that serves it. Raises ImportError, which names the extra to install."""
        try:
            return importlib.import_module(f"{package}.{self.scheme}")
        except ImportError as error:
            extra = EXTRAS.get(self.scheme)
            if extra is None or error.name is None or error.name.startswith("headwater"):
                raise
            message = f"{self.scheme}:// needs the Python package {error.name!r}: pip install 'headwater[{extra}]'"
            raise ImportError(message, name=error.name) from error


@dataclass(frozen=True, slots=True)
class Place:
    """A path, and the options behind its question mark: ``topics.db?partitions=3``."""

    path: str
    options: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> Place:
        """Takes any text; a question mark in a path is written ``%3F``."""
        path, _, query = text.partition("?")
        return cls(unquote(path), dict(parse_qsl(query, keep_blank_values=True)))
