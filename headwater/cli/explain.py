"""``headwater explain``: shows the functions that a connector's tables are read with."""

from __future__ import annotations

from pathlib import Path

import click

from headwater.cli.connector_file import CONNECTOR, WORKER, built


@click.command()
@CONNECTOR
@WORKER
def explain(connector: Path, worker_file: Path | None) -> None:
    """Print the function that is generated for each kind of log event on each table of a connector.

    CONNECTOR is a file as `headwater run` takes it, or JSON as it is posted to /connectors. The database is read for
    the structure of its tables; nothing is changed there, delivered or stored. Schemas are not registered either:
    the numbers that messages carry are made up.
    """
    from headwater.plan import plan

    with built(connector, worker_file) as parts:
        for shape in parts.source.shapes():
            click.echo(parts.redact(f"# {shape.table}: {shape.operation}"))
            click.echo(parts.redact(plan(shape, parts.converters, parts.chain.plan).source))
