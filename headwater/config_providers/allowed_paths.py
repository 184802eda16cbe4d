"""Which files a config provider may read: what ``allowed.paths`` names, and what lies below it.

Source: ``org.apache.kafka.common.config.internals.AllowedPaths`` (KIP-993). Stricter in one point: a symbolic link
does not lead out of what is allowed.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headwater.config import ConfigDef, Importance, Option, OptionType
from headwater.config_provider import ConfigProviderError

MAX_FILE_BYTES = 1 << 20
"""The most that is read of a file; as much as a Kubernetes secret may hold."""


def _existing(paths: Sequence[str] | None) -> str | None:
    if paths is not None and not paths:
        return "name at least one path, or leave the option out to allow all"
    for path in paths or ():
        if not path.startswith("/"):
            return f"Path {path!r} is not absolute"
        if not Path(path).exists():
            return f"Path {path!r} does not exist"
    return None


OPTIONS = ConfigDef(
    Option(
        "allowed.paths",
        OptionType.LIST,
        None,
        "Absolute paths, with commas between: only these files, and what is in these directories, can be read. Without"
        " it everything that the worker may read.",
        Importance.MEDIUM,
        _existing,
    )
)


@dataclass(frozen=True, slots=True)
class AllowedPaths:
    """``paths``: files and directories that may be read; None allows all."""

    paths: tuple[str, ...] | None

    @classmethod
    def from_option(cls, paths: Sequence[str] | None) -> AllowedPaths:
        """``paths`` as the option ``allowed.paths`` is parsed."""
        return cls(None if paths is None else tuple(_normal(path) for path in paths))

    def read(self, path: str) -> bytes:
        """The content of a regular file. Raises `ConfigProviderError` where that is not allowed or can't be had."""
        try:
            content = _read(self._checked(path))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ConfigProviderError(f"{path!r} can't be read: {reason}") from None
        if len(content) > MAX_FILE_BYTES:
            raise ConfigProviderError(f"{path!r} is larger than {MAX_FILE_BYTES} bytes")
        return content

    def _checked(self, path: str) -> str:
        """The path to open: without symbolic links where only some paths are allowed."""
        if self.paths is None:
            return path
        normal = _normal(path)
        if any(_is_within(normal, allowed) for allowed in self.paths):
            real = os.path.realpath(normal)
            if any(_is_within(real, os.path.realpath(allowed)) for allowed in self.paths):
                return real
        raise ConfigProviderError(f"{path!r} is not within the provider's allowed.paths")


def _normal(path: str) -> str:
    """Without ``.``, ``..`` and doubled slashes, which Java's normalization drops at the start too."""
    normal = posixpath.normpath(path)
    return "/" + normal.lstrip("/") if normal.startswith("/") else normal


def _is_within(path: str, directory: str) -> bool:
    return Path(path).is_relative_to(directory)


def _read(path: str) -> bytes:
    """No more than the start of a file that is too large. Raises OSError or ValueError."""

    def open_regular(name: str, flags: int) -> int:
        descriptor = os.open(name, flags | os.O_NONBLOCK)  # a pipe would wait for its other end
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ValueError("it is not a regular file")
        return descriptor

    with open(path, "rb", opener=open_regular) as file:
        return file.read(MAX_FILE_BYTES + 1)
