"""A connector's file on the command line: read, and built as a task builds it, without a trace left anywhere."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from headwater.chain import Chain
    from headwater.plan import Converters
    from headwater.source import Source

_REGISTRY = ".schema.registry.url"

CONNECTOR = click.argument("connector", type=click.Path(exists=True, dir_okay=False, path_type=Path))
WORKER = click.option(
    "--worker",
    "worker_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Properties file of the worker that the connector runs on: its converters count where the connector has none."
    " What CONNECTOR says of its worker stands above it.",
)


@dataclass(frozen=True, slots=True)
class Built:
    """The parts of a connector's task, the source not started.

    ``name``        the connector's
    ``tombstones``  whether a delete has a tombstone behind it
    ``redact``      takes out of texts what was looked up for the configuration
    ``schemas``     a folder that takes the place of schema registries: the numbers that messages carry are made up
    """

    name: str
    source: Source
    chain: Chain
    converters: Converters
    tombstones: bool
    redact: Callable[[str], str]
    schemas: Path


@contextlib.contextmanager
def built(connector: Path, worker_file: Path | None) -> Iterator[Built]:
    """Build a connector from its file; what goes wrong meanwhile and inside is a `click.ClickException`."""
    from headwater.config import ConfigError
    from headwater.converter import ConversionError
    from headwater.logs import configure_logs
    from headwater.plugin_path import use_plugin_path
    from headwater.properties import PropertiesError, parse_properties
    from headwater.source import SourceError
    from headwater.transform import TransformError
    from headwater.worker.assembly import build_converters
    from headwater.worker.config_file import ConfigFileError, read_config_file
    from headwater.worker.connector_config import read_connector_config
    from headwater.worker.transforms import build_chain
    from headwater.worker.worker_config import read_worker_config

    configure_logs()  # to standard error
    redact: Callable[[str], str] = str
    try:
        with TemporaryDirectory() as schemas:
            described = read_config_file(connector)
            properties = parse_properties(worker_file.read_bytes()) if worker_file else {}
            worker = read_worker_config(_registering_in(schemas, {**properties, **described.worker}))
            redact = worker.references.redact
            use_plugin_path(worker.plugin_path)
            config = read_connector_config(_registering_in(schemas, described.connector), worker.references)
            redact = config.redact
            converters = build_converters(worker, config)
            chain = build_chain(config.values)
            source = config.connector.open(config.options)
            try:
                tombstones = config.options["tombstones.on.delete"]
                yield Built(config.name, source, chain, converters, tombstones, redact, Path(schemas))
            finally:
                source.close()
    except (ConfigError, ConfigFileError, ConversionError, PropertiesError, SourceError, TransformError) as error:
        raise click.ClickException(redact(str(error))) from error


def _registering_in(folder: str, config: Mapping[str, str]) -> dict[str, str]:
    """The configuration with a folder in place of every schema registry that schemas would be registered in."""

    def registers(option: str) -> bool:
        converter = option.removesuffix(_REGISTRY)
        return (
            option != converter and config.get(f"{converter}.auto.register.schemas", "true").strip().lower() != "false"
        )

    return {option: Path(folder).as_uri() if registers(option) else value for option, value in config.items()}
