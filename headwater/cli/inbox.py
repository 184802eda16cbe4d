"""``headwater inbox``: the table, a subscription's process, and forgetting old ids."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

import click

from headwater.cli.duration import DURATION


@click.group()
def inbox() -> None:
    """Handle each message once: the consumer's side."""


@inbox.command()
@click.option("--dialect", type=click.Choice(["mysql", "mariadb", "postgresql", "sqlite", "mongodb"]), required=True)
@click.option("--table", default="inbox", show_default=True, help="The table's or collection's name.")
def ddl(dialect: str, table: str) -> None:
    """Print what makes the inbox in a database."""
    from headwater.inbox import ddl as statements

    try:
        click.echo("\n".join(f"{statement};" for statement in statements.ddl(dialect, table)))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--table") from error


@inbox.command()
@click.argument("target", metavar="MODULE:NAME")
def run(target: str) -> None:
    """Run the Subscription NAME until SIGTERM or Ctrl-C."""
    from headwater.cli.target import load
    from headwater.consumer import ConsumerError
    from headwater.inbox import InboxError, Subscription
    from headwater.logs import configure_logs
    from headwater.sink import SinkError

    configure_logs()
    subscription: Subscription[Any] = load(target, Subscription)
    try:
        subscription.run()
    except (ConsumerError, ImportError, InboxError, SinkError) as error:
        raise click.ClickException(str(error)) from error


@inbox.command()
@click.argument("target", metavar="MODULE:NAME")
@click.option("--older-than", required=True, type=DURATION, help="By when the id was recorded.")
def prune(target: str, older_than: float) -> None:
    """Forget old ids that the Subscription NAME recorded.

    A message that comes again after that is handled again: keep ids for longer than the topics keep messages.
    """
    import asyncio

    from headwater.cli.target import load
    from headwater.inbox import InboxError, Subscription

    subscription: Subscription[Any] = load(target, Subscription)
    try:
        pruned: Any = subscription.inbox.prune(timedelta(seconds=older_than))
        count = asyncio.run(pruned) if inspect.iscoroutine(pruned) else pruned
    except InboxError as error:
        raise click.ClickException(str(error)) from error
    except Exception as error:  # each library has its own
        raise click.ClickException(
            f"ids can't be forgotten: {type(error).__name__}: {error}; is the table there? "
            "`headwater inbox ddl` prints what makes it"
        ) from error
    click.echo(f"{count} ids forgotten")
