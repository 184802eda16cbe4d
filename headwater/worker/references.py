"""References in configurations, ``${provider:path:key}``: replaced where the value is needed, and nowhere else.

Source: ``org.apache.kafka.common.config.ConfigTransformer`` (KIP-297). What was looked up is remembered, so that it
can be kept out of whatever people get to see: `References.redact` writes the reference in its place.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from headwater.config import ConfigError, Problem
from headwater.config_provider import ConfigProvider, ConfigProviderError
from headwater.worker.option_names import OptionWarning

_ANYWHERE_LENGTH = 8
"""Values shorter than this are redacted only where they stand alone: ``eu`` is not meant in ``queue``."""
_LONGEST_WITH_PARTS = 4096
"""Up to so many characters, the lines and parts of a value count as secrets by themselves; a longer one is a file."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference; ``text`` is all of it, ``path`` is empty where it has none."""

    text: str
    provider: str
    path: str
    key: str


def parse_references(text: str) -> list[str | Reference]:
    """The parts of a value, in order: plain text, and references.

    What Java finds with ``\\$\\{([^}]*?):(([^}]*?):)?([^}]*?)\\}``, in time that grows with the length only.
    """
    *segments, rest = text.split("}")
    parts: list[str | Reference] = []
    for segment in segments:
        before, _, body = segment.partition("${")
        provider, colon, place = body.partition(":")
        if not colon:
            parts.append(segment + "}")
            continue
        path, colon, key = place.partition(":")
        if not colon:
            path, key = "", place
        parts += [before, Reference(f"${{{body}}}", provider, path, key)]
    return [part for part in (*parts, rest) if part]


class References:
    """The worker's config providers by name, and what they gave."""

    def __init__(self, providers: Mapping[str, ConfigProvider]) -> None:
        self._providers = dict(providers)
        self._redactions: dict[str, str] = {}
        self._redacted: re.Pattern[str] | None = None
        self._redacting = threading.Lock()  # logs of any thread are redacted, and validation looks values up in threads

    def resolve(self, values: Mapping[str, str], literal: Collection[str] = ()) -> dict[str, str]:
        """The values with references replaced, but for the options in ``literal``.

        A reference to a provider that there is not is text, as in Kafka Connect. One that its provider has no value
        for would be text there too; here it is a mistake. Raises `ConfigError` with all of them.
        """
        problems: list[Problem] = []
        resolved = dict(values)
        for option, value in values.items():
            if option not in literal:
                try:
                    resolved[option] = "".join(map(self._value, parse_references(value)))
                except ConfigProviderError as error:
                    problems.append(Problem(option, f"{option}: {error}"))
        if problems:
            raise ConfigError(problems)
        return resolved

    def is_reference(self, text: str) -> bool:
        """Whether all of a value is looked up, so that it shows nothing but where to look."""
        parts = parse_references(text)
        return bool(parts) and all(isinstance(part, Reference) and part.provider in self._providers for part in parts)

    def warnings(self, values: Mapping[str, str]) -> Iterator[OptionWarning]:
        """What looks like a reference and is not, because no provider has that name."""
        known = ", ".join(self._providers) or "none"
        for option, value in values.items():
            parts = parse_references(value)
            if any(isinstance(part, Reference) and part.provider not in self._providers for part in parts):
                message = f"{option} holds a reference that stays text: the worker's config.providers are {known}"
                yield OptionWarning(option, message)

    def redact(self, text: str) -> str:
        """The text with references in place of all values that were looked up so far."""
        if not self._redactions:
            return text
        with self._redacting:
            if self._redacted is None:
                self._redacted = _any_of(self._redactions)
            redacted = self._redacted
        return redacted.sub(lambda match: self._redactions[match.group()], text)

    @contextmanager
    def redacted_errors(self) -> Iterator[None]:
        """Within it a `ConfigError` leaves with its messages redacted, and alone: its cause may show values too."""
        try:
            yield
        except ConfigError as error:
            problems = [Problem(problem.option, self.redact(problem.message)) for problem in error.problems]
            raise ConfigError(problems) from None

    def _value(self, part: str | Reference) -> str:
        if isinstance(part, str):
            return part
        provider = self._providers.get(part.provider)
        if provider is None:
            return part.text
        try:
            value = provider.get(part.path, part.key)
        except ConfigProviderError as error:
            raise ConfigProviderError(f"{part.text} has no value: {error}") from None
        with self._redacting:
            for form in _forms(value):
                if form not in self._redactions:
                    self._redactions[form] = part.text
                    self._redacted = None
        return value


def _forms(value: str) -> set[str]:
    """How a value may be written in a message: whole, by its parts, and as it stands in Python's and JSON's strings."""
    parts = {part.strip() for line in value.splitlines() for part in (line, *line.split(","))}
    parts = {part for part in parts if len(part) >= _ANYWHERE_LENGTH and len(value) <= _LONGEST_WITH_PARTS}
    whole = {value, value.strip()}
    return {
        form
        for text in whole | parts
        for form in (text, repr(text)[1:-1], json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
        if form
    }


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Matches any of them, the longest that does."""
    ordered = sorted(texts, key=len, reverse=True)
    return re.compile(
        "|".join(
            re.escape(text) if len(text) >= _ANYWHERE_LENGTH else rf"(?<!\w){re.escape(text)}(?!\w)" for text in ordered
        )
    )


NO_REFERENCES = References({})
"""For configurations without a worker: nothing in them is looked up."""
