"""A connector's configuration: read as it was given, with its secrets hidden or kept."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headwater.config import (
    HIDDEN,
    Config,
    ConfigDef,
    ConfigError,
    OptionType,
    Problem,
    Required,
    as_text,
)
from headwater.pipeline import Retry
from headwater.plugins import MissingExtraError, UnknownPluginError, find_connector
from headwater.source import SourceConnector
from headwater.worker.common_options import COMMON_OPTIONS
from headwater.worker.option_names import NameResolver, OptionWarning
from headwater.worker.redaction import Redaction
from headwater.worker.references import NO_REFERENCES, References

_PASSED_ON = ("producer.override.", "topic.creation.", "transforms.", "predicates.")
"""What starts so is for another component, which says itself what it takes."""

_LITERAL = ("name", "connector.class")
"""What says which connector this is can't be looked up."""

_SECRET_NAME = re.compile(
    r"password|passphrase|secret|token|credential|jaas|user\.info|(api|private)\.?key|ssl\.keystore\.(key|certificate)|ssl\.truststore\.certificates",
    re.IGNORECASE,
)
"""Options that nobody declares here (a producer's, a misspelt one) and that hold a secret, going by their name."""

_DESTINATION_NAME = re.compile(
    r"(^|[._])(host|hostname|port|user|username|bootstrap\.servers|connection\.string|ur[il])$", re.IGNORECASE
)
"""Options that say to whom a secret is shown, going by their name."""


class ConnectorClassError(ConfigError):
    """There is no such connector, so nothing else can be said of the configuration."""

    def __init__(self, message: str) -> None:
        super().__init__([Problem("connector.class", message)])

    def __str__(self) -> str:
        return self.problems[0].message


@dataclass(frozen=True, slots=True)
class ConnectorConfig:
    """A configuration that was read: ``values`` by declared name, ``options`` parsed.

    ``redact`` takes out of texts what was looked up for it.
    """

    name: str
    connector: SourceConnector
    options: Config
    values: Mapping[str, str]
    redact: Redaction

    @property
    def retry(self) -> Retry:
        """How errors that may pass are retried."""
        timeout = self.options["errors.retry.timeout"]
        return Retry(
            seconds=math.inf if timeout < 0 else timeout / 1000,
            limit=self.options["errors.max.retries"],
            initial=self.options["errors.retry.delay.initial.ms"] / 1000,
            longest=self.options["errors.retry.delay.max.ms"] / 1000,
        )


@dataclass(frozen=True, slots=True)
class NamedConfig:
    """A configuration by declared names, as far as it can be told what they are: right or wrong.

    ``definition``  what can be configured of this connector
    ``given``       the values as they were given
    ``values``      the values with references replaced
    ``problems``    what could not be looked up, so that ``values`` hasn't it, and what only stands for a secret
    ``redact``      takes out of texts what was looked up, and the values that it is in
    """

    connector: SourceConnector
    definition: ConfigDef
    given: Mapping[str, str]
    values: Mapping[str, str]
    problems: tuple[Problem, ...]
    warnings: tuple[OptionWarning, ...]
    redact: Redaction


def name_options(raw: Mapping[str, str], references: References = NO_REFERENCES) -> NamedConfig:
    """Bring a configuration to its declared names. Raises `ConnectorClassError`."""
    connector = _connector(raw)
    definition = COMMON_OPTIONS + connector.options
    given, warnings = _names(connector, raw).resolve(raw)
    warnings.extend(_converter_options_without_converter(given))
    warnings.extend(references.warnings(given))
    values, problems = _look_up(given, references)
    problems += [
        Problem(name, f"{name} must be given: {HIDDEN} only stands for it")
        for name, value in values.items()
        if value == HIDDEN and _is_secret(definition, name)
    ]
    composed = {
        value: HIDDEN if _is_secret(definition, name) and not references.is_reference(given[name]) else given[name]
        for name, value in values.items()
        if value != given[name]
    }
    redact = references.redact.with_others(composed)
    return NamedConfig(connector, definition, given, values, tuple(problems), tuple(warnings), redact)


def _look_up(given: Mapping[str, str], references: References) -> tuple[dict[str, str], list[Problem]]:
    """The values with references replaced, without those that have none; and what is wrong with them."""
    try:
        return references.resolve(given, _LITERAL), []
    except ConfigError as error:
        failed = {problem.option for problem in error.problems}
        others = {name: value for name, value in given.items() if name not in failed}
        return references.resolve(others, _LITERAL), list(error.problems)


def read_connector_config(raw: Mapping[str, str], references: References = NO_REFERENCES) -> ConnectorConfig:
    """Parse a configuration as it was given, with its references replaced.

    Raises `ConfigError` with all problems at once, and without what references stand for.
    """
    named = name_options(raw, references)
    with named.redact.of_errors():
        if named.problems:
            raise ConfigError(named.problems)
        options = named.definition.parse(named.values)
    return ConnectorConfig(options["name"], named.connector, options, named.values, named.redact)


def hide_secrets(raw: Mapping[str, str], references: References = NO_REFERENCES) -> dict[str, str]:
    """The configuration with ``[hidden]`` in place of passwords; takes any configuration, valid or not.

    A password that is no more than a reference is shown: it says where the secret is, not which.
    """
    definition, names = _definition(raw)

    def shown(name: str, value: str) -> str:
        hidden = _is_secret(definition, names.declared(name)) and not references.is_reference(value)
        return HIDDEN if hidden else value

    return {name: shown(name, value) for name, value in raw.items()}


def keep_secrets(raw: Mapping[str, str], stored: Mapping[str, str]) -> dict[str, str]:
    """A connector's new configuration with the secrets of its ``stored`` one where ``[hidden]`` stands for them.

    Nobody who may not see a secret may have it sent elsewhere: raises `ConfigError` where a secret would be kept
    and the connector's class or an option that names a host, port, user or URL is another.
    """
    definition, names = _definition(raw)
    known = _resolved(stored)
    hidden = [
        name
        for name, value in raw.items()
        if value == HIDDEN and _is_secret(definition, names.declared(name)) and names.declared(name) in known
    ]
    changed = _changed_destinations(raw, stored)
    if hidden and changed:
        raise ConfigError(
            Problem(name, f"{name} must be given again, not as {HIDDEN}, because {', '.join(changed)} changed")
            for name in hidden
        )
    return {**raw, **{name: known[names.declared(name)] for name in hidden}}


def _changed_destinations(raw: Mapping[str, str], stored: Mapping[str, str]) -> list[str]:
    """Names of the options that say where secrets are sent and that differ; a default is as good as given."""
    before, after = _resolved(stored), _resolved(raw)
    definition, _ = _definition(raw)

    def differs(name: str) -> bool:
        option = definition.options.get(name)
        if after.get(name) == HIDDEN and _is_secret(definition, name):
            return False  # a connection string that holds a password is kept whole
        default = None if option is None or isinstance(option.default, Required) else as_text(option.default)
        return before.get(name, default) != after.get(name, default)

    names = [name for name in {**after, **before} if name == "connector.class" or _DESTINATION_NAME.search(name)]
    return [name for name in names if differs(name)]


def _definition(raw: Mapping[str, str]) -> tuple[ConfigDef, NameResolver]:
    """The options of any configuration, valid or not, and their names."""
    try:
        connector = _connector(raw)
    except ConnectorClassError:
        return COMMON_OPTIONS, NameResolver(COMMON_OPTIONS, {})
    return COMMON_OPTIONS + connector.options, _names(connector, raw)


def _resolved(raw: Mapping[str, str]) -> dict[str, str]:
    """The values by declared name."""
    _, names = _definition(raw)
    return names.resolve(raw)[0]


def _connector(raw: Mapping[str, str]) -> SourceConnector:
    """The connector that the configuration names. Raises `ConnectorClassError`."""
    class_name = raw.get("connector.class")
    if class_name is None:
        raise ConnectorClassError(f"Connector config with the options {', '.join(raw)} contains no connector type")
    try:
        return find_connector(class_name)
    except (UnknownPluginError, MissingExtraError) as error:
        raise ConnectorClassError(str(error)) from error


def _names(connector: SourceConnector, raw: Mapping[str, str]) -> NameResolver:
    """Its options' names, and those of the custom converters that a configuration names."""
    prefixes = [f"{name.strip()}." for name in raw.get("converters", "").split(",") if name.strip()]
    return NameResolver(COMMON_OPTIONS + connector.options, connector.deprecated, (*_PASSED_ON, *prefixes))


def _is_secret(definition: ConfigDef, declared: str) -> bool:
    option = definition.options.get(declared)
    if option is not None:
        return option.type is OptionType.PASSWORD
    return _SECRET_NAME.search(declared) is not None or definition.nearest(declared) in definition.secrets


def _converter_options_without_converter(values: Mapping[str, str]) -> Iterator[OptionWarning]:
    """Kafka Connect looks at them only beside a converter, and most who write them don't know that."""
    for converter in ("key.converter", "value.converter", "header.converter"):
        if converter not in values:
            for name in values:
                if name.startswith(converter + "."):
                    message = f"{name} has no effect without {converter} beside it: the worker's converter is used"
                    yield OptionWarning(name, message)
