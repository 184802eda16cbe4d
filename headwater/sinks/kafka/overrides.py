"""What can be said of a connector's ``producer.override.*`` by their names, for those who validate a configuration."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.config import ConfigDef, Option, OptionType
from headwater.sinks.kafka.options import PRODUCER_OPTIONS, ProducerOption, nearest_option
from headwater.sinks.kafka.producer_config import CONNECTOR_PREFIX


def override_options(names: Iterable[str]) -> ConfigDef:
    """The producer's options among those that a connector has, by their whole names."""
    known = [PRODUCER_OPTIONS[name] for name in _overridden(names) if name in PRODUCER_OPTIONS]
    return ConfigDef(*map(_described, known))


def unknown_overrides(names: Iterable[str]) -> dict[str, str | None]:
    """Those that the producer doesn't have, by their whole names, each with the nearest that it has."""
    unknown = [name for name in _overridden(names) if name not in PRODUCER_OPTIONS]
    nearest = ((name, nearest_option(name)) for name in unknown)
    return {f"{CONNECTOR_PREFIX}{name}": near and f"{CONNECTOR_PREFIX}{near}" for name, near in nearest}


def _overridden(names: Iterable[str]) -> list[str]:
    return [name.removeprefix(CONNECTOR_PREFIX) for name in names if name.startswith(CONNECTOR_PREFIX)]


def _described(option: ProducerOption) -> Option:
    settings = f"In librdkafka: {', '.join(option.settings)}." if option.settings else ""
    return Option(
        f"{CONNECTOR_PREFIX}{option.name}",
        OptionType.PASSWORD if option.secret else OptionType.STRING,
        None,
        " ".join(filter(None, (option.note, settings))),
        label=option.name,
    )
