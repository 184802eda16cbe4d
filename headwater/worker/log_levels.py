"""The levels of the worker's loggers, as Kafka Connect's REST API shows and changes them while everything runs.

Source: ``org.apache.kafka.connect.runtime.Loggers``. A logger is a module of Headwater; the names of Kafka's and
Debezium's loggers that people know are taken too, and stand for the modules that do the same here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import headwater
from headwater.logs import ROOT, starting_levels

_WHOLE = {
    "io.debezium": ("headwater.sources",),
    "org.apache.kafka": ("headwater",),
    "org.apache.kafka.connect": ("headwater",),
}
"""Java packages by their own name; what is below them and not in `_PARTS` has no counterpart."""

_PARTS = {
    "io.debezium.connector.binlog": ("headwater.sources.mysql",),
    "io.debezium.connector.mongodb": ("headwater.sources.mongodb",),
    "io.debezium.connector.mysql": ("headwater.sources.mysql",),
    "org.apache.kafka.clients": ("headwater.sinks.kafka",),
    "org.apache.kafka.connect.json": ("headwater.converters",),
    "org.apache.kafka.connect.runtime": ("headwater.worker", "headwater.pipeline"),
    "org.apache.kafka.connect.runtime.rest": ("headwater.rest",),
    "org.apache.kafka.connect.storage": ("headwater.stores", "headwater.converters"),
}
"""Java packages, with all that is below them."""


@dataclass(frozen=True, slots=True)
class LoggerLevel:
    """A logger's level, and when it was changed: milliseconds since 1970, None where it never was."""

    level: str
    last_modified: int | None


class LogLevels:
    """What is known of the levels; changing them in the worker's and the tasks' processes is the caller's.

    ``changes``  (logger, level) in the order in which `headwater.logs.set_level` brings another process to the
                 same levels
    """

    def __init__(self, root: str = "INFO", clock: Callable[[], float] = time.time) -> None:
        """``root``: the root logger's level at the start."""
        self._clock = clock
        self._levels = starting_levels(root)
        self._modified: dict[str, int] = {}
        self._names = {*_modules(), *self._levels}

    @property
    def changes(self) -> tuple[tuple[str, str], ...]:
        return tuple(self._levels.items())

    def all(self) -> dict[str, LoggerLevel]:
        """Every logger's level by its name, in the order of the names."""
        return {name: self._level(name) for name in sorted(self._names)}

    def get(self, name: str) -> LoggerLevel | None:
        """A logger's level, its own or the one that it inherits; None for one that is not known."""
        name = _root_or(name)
        return self._level(name) if name in self._names or _counterparts(name) != (name,) else None

    def set(self, name: str, level: str) -> tuple[tuple[str, ...], list[str]]:
        """Give a logger, and all below it, a level: the loggers to change, and the names whose level is another now.

        A logger of any name can be given a level, as in Kafka Connect.
        """
        name = _root_or(name)
        before = {known: self._effective(known) for known in self._names}
        self._names.add(name)
        for changed in _counterparts(name):
            self._levels = {other: kept for other, kept in self._levels.items() if not _is_within(other, changed)}
            self._levels[changed] = level
        others = sorted(known for known in self._names if before.get(known) != self._effective(known))
        self._modified.update(dict.fromkeys(others, int(self._clock() * 1000)))
        return _counterparts(name), others

    def _level(self, name: str) -> LoggerLevel:
        return LoggerLevel(self._effective(name), self._modified.get(name))

    def _effective(self, name: str) -> str:
        """The level of the logger itself, or of the nearest one above it that has one."""
        above = _counterparts(name)[0]
        while above not in self._levels:
            above = above.rpartition(".")[0] or ROOT
        return self._levels[above]


def _root_or(name: str) -> str:
    return ROOT if name.lower() == ROOT else name


def _is_within(name: str, ancestor: str) -> bool:
    return name == ancestor or ancestor == ROOT or name.startswith(f"{ancestor}.")


def _counterparts(name: str) -> tuple[str, ...]:
    """The loggers that a name stands for: itself, but for the names of Java classes and packages."""
    if name in _WHOLE:
        return _WHOLE[name]
    package = name
    while package and package not in _PARTS:
        package = package.rpartition(".")[0]
    return _PARTS.get(package, (name,))


def _modules() -> list[str]:
    """The names of all modules and packages of Headwater, which are those of its loggers."""
    package = Path(headwater.__file__).parent
    names = [".".join(file.relative_to(package.parent).with_suffix("").parts) for file in package.rglob("*.py")]
    return [name.removesuffix(".__init__") for name in names]
