"""The config providers that a worker's properties declare.

Source: ``org.apache.kafka.common.config.AbstractConfig``: ``config.providers`` names them,
``config.providers.NAME.class`` says what each is, ``config.providers.NAME.param.`` configures it.
"""

from __future__ import annotations

from collections.abc import Mapping

from headwater.config import ConfigError, Problem
from headwater.config_provider import ConfigProvider
from headwater.plugins import UnknownPluginError, find_config_provider
from headwater.worker.option_names import NameResolver, OptionWarning
from headwater.worker.references import References

CONFIG_PROVIDERS = "config.providers"


def read_config_providers(names: list[str], values: Mapping[str, str]) -> tuple[References, list[OptionWarning]]:
    """The providers of these names, and what their author should know of their options.

    What configures them is taken as it stands, references in it too. Raises `ConfigError` with all problems at once.
    """
    problems = [
        Problem(CONFIG_PROVIDERS, f"Configuration '{CONFIG_PROVIDERS}' values must not be duplicated: {name} is twice")
        for name in sorted(set(names))
        if names.count(name) > 1
    ]
    providers: dict[str, ConfigProvider] = {}
    warnings = _without_effect(names, values)
    for name in names:
        prefix = f"{CONFIG_PROVIDERS}.{name}.param."
        parameters = {option[len(prefix) :]: text for option, text in values.items() if option.startswith(prefix)}
        option = _class_option(name)
        if option not in values:
            problems.append(Problem(option, f"{option}: must be given, because {CONFIG_PROVIDERS} names {name}"))
            continue
        try:
            module = find_config_provider(values[option].strip())
            known, found = NameResolver(module.OPTIONS, {}).resolve(parameters)
            warnings += [OptionWarning(prefix + w.option, prefix + w.message) for w in found]
            providers[name] = module.create(known)
        except ConfigError as error:
            problems += [Problem(prefix + p.option, f"{prefix}{p.option}: {p.message}") for p in error.problems]
        except UnknownPluginError as error:
            problems.append(Problem(option, f"{option}: {error}"))
    if problems:
        raise ConfigError(problems)
    return References(providers), warnings


def _class_option(name: str) -> str:
    return f"{CONFIG_PROVIDERS}.{name}.class"


def _without_effect(names: list[str], values: Mapping[str, str]) -> list[OptionWarning]:
    """Options of providers that are not there: Kafka Connect says nothing of them."""
    used = tuple(f"{CONFIG_PROVIDERS}.{name}.{below}" for name in names for below in ("class", "param."))
    return [
        OptionWarning(option, f"{option} has no effect: {CONFIG_PROVIDERS} names {', '.join(names) or 'none'}")
        for option in values
        if option.startswith(f"{CONFIG_PROVIDERS}.") and not option.startswith(used)
    ]
