"""Brokers by address, ``kafka://host:port``: which module serves it, as a sink or as a consumer."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType

EXTRAS = {"kafka": "kafka"}
"""What an address may begin with, and the optional dependencies that are needed for it."""


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

    def module(self, package: str) -> ModuleType:
        """The module of ``package`` that serves it. Raises ImportError, which names the extra to install."""
        try:
            return importlib.import_module(f"{package}.{self.scheme}")
        except ImportError as error:
            if error.name is None or error.name.startswith("headwater"):
                raise
            extra = EXTRAS[self.scheme]
            message = f"{self.scheme}:// needs the Python package {error.name!r}: pip install 'headwater[{extra}]'"
            raise ImportError(message, name=error.name) from error
