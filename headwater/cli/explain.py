"""``headwater explain``: shows the functions that a connector's tables are read with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import click

_REGISTRY = ".schema.registry.url"


@click.command()
@click.argument("connector", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--worker",
    "worker_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Properties file of the worker that the connector runs on: its converters count where the connector has none.",
)
def explain(connector: Path, worker_file: Path | None) -> None:
    """Print the function that is generated for each kind of log event on each table of a connector.

    CONNECTOR is a JSON file: what is posted to /connectors, or the configuration alone. The database is read for
    the structure of its tables; nothing is changed there, delivered or stored. Schemas are not registered either:
    the numbers that messages carry are made up.
    """
    from headwater.config import ConfigError
    from headwater.converter import ConversionError
    from headwater.plan import plan
    from headwater.plugin_path import use_plugin_path
    from headwater.properties import PropertiesError, parse_properties
    from headwater.source import SourceError
    from headwater.transform import TransformError
    from headwater.worker.assembly import build_converters
    from headwater.worker.connector_config import read_connector_config
    from headwater.worker.transforms import build_chain
    from headwater.worker.worker_config import read_worker_config

    redact: Callable[[str], str] = str
    try:
        with TemporaryDirectory() as schemas:
            properties = parse_properties(worker_file.read_bytes()) if worker_file else {}
            worker = read_worker_config(_registering_in(schemas, properties))
            redact = worker.references.redact
            use_plugin_path(worker.plugin_path)
            config = read_connector_config(_registering_in(schemas, _read_config(connector)), worker.references)
            redact = config.redact
            converters = build_converters(worker, config)
            chain = build_chain(config.values)
            source = config.connector.open(config.options)
            try:
                for shape in source.shapes():
                    click.echo(redact(f"# {shape.table}: {shape.operation}"))
                    click.echo(redact(plan(shape, converters, chain.plan).source))
            finally:
                source.close()
    except (ConfigError, ConversionError, PropertiesError, SourceError, TransformError) as error:
        raise click.ClickException(redact(str(error))) from error


def _registering_in(folder: str, config: Mapping[str, str]) -> dict[str, str]:
    """The configuration with a folder in place of every schema registry that schemas would be registered in."""

    def registers(option: str) -> bool:
        converter = option.removesuffix(_REGISTRY)
        return (
            option != converter and config.get(f"{converter}.auto.register.schemas", "true").strip().lower() != "false"
        )

    return {option: Path(folder).as_uri() if registers(option) else value for option, value in config.items()}


def _read_config(file: Path) -> dict[str, str]:
    """The configuration in ``{"name", "config"}`` or as it is. Raises `click.ClickException`."""
    from headwater.config import as_text

    try:
        content = json.loads(file.read_bytes())
    except ValueError as error:
        raise click.ClickException(f"{file} is not JSON: {error}") from error
    config = content.get("config", content) if isinstance(content, dict) else None
    if not isinstance(config, dict):
        raise click.ClickException(f"{file} must hold a JSON object")
    named = {"name": content.get("name", file.stem), **config}
    return {name: text for name, value in named.items() if (text := as_text(value)) is not None}
