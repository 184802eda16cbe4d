"""References in configurations, ``${provider:path:key}``: replaced where the value is needed, and nowhere else.

Source: ``org.apache.kafka.common.config.ConfigTransformer`` (KIP-297). What was looked up is remembered, so that it
can be kept out of whatever people get to see: `References.redact` shows the reference in its place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from headwater.config import ConfigError, Problem
from headwater.config_provider import ConfigProvider, ConfigProviderError
from headwater.worker.option_names import OptionWarning
from headwater.worker.redaction import Redaction


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
    """The worker's config providers by name, and what they gave: ``redact`` takes that out of texts."""

    def __init__(self, providers: Mapping[str, ConfigProvider]) -> None:
        self._providers = dict(providers)
        self.redact = Redaction()

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
        self.redact.add(value, part.text)
        return value


NO_REFERENCES = References({})
"""For configurations without a worker: nothing in them is looked up."""
