"""Says all that is wrong with a connector's configuration, and what else its author should know, without running it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from headwater.config import Config, ConfigDef, ConfigError, Problem
from headwater.plugins import plugin_classes
from headwater.source import SourceConnector
from headwater.worker import assembly
from headwater.worker.connector_config import NamedConfig, hide_secrets, name_options
from headwater.worker.option_names import OptionWarning
from headwater.worker.transforms import transform_options, transform_warnings
from headwater.worker.worker_config import WorkerConfig

_CONVERTERS = {"key.converter": "converter", "value.converter": "converter", "header.converter": "header_converter"}
"""Options that name converters, with the kind of plugin they are."""


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found.

    ``definition``  what can be configured: of the connector, its transforms, the converters that it has of its own, and
                    what it sets of its producer
    ``given``       the values by the names they were given, and by declared ones; secrets are hidden
    ``problems``    what keeps the connector from being created
    """

    definition: ConfigDef
    given: Mapping[str, str]
    problems: tuple[Problem, ...]
    warnings: tuple[OptionWarning, ...]


def validate(worker: WorkerConfig, raw: Mapping[str, str]) -> Validation:
    """Check a configuration as it was given, and whether the source can be reached; say what can be configured.

    Blocks for as long as that takes. Raises `headwater.worker.connector_config.ConnectorClassError`.
    """
    named = name_options(raw, worker.references)
    problems, config = _find_problems(worker, named)
    if config is not None:
        problems += named.redact.of_problems(named.connector.check_connection(config))
    return Validation(
        _with_converters(named.definition, worker)
        + transform_options(named.values)
        + assembly.converter_options(named.values)
        + assembly.producer_options(named.values),
        hide_secrets({**raw, **named.given}, worker.references),
        tuple(problems),
        _find_warnings(named),
    )


def check(worker: WorkerConfig, raw: Mapping[str, str]) -> tuple[OptionWarning, ...]:
    """What the author of a configuration should know. The source is not asked, nor is every plugin looked at.

    Raises `headwater.config.ConfigError` or `headwater.worker.connector_config.ConnectorClassError`.
    """
    named = name_options(raw, worker.references)
    problems, _ = _find_problems(worker, named)
    if problems:
        raise ConfigError(problems)
    return _find_warnings(named)


def _find_problems(worker: WorkerConfig, named: NamedConfig) -> tuple[list[Problem], Config | None]:
    """What is wrong, and the connector's own options where none of them is."""
    options, problems = named.definition.check(named.values)
    problems += assembly.find_problems(worker, named.values)
    # What could not be looked up is missing too, and what only stands for a secret is no good value.
    told = {problem.option for problem in named.problems}
    problems = [*named.problems, *(problem for problem in problems if problem.option not in told)]
    config = None
    if not any(problem.option in named.connector.options.options for problem in problems):
        config = Config(options, named.definition.secrets, named.values)
        problems += _contradictions(named.connector, config)
    return named.redact.of_problems(problems), config


def _find_warnings(named: NamedConfig) -> tuple[OptionWarning, ...]:
    return (
        *named.warnings,
        *transform_warnings(named.values),
        *assembly.converter_warnings(named.values),
        *assembly.producer_warnings(named.values),
    )


def _contradictions(connector: SourceConnector, config: Config) -> list[Problem]:
    """What is wrong with options that are good each by itself."""
    try:
        connector.open(config).close()
    except ConfigError as error:
        return list(error.problems)
    return []


def _with_converters(definition: ConfigDef, worker: WorkerConfig) -> ConfigDef:
    """The definition with the worker's converters as defaults, and the names of those there are."""
    options = [
        replace(option, default=worker.options[option.name], choices=_classes(_CONVERTERS[option.name]))
        if option.name in _CONVERTERS
        else option
        for option in definition.options.values()
    ]
    return ConfigDef(*options, refused=definition.refused, ignored=definition.ignored)


def _classes(kind: str) -> tuple[str, ...]:
    """The class names of all plugins of a kind."""
    return tuple(sorted(class_name for class_name, each in plugin_classes() if each == kind))
