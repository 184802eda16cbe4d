"""``headwater preview``: shows what becomes of a table's rows, transform by transform."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.connector_file import CONNECTOR, WORKER, Built, built
from headwater.cli.sampled import OPERATIONS, as_operation, sampled_records

if TYPE_CHECKING:
    from headwater.converter import Converter
    from headwater.record import Record

_EXAMPLES = """
\b
Examples:
  headwater preview connector.json --table shop.orders
  headwater preview connector.json --table orders --rows 3 --operation update
  headwater preview connector.json --table outbox --worker worker.properties
  headwater preview connector.json --table orders --json | jq '.[0].stages[-1].value'
"""


@click.command(epilog=_EXAMPLES)
@CONNECTOR
@click.option(
    "--table", required=True, help="The table or collection: DATABASE.TABLE, or TABLE where there is one of the name."
)
@click.option("--rows", default=1, show_default=True, type=click.IntRange(1, 1000), help="How many of its rows.")
@click.option(
    "--operation",
    default="create",
    show_default=True,
    type=click.Choice(list(OPERATIONS)),
    help="What happened to them. An update shows the row before and after it alike.",
)
@WORKER
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document, for programs.")
def preview(connector: Path, table: str, rows: int, operation: str, worker_file: Path | None, *, as_json: bool) -> None:
    """Print the messages of some rows: before the transforms, behind each of them, and their sizes in each converter.

    CONNECTOR is a file as `headwater run` takes it, or JSON as it is posted to /connectors. The rows are those that the
    table has now. No offset is read or stored, nothing is delivered, and no schema is registered.
    """
    from headwater.cli.preview_text import render

    with built(connector, worker_file) as parts:
        sizes = _sizes(parts)
        sampled = parts.source.sample(table, rows)
        previews = [
            _preview(record, number, parts, sizes)
            for number, row in enumerate(sampled_records(sampled), start=1)
            for record in as_operation(row, OPERATIONS[operation], tombstones=parts.tombstones)
        ]
        if as_json:
            click.echo(parts.redact(json.dumps([each.document() for each in previews], ensure_ascii=False, indent=2)))
            return
        if not previews:
            click.echo(f"{sampled.shape.table} has no rows now, so there is nothing to show.")
        for each in previews:
            click.echo(parts.redact(render(each, sampled.shape.table)))


@dataclass(frozen=True, slots=True)
class Stage:
    """A message before the transforms, or behind one of them.

    ``transform``  its name, empty before the first
    ``message``    as a document; None where it was dropped
    ``sizes``      bytes of key and value by the converter's name; text says why there are none
    ``error``      why there is no message
    """

    transform: str
    message: Mapping[str, Any] | None
    sizes: Mapping[str, Mapping[str, int | str]] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What becomes of one message of row ``row``, counted from 1."""

    row: int
    stages: Sequence[Stage]

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "row": self.row,
            "stages": [
                {"transform": stage.transform or None, "dropped": stage.message is None and stage.error is None}
                | dict(stage.message or {})
                | ({} if stage.message is None else {"bytes": stage.sizes})
                | ({} if stage.error is None else {"error": stage.error})
                for stage in self.stages
            ],
        }


_Sizes = Mapping[str, tuple["Converter", "Converter"]]
"""Converters of keys and values by what they are called."""


def _sizes(parts: Built) -> _Sizes:
    """The connector's own converters, and others to compare them with."""
    from headwater.plugins import find_converter

    others: dict[str, tuple[str, dict[str, str]]] = {
        "JSON with schemas": ("json", {"schemas.enable": "true"}),
        "JSON": ("json", {"schemas.enable": "false"}),
        "Avro": ("avro", {"schema.registry.url": (parts.schemas / "avro").as_uri()}),
        "Protobuf": ("protobuf", {"schema.registry.url": (parts.schemas / "protobuf").as_uri()}),
    }
    made = {
        title: (
            find_converter(name).create(options, is_key=True),
            find_converter(name).create(options, is_key=False),
        )
        for title, (name, options) in others.items()
    }
    return {"as configured": (parts.converters.key, parts.converters.value), **made}


def _preview(record: Record, row: int, parts: Built, sizes: _Sizes) -> Preview:
    """Run a record through the transforms, and measure it behind each."""
    from headwater.chain import StepError

    stages = [_stage("", record, sizes)]
    try:
        for step, transformed in parts.chain.trace(record):
            stages.append(_stage(step.name, transformed, sizes))
    except StepError as error:
        stages.append(Stage(error.step.name, None, error=str(error)))
    return Preview(row, stages)


def _stage(transform: str, record: Record | None, sizes: _Sizes) -> Stage:
    if record is None:
        return Stage(transform, None)
    measured = {
        title: {
            "key": _size(key, record.topic, record.key_schema, record.key),
            "value": _size(value, record.topic, record.value_schema, record.value),
        }
        for title, (key, value) in sizes.items()
    }
    return Stage(transform, _message(record), measured)


def _size(converter: Converter, topic: str, schema: Any, value: Any) -> int | str:
    """The bytes that a converter makes of a value, or why it doesn't."""
    try:
        return len(converter.convert(topic, schema, value) or b"")
    except Exception as error:  # whatever it is, the message can't be sent so, and the user wants to know why
        return f"{type(error).__name__}: {error}"


def _message(record: Record) -> dict[str, Any]:
    """A record as a document."""
    headers = [{"name": each.name, "value": _readable(each.schema, each.value)} for each in record.headers]
    return {
        "topic": record.topic,
        "key": _readable(record.key_schema, record.key),
        "value": _readable(record.value_schema, record.value),
        "headers": headers,
        "partition": record.partition,
        "timestamp": record.timestamp,
    }


def _readable(schema: Any, value: Any) -> Any:
    """A value as JsonConverter writes it without schemas."""
    from headwater.plugins import find_converter

    converter = find_converter("json").create({"schemas.enable": "false", "decimal.format": "numeric"}, is_key=False)
    converted = converter.convert("", schema, value)
    return None if converted is None else json.loads(converted)
