"""A file that describes one connector and where it delivers: JSON, TOML, or Debezium Server's properties.

In JSON and TOML the connector's options stand in ``config`` (TOML: also as nested tables), the worker's in ``worker``,
both as Kafka Connect names them. A file without ``config`` is all options of the connector, but for those that only a
worker has. Debezium Server's ``application.properties`` are taken as they are.

Source: "Debezium Server" in Debezium's documentation; ``DebeziumServer`` of debezium/debezium-server.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.config import as_text
from headwater.properties import PropertiesError, parse_properties
from headwater.worker.common_options import COMMON_OPTIONS
from headwater.worker.worker_config import WORKER_OPTIONS

_OF_WORKER = ("config.providers.", "producer.", "security.", "sasl.", "ssl.")
"""What starts so, and no override, is a worker's."""
_DEBEZIUM = "debezium."
_SINKS = {"kafka", "local", "file", "stdout"}
_FORMATS = {"json": "json", "simplestring": "string", "string": "string"}


class ConfigFileError(ValueError):
    """A file that describes no connector: says why."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The worker's options and the connector's, ``name`` among these."""

    worker: dict[str, str]
    connector: dict[str, str]


def read_config_file(file: Path) -> ConfigFile:
    """Raises `ConfigFileError`."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigFileError(f"{file} can't be read: {error.strerror}") from error
    try:
        match file.suffix.lower():
            case ".json":
                found = _from_document(json.loads(data))
            case ".toml":
                found = _from_document(tomllib.loads(data.decode()))
            case ".properties":
                found = _from_properties(parse_properties(data))
            case _:
                raise ConfigFileError(f"{file} must end in .json, .toml or .properties, which says what it is")
    except (PropertiesError, tomllib.TOMLDecodeError, ValueError) as error:
        if isinstance(error, ConfigFileError):
            raise
        raise ConfigFileError(f"{file} can't be read: {error}") from error
    found.connector.setdefault("name", file.stem)
    return found


def _from_document(document: Any) -> ConfigFile:
    if not isinstance(document, dict):
        raise ConfigFileError("the file must hold an object with the connector's options")
    if "config" not in document:
        return _split(dict(_flat(document)))
    unknown = document.keys() - {"name", "config", "worker"}
    if unknown:
        raise ConfigFileError(f"beside config there may be name and worker, not {', '.join(sorted(unknown))}")
    named = {"name": document["name"]} if "name" in document else {}
    return ConfigFile(dict(_flat(document.get("worker", {}))), dict(_flat({**named, **document["config"]})))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested tables as names with dots; a list as its members with commas between."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield prefix + name, ",".join(str(each) for each in value)
        elif (text := as_text(value)) is not None:
            yield prefix + name, text


def _split(values: Mapping[str, str]) -> ConfigFile:
    """Options of which each says by its name whose it is."""
    worker = {name: value for name, value in values.items() if _is_of_worker(name)}
    return ConfigFile(worker, {name: value for name, value in values.items() if name not in worker})


def _is_of_worker(name: str) -> bool:
    if name in COMMON_OPTIONS.options or name.startswith("producer.override."):
        return False
    return name in WORKER_OPTIONS.options or name.startswith(_OF_WORKER)


def _from_properties(values: Mapping[str, str]) -> ConfigFile:
    if not any(name.startswith(f"{_DEBEZIUM}source.") for name in values):
        return _split(values)
    worker, connector = {}, {}
    for name, value in values.items():
        match name.removeprefix(_DEBEZIUM).split(".", 1) if name.startswith(_DEBEZIUM) else [""]:
            case ["source", option] if option.startswith("offset."):
                worker[option] = value
            case ["source", option]:
                connector[option] = value
            case [("transforms" | "predicates") as option, *rest]:
                connector[".".join([option, *rest])] = value
            case ["sink" | "format", _] | [""]:
                pass
            case _:
                raise ConfigFileError(f"{name} is not known here")
    # Debezium Server's offsets are in a file of another format, so its state is not taken over.
    return ConfigFile({**worker, **_sink(values)}, {**_formats(values), **connector})


def _sink(values: Mapping[str, str]) -> dict[str, str]:
    """The worker's options by ``debezium.sink.``."""
    kind = values.get(f"{_DEBEZIUM}sink.type", "")
    if kind not in _SINKS:
        raise ConfigFileError(f"debezium.sink.type must be one of {', '.join(sorted(_SINKS))}, not {kind!r}")
    prefix = f"{_DEBEZIUM}sink.{kind}."
    own = {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
    if kind == "kafka":
        worker = dict(own)
        if "producer.bootstrap.servers" in worker:
            worker["bootstrap.servers"] = worker.pop("producer.bootstrap.servers")
        return {name: value for name, value in worker.items() if not name.endswith(".serializer")}
    place = own.get("format", "") if kind == "stdout" else own.get("path", "")
    if kind != "stdout" and not place:
        raise ConfigFileError(f"{prefix}path is missing: the file to write")
    return {"bootstrap.servers": f"{kind}://{place}"}


def _formats(values: Mapping[str, str]) -> dict[str, str]:
    """The connector's converters by ``debezium.format.``."""
    found = {}
    for part in ("key", "value", "header"):
        prefix = f"{_DEBEZIUM}format.{part}"
        name = values.get(prefix, "json").lower()
        if name not in _FORMATS:
            raise ConfigFileError(f"{prefix}={name} is not supported yet; there are: {', '.join(_FORMATS)}")
        converter = f"{part}.converter"
        found[converter] = _FORMATS[name]
        common = {
            option.removeprefix(f"{_DEBEZIUM}format."): value
            for option, value in values.items()
            if option.startswith(f"{_DEBEZIUM}format.schemas.")
        }
        own = {
            option.removeprefix(f"{prefix}."): value
            for option, value in values.items()
            if option.startswith(f"{prefix}.")
        }
        if _FORMATS[name] == "json":
            found |= {f"{converter}.{option}": value for option, value in {**common, **own}.items()}
    return found
