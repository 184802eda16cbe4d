"""``headwater outbox``: makes outboxes, and looks after what a relay could not deliver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headwater.cli.duration import DURATION
from headwater.outbox.table import Delivery, Status

if TYPE_CHECKING:
    from headwater.relay.queue import Queue

F = TypeVar("F", bound=Callable[..., Any])

PRUNE_ROWS = 1_000
"""How many rows one transaction deletes."""


def outbox_options(command: F) -> F:
    """``--url`` and ``--table``: which outbox a command works on."""
    url = click.option(
        "--url",
        envvar="OUTBOX_URL",
        show_envvar=True,
        required=True,
        metavar="URL",
        help="The outbox's database: mysql://, mariadb://, postgresql://, sqlite:// (any URL of SQLAlchemy's for these)"
        " or mongodb:// with the database's name. The variable keeps its password out of lists of processes.",
    )
    table = click.option("--table", default="outbox", show_default=True, help="Table, schema.table, or collection.")
    return url(table(command))


@click.group()
def outbox() -> None:
    """Make an outbox, and look after the events that a relay could not deliver."""


@outbox.command()
@click.option(
    "--dialect",
    required=True,
    type=click.Choice(["mysql", "mariadb", "postgresql", "sqlite", "mongodb"]),
    help="For MongoDB it is a script for mongosh.",
)
@click.option(
    "--for",
    "delivery",
    type=click.Choice([delivery.value for delivery in Delivery]),
    default=Delivery.LOG.value,
    show_default=True,
    help="Who takes the events out: the database's log, or a relay.",
)
@click.option("--table", default="outbox", show_default=True, help="Table, schema.table, or collection.")
def ddl(dialect: str, delivery: str, table: str) -> None:
    """Print the statements that make an outbox."""
    if dialect == "mongodb":
        from headwater.outbox.mongodb import mongosh_script

        click.echo(mongosh_script(table, Delivery(delivery)))
        return
    from headwater.outbox.ddl import statements
    from headwater.table_name import check_new_table_name

    try:
        check_new_table_name(table, dialect)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--table") from error
    for statement in statements(dialect, table, Delivery(delivery)):
        click.echo(f"{statement};\n")


@outbox.command("list")
@outbox_options
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([status.value for status in Status]),
    default=(Status.FAILED.value, Status.STARTED.value),
    show_default=True,
)
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1))
def list_(url: str, table: str, statuses: tuple[str, ...], limit: int) -> None:
    """Show events: id, status, aggregate, type, attempts and the reason of a failure. Payloads are not shown."""
    with _queue(url, table) as queue:
        for event in queue.list([Status(status) for status in statuses], limit):
            reason = f"  {event.reason}" if event.reason else ""
            place = f"{event.aggregate.type} {event.aggregate.id}"
            click.echo(f"{event.id}  {event.status:<9}  {place}  {event.type}  {event.attempts}{reason}")


@outbox.command()
@outbox_options
@click.argument("ids", nargs=-1, metavar="[ID]…")
@click.option("--all", "everything", is_flag=True, help="All that FAILED.")
def retry(url: str, table: str, ids: tuple[str, ...], *, everything: bool) -> None:
    """Have the relay try events again that FAILED, and with them what they hold."""
    if bool(ids) == everything:
        raise click.UsageError("name the events by their ids, or give --all")
    with _queue(url, table) as queue:
        click.echo(f"{queue.retry(None if everything else ids)} events are to be delivered again")


@outbox.command()
@outbox_options
@click.option("--older-than", required=True, type=DURATION, help="By when the event was written.")
@click.option(
    "--status",
    type=click.Choice([Status.COMPLETED.value, Status.FAILED.value]),
    default=Status.COMPLETED.value,
    show_default=True,
)
def prune(url: str, table: str, older_than: float, status: str) -> None:
    """Delete events by age and status. Without FAILED events, those go on that they held."""
    total = 0
    with _queue(url, table) as queue:
        while (count := queue.prune(Status(status), older_than, PRUNE_ROWS)) > 0:
            total += count
    click.echo(f"{total} events deleted")


@contextmanager
def _queue(url: str, table: str) -> Iterator[Queue]:
    from headwater.relay.queue import QueueError
    from headwater.relay.queues import open_queue

    try:
        queue = open_queue(url, table)
        try:
            queue.check()
            yield queue
        finally:
            queue.close()
    except QueueError as error:
        raise click.ClickException(str(error)) from error
