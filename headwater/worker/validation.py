"""Says all that is wrong with a connector's configuration, and what else its author should know, without running it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from headwater.config import Config, ConfigDef, Problem
from headwater.plugins import plugin_classes
from headwater.worker import assembly
from headwater.worker.connector_config import hide_secrets, name_options
from headwater.worker.option_names import OptionWarning
from headwater.worker.transforms import transform_options, transform_warnings
from headwater.worker.worker_config import WorkerConfig

_CONVERTERS = {"key.converter": "converter", "value.converter": "converter", "header.converter": "header_converter"}
"""Options that name converters, with the kind of plugin they are."""


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found.

    ``definition``  what can be configured: of the connector, its transforms, and the converters that it has of its own
    ``given``       the values by the names they were given, and by declared ones; secrets are hidden
    ``problems``    what keeps the connector from being created
    """

    definition: ConfigDef
    given: Mapping[str, str]
    problems: tuple[Problem, ...]
    warnings: tuple[OptionWarning, ...]


def validate(worker: WorkerConfig, raw: Mapping[str, str], *, connect: bool = False) -> Validation:
    """Check a configuration as it was given; with ``connect``, also that the source can be reached.

    Blocks for as long as that takes. Raises `headwater.worker.connector_config.ConnectorClassError`.
    """
    named = name_options(raw, worker.references)
    options, problems = named.definition.check(named.values)
    problems += assembly.find_problems(worker, named.values)
    # What could not be looked up is missing too, and what only stands for a secret is no good value.
    told = {problem.option for problem in named.problems}
    problems = [*named.problems, *(problem for problem in problems if problem.option not in told)]
    if connect and not any(problem.option in named.connector.options.options for problem in problems):
        problems += named.connector.check_connection(Config(options, named.definition.secrets, named.values))
    return Validation(
        _with_converters(named.definition, worker)
        + transform_options(named.values)
        + assembly.converter_options(named.values),
        hide_secrets({**raw, **named.given}, worker.references),
        tuple(Problem(problem.option, worker.references.redact(problem.message)) for problem in problems),
        (*named.warnings, *assembly.converter_warnings(named.values), *transform_warnings(named.values)),
    )


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
