"""Where a sink writes, with the options of its address: ``local://topics.db?partitions=3``."""

from __future__ import annotations

from headwater.addresses import Place
from headwater.config import ConfigDef, ConfigError, Problem


def parse_place(text: str, known: ConfigDef) -> Place:
    """The path and its options. Raises `headwater.config.ConfigError` for an option that is none of ``known``."""
    place = Place.parse(text)
    names = ", ".join(known.options)
    unknown = [name for name in place.options if name not in known.options]
    if unknown:
        raise ConfigError(
            Problem(
                "bootstrap.servers",
                f"{text}: there is no option {name}, there are {names}; a question mark of the path is written %3F",
            )
            for name in unknown
        )
    return place
