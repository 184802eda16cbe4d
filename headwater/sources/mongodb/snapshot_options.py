"""What is asked of the snapshot: when it is taken, of which documents, and with how many threads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bson import json_util

from headwater.config import Config, ConfigError, Problem
from headwater.sources.filters import name_filter
from headwater.sources.snapshot_mode import SNAPSHOT_MODES, SnapshotMode

FILTERS = "snapshot.collection.filter.overrides"
CONFIGURED = "snapshot.mode.configuration.based"
_CHOICE = (
    "database.include.list",
    "database.exclude.list",
    "collection.include.list",
    "collection.exclude.list",
    "filters.match.mode",
    "snapshot.include.collection.list",
)
"""The options that decide what is read: where they have changed, an unfinished snapshot begins anew."""


CONFIGURATION_BASED = "configuration_based"


@dataclass(frozen=True, slots=True)
class SnapshotOptions:
    """``includes`` says which of the captured collections are read, ``filters`` which documents of them (all if it
    doesn't say); both take ``database.collection``. ``choice`` tells one such choice from another.
    """

    mode: SnapshotMode
    threads: int
    includes: Callable[[str], bool]
    filters: Mapping[str, Mapping[str, Any]]
    choice: str

    @classmethod
    def of(cls, config: Config) -> SnapshotOptions:
        """Raises `ConfigError`."""
        filters = _filters(config)
        return cls(
            mode=_mode(config),
            threads=config["snapshot.max.threads"],
            includes=name_filter(config["snapshot.include.collection.list"], None),
            filters={name: condition for name, (_, condition) in filters.items()},
            choice=_digest([*(config[name] for name in _CHOICE), {name: text for name, (text, _) in filters.items()}]),
        )


def _mode(config: Config) -> SnapshotMode:
    name = config["snapshot.mode"].lower()
    if name != CONFIGURATION_BASED:
        return SNAPSHOT_MODES[name]
    data = config[f"{CONFIGURED}.snapshot.data"]
    return SnapshotMode(
        data=data,
        always=data,
        mends=config[f"{CONFIGURED}.snapshot.on.data.error"],
        streams=config[f"{CONFIGURED}.start.stream"],
    )


def _filters(config: Config) -> dict[str, tuple[str, dict[str, Any]]]:
    """Text and condition of each collection that has one. Raises `ConfigError`."""
    filters, problems = {}, []
    for collection in filter(None, map(str.strip, (config[FILTERS] or "").split(","))):
        name = f"{FILTERS}.{collection}"
        text = config.raw.get(name, "")
        try:
            filters[collection] = text, _condition(text)
        except (ValueError, TypeError) as reason:
            error = reason if text else "it is missing"
            wanted = f"a condition of MongoDB's find as a JSON object, since {FILTERS} names {collection}"
            problems.append(Problem(name, f"{name} must be {wanted}: {error}"))
    if problems:
        raise ConfigError(problems)
    return filters


def _condition(text: str) -> dict[str, Any]:
    condition = json_util.loads(text)
    if not isinstance(condition, dict):
        raise TypeError("it is none")
    return condition


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
