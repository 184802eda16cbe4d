"""A file that describes one connector and where it delivers: JSON, TOML, or Debezium Server's properties.

In JSON and TOML the connector's options stand in ``config`` (TOML: also as nested tables), the worker's in ``worker``,
both as Kafka Connect names them. A file without ``config`` is all options of the connector, but for those that only a
worker has. What the REST API takes and gives for a connector, and Debezium Server's ``application.properties``, are
taken as they are.

Source: "Debezium Server" in Debezium's documentation; ``DebeziumServer`` of debezium/debezium-server and
``io.debezium.embedded.ConverterBuilder`` (Debezium 3.6).
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.config import as_text
from headwater.properties import PropertiesError, parse_properties
from headwater.worker.common_options import COMMON_OPTIONS
from headwater.worker.option_names import OptionWarning, unknown_option
from headwater.worker.worker_config import WORKER_OPTIONS

_OF_WORKER = ("config.providers.", "producer.", "security.", "sasl.", "ssl.")
"""What starts so, and no override, is a worker's."""
_OF_REST = {"initial_state", "tasks", "type"}
"""What stands beside a connector's configuration in the REST API, and says nothing here."""
_DEBEZIUM = "debezium."
_SECTIONS = ("source", "sink", "format", "transforms", "predicates")
_SINKS = {"kafka", "local", "file", "stdout"}
_PARTS = ("key", "value", "header")
_FORMATS = {
    "avro": "avro",
    "binary": "binary",
    "cloudevents": "cloudevents",
    "json": "json",
    "jsonbytearray": "json",
    "protobuf": "protobuf",
    "simplestring": "string",
}
"""The converter that each of Debezium Server's formats is made by."""


class ConfigFileError(ValueError):
    """A file that describes no connector: says why."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The worker's options and the connector's, ``name`` among these; ``warnings`` of those that are neither's."""

    worker: dict[str, str]
    connector: dict[str, str]
    warnings: tuple[OptionWarning, ...] = ()


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
    if "config" not in document and "worker" not in document:
        return _split(dict(_flat(document)))
    unknown = document.keys() - {"name", "config", "worker"} - _OF_REST
    if unknown:
        raise ConfigFileError(f"beside config there may be name and worker, not {', '.join(sorted(unknown))}")
    for section in ("config", "worker"):
        if not isinstance(document.get(section, {}), dict):
            raise ConfigFileError(f"{section} must hold an object with options")
    named = {"name": document["name"]} if "name" in document else {}
    connector = {**named, **document.get("config", {})}
    return ConfigFile(dict(_flat(document.get("worker", {}))), dict(_flat(connector)))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested tables as names with dots; a list as its members with commas between."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            if any(isinstance(each, dict | list) for each in value):
                raise ConfigFileError(f"{prefix}{name} must be a list of values, not of lists or objects")
            yield prefix + name, ",".join(text for each in value if (text := as_text(each)) is not None)
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
    warnings = []
    for name, value in values.items():
        match name.removeprefix(_DEBEZIUM).split(".", 1) if name.startswith(_DEBEZIUM) else [""]:
            case ["source", option] if option.startswith("offset.") and option in WORKER_OPTIONS.options:
                worker[option] = value
            case ["source", option] if option.startswith("offset."):
                warnings.append(OptionWarning(name, f"{name} has no effect: offsets are kept in a file of Headwater's"))
            case ["source", option]:
                connector[option] = value
            case [("transforms" | "predicates") as option, *rest]:
                connector[".".join([option, *rest])] = value
            case ["sink" | "format", _] | [""]:
                pass
            case [section, *_]:
                near = difflib.get_close_matches(section, _SECTIONS, 1)
                warnings.append(OptionWarning(name, unknown_option(name, _DEBEZIUM + near[0] if near else None)))
    if worker.get("offset.flush.interval.ms", "").strip() == "0":  # after each batch: no two come within less
        worker["offset.flush.interval.ms"] = "1"
    # Debezium Server's offsets are in a file of another format, so its state is not taken over.
    return ConfigFile({**worker, **_sink(values)}, {**_formats(values), **connector}, tuple(warnings))


def _sink(values: Mapping[str, str]) -> dict[str, str]:
    """The worker's options by ``debezium.sink.``."""
    kind = values.get(f"{_DEBEZIUM}sink.type", "")
    if kind not in _SINKS:
        raise ConfigFileError(f"debezium.sink.type must be one of {', '.join(sorted(_SINKS))}, not {kind!r}")
    prefix = f"{_DEBEZIUM}sink.{kind}."
    own = _below(prefix, values)
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
    """The connector's converters by ``debezium.format.``: what names no part is for all of them."""
    given = _below(f"{_DEBEZIUM}format.", values)
    common = {option: value for option, value in given.items() if option.partition(".")[0] not in _PARTS}
    found = {}
    for part in _PARTS:
        name = given.get(part, "json").lower()
        if name not in _FORMATS:
            known = ", ".join(_FORMATS)
            raise ConfigFileError(f"{_DEBEZIUM}format.{part}={name} is not supported; there are: {known}")
        options = common | _below(f"{part}.", given)
        if "apicurio.registry.url" in options:
            raise ConfigFileError(
                f"{_DEBEZIUM}format.{part}: apicurio.registry.url is not supported; Apicurio has Confluent's API too:"
                " schema.registry.url=http://HOST/apis/ccompat/v7"
            )
        converter = f"{part}.converter"
        found[converter] = _FORMATS[name]
        found |= {f"{converter}.{option}": value for option, value in options.items()}
    return found


def _below(prefix: str, values: Mapping[str, str]) -> dict[str, str]:
    """The options that start with ``prefix``, without it."""
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
