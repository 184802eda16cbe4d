"""What the demo shows: for people in colours, or one JSON line a message."""

from __future__ import annotations

import json
from typing import Any

import click

from headwater.consumer import Message

_OPERATIONS = {"c": "create", "u": "update", "d": "delete", "r": "read"}


class Screen:
    """Shows steps and messages; with ``as_json`` messages only."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def step(self, text: str, *details: str) -> None:
        """Say what happens next."""
        if not self._as_json:
            click.secho(f"\n▸ {text}", bold=True)
            for detail in details:
                click.echo(f"  {detail}")

    def show(self, message: Message) -> None:
        """One message, at once."""
        key, value = _decoded(message.key), _decoded(message.value)
        if self._as_json:
            place = {"topic": message.topic, "partition": message.partition, "offset": message.offset}
            click.echo(json.dumps({**place, "key": key, "value": value}, ensure_ascii=False))
            return
        click.secho(f"\n  {message.topic}  partition {message.partition}  offset {message.offset}", fg="cyan")
        click.echo(f"  key     {json.dumps(key)}")
        if value is None:
            click.echo("  value   null (the tombstone: a compacted topic may forget the key)")
            return
        operation, source = value["op"], value["source"]
        click.echo(f"  op      {operation} ({_OPERATIONS[operation]})   at change {source['change_id']}")
        for image in ("before", "after"):
            if value[image] is not None:
                click.echo(f"  {image}")
                for name, column in value[image].items():
                    click.echo(f"    {name:<15} {column}")


def _decoded(data: bytes | None) -> Any:
    return None if data is None else json.loads(data)
