"""``headwater inbox``: the table, a subscription's process, and forgetting old ids."""

from __future__ import annotations

import asyncio
import inspect
import re
from datetime import timedelta
from typing import Any

import click

from headwater.inbox.ddl import DIALECTS

_AGE = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@click.group()
def inbox() -> None:
    """Handle each message once: the consumer's side."""


@inbox.command()
@click.option("--dialect", type=click.Choice(DIALECTS), required=True)
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


def _age(_: click.Context, __: click.Parameter, text: str) -> timedelta:
    if (parts := _AGE.fullmatch(text)) is None:
        raise click.BadParameter("expected a number and s, m, h or d, as in 30d")
    return timedelta(**{_UNITS[parts[2]]: int(parts[1])})


@inbox.command()
@click.argument("target", metavar="MODULE:NAME")
@click.option("--older-than", required=True, callback=_age, metavar="AGE", help="As in 30d, 12h.")
def prune(target: str, older_than: timedelta) -> None:
    """Forget ids that the Subscription NAME recorded longer ago than AGE.

    A message that comes again after that is handled again: AGE must be longer than the topics keep messages.
    """
    from headwater.cli.target import load
    from headwater.inbox import Subscription

    subscription: Subscription[Any] = load(target, Subscription)
    pruned: Any = subscription.inbox.prune(older_than)
    count = asyncio.run(pruned) if inspect.iscoroutine(pruned) else pruned
    click.echo(f"{count} ids forgotten")
