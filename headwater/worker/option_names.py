"""Option names as people write them, brought to the names that are declared.

Kafka Connect takes any option and ignores the ones it doesn't know, so a slip of the keyboard goes unnoticed
there. Here too nothing is refused, but whatever is not exactly a declared name gives a warning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from headwater.config import ConfigDef

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OptionWarning:
    """Something about one option that its author should know; never holds a value."""

    option: str
    message: str


def unknown_option(name: str, nearest: str | None) -> str:
    """What to say of an option that there is not."""
    hint = f"; did you mean {nearest}?" if nearest else ""
    return f"{name} is not a known option and has no effect{hint}"


@dataclass(frozen=True, slots=True)
class NameResolver:
    """Knows one component's option names.

    ``deprecated``  older names that are still taken, with the name that took their place
    ``prefixes``    every name that starts with one of these is known: it is passed on to another component
    """

    options: ConfigDef
    deprecated: Mapping[str, str]
    prefixes: Sequence[str] = ()

    def resolve(self, raw: Mapping[str, str]) -> tuple[dict[str, str], list[OptionWarning]]:
        """The values by declared name, in the order given; of two that mean the same, the exact name wins."""
        warnings: list[OptionWarning] = []
        resolved: dict[str, str] = {}
        for name, value in raw.items():
            declared, warning = self._resolve(name)
            if warning:
                warnings.append(OptionWarning(name, warning))
            if declared == name or declared not in raw:
                resolved[declared] = value
        return resolved, warnings

    def declared(self, name: str) -> str:
        """The name that ``name`` stands for; itself where that is not known."""
        return self._resolve(name)[0]

    def _resolve(self, name: str) -> tuple[str, str | None]:
        """(declared name, what to warn of)."""
        if name in self.deprecated:
            current = self.deprecated[name]
            return current, f"{name} is deprecated: use {current}"
        reason = self.options.why_ignored(name)
        if reason is not None:
            return name, f"{name} has no effect: {reason}" if reason else f"{name} has no effect here"
        if self._is_known(name):
            return name, None
        for known in (*self.options.options, *self.options.refused, *self.deprecated):
            if known.lower() == name.lower():
                current = self.deprecated.get(known, known)
                return current, f"{name} is taken as {current}: names of options are written exactly so"
        return name, unknown_option(name, self.options.nearest(name))

    def _is_known(self, name: str) -> bool:
        """Whether ``name`` is declared, or passed on: by a prefix, or below a declared one (``key.converter.…``)."""
        if name in self.options.options or name in self.options.refused or name.startswith(tuple(self.prefixes)):
            return True
        parts = name.split(".")
        return any(".".join(parts[:count]) in self.options.options for count in range(2, len(parts)))


def log_warnings(warnings: Sequence[OptionWarning], **context: str) -> None:
    """Tell about options that may not mean what their author thinks."""
    for warning in warnings:
        log.warning(warning.message, option=warning.option, **context)
