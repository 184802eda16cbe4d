"""``headwater schema``: writes the type of a topic's messages, for those who read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headwater.cli.connector_file import CONNECTOR, WORKER, Built, built

if TYPE_CHECKING:
    from headwater.cli.schema.messages import Messages

_EXAMPLES = """
\b
Examples:
  headwater schema connector.json --table shop.orders --as dataclass > orders.py
  headwater schema connector.json --table orders --as pydantic
  headwater schema connector.json --table outbox --as dataclass --topic outbox.event.Course
  headwater schema connector.json --table orders --as avro | jq '.[-1].schema'
  headwater schema connector.json --table orders --as asyncapi --worker worker.properties
"""


@click.command(epilog=_EXAMPLES)
@CONNECTOR
@click.option(
    "--table", required=True, help="The table or collection: DATABASE.TABLE, or TABLE where there is one of the name."
)
@click.option(
    "--as",
    "form",
    required=True,
    type=click.Choice(["dataclass", "pydantic", "avro", "asyncapi"]),
    help="Python classes that headwater.inbox.events reads messages into, what the Avro converter registers, or an "
    "AsyncAPI 3.0 document.",
)
@click.option("--topic", help="Only the messages of this topic, where the table's go to several.")
@click.option(
    "--rows",
    default=100,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="How many of its rows to look at, where structure alone doesn't tell: documents, JSON, events of an outbox.",
)
@WORKER
def schema(connector: Path, table: str, form: str, topic: str | None, rows: int, worker_file: Path | None) -> None:
    """Print the type of the messages that a table's rows become, keys and values, behind all transforms.

    CONNECTOR is a file as `headwater run` takes it, or JSON as it is posted to /connectors. The table may be empty,
    unless what is sent depends on values. No offset is read or stored, nothing is delivered, and no schema is
    registered.
    """
    from headwater.cli.schema.messages import find_messages
    from headwater.logs import set_level

    with built(connector, worker_file) as parts:
        set_level("headwater.transforms", "OFF")  # rows are taken through what may never happen to them
        found = find_messages(parts, table, rows)
        if topic is not None:
            topics = sorted({each.topic for each in found.types})
            found.types = [each for each in found.types if each.topic == topic]
            if not found.types:
                raise click.ClickException(f"{found.table} has no messages for {topic}, but for {', '.join(topics)}")
        click.echo(parts.redact(_written(found, parts, form)))
        if found.error is not None:
            click.echo(parts.redact(f"some messages are not looked at: {found.error}"), err=True)


def _written(found: Messages, parts: Built, form: str) -> str:
    match form:
        case "avro":
            from headwater.cli.schema.avro import avro

            return json.dumps(avro(found, parts), ensure_ascii=False, indent=2)
        case "asyncapi":
            from headwater.cli.schema.asyncapi import asyncapi

            return json.dumps(asyncapi(found, parts), ensure_ascii=False, indent=2)
        case _:
            from headwater.cli.schema.python_source import Style, python_source

            return python_source(found, parts, Style(form)).rstrip("\n")
