"""``headwater projection``: a projection's process, and rebuilding it."""

from __future__ import annotations

from typing import Any

import click


@click.group()
def projection() -> None:
    """Keep a table or collection up to date from change events."""


@projection.command()
@click.argument("target", metavar="MODULE:NAME")
def run(target: str) -> None:
    """Run the Projection NAME until SIGTERM or Ctrl-C."""
    _told(lambda: _load(target).run())


@projection.command()
@click.argument("target", metavar="MODULE:NAME")
def rebuild(target: str) -> None:
    """Build the view of the Projection NAME anew from all that its topics hold; the old one serves meanwhile."""
    click.echo(f"rebuilt from {_told(lambda: _load(target).rebuild())} messages")


def _load(target: str) -> Any:
    from headwater.cli.target import load
    from headwater.projection import Projection

    return load(target, Projection)


def _told(work: Any) -> Any:
    from headwater.consumer import ConsumerError
    from headwater.inbox import InboxError
    from headwater.inbox.events import EventError
    from headwater.logs import configure_logs
    from headwater.sink import SinkError

    configure_logs()
    try:
        return work()
    except (ConsumerError, EventError, ImportError, InboxError, SinkError) as error:
        raise click.ClickException(str(error)) from error
