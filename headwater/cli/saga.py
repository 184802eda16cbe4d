"""``headwater saga``: looks at the sagas of a service."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from headwater.saga.instance import Instance

_EXAMPLES = """
\b
Examples:
  headwater saga list --url mysql://app@db/orders --status FAILED
  headwater saga show --url mongodb://db/orders 42
"""

_url = click.option(
    "--url",
    required=True,
    envvar="DATABASE_URL",
    show_envvar=True,
    help="The service's database: mysql://, mariadb://, postgresql://, sqlite:// (any URL of SQLAlchemy's for these)"
    " or mongodb:// with the database's name. The variable keeps its password out of lists of processes.",
)
_table = click.option(
    "--table", default=None, help="Table, schema.table, or collection.  [default: saga, in MongoDB sagas]"
)
_json = click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")


@click.group(epilog=_EXAMPLES)
def saga() -> None:
    """Look at a service's sagas."""


@saga.command("list")
@_url
@_table
@click.option("--saga", "name", help="Only those of this name.")
@click.option(
    "--status",
    type=click.Choice(["RUNNING", "COMPENSATING", "COMPLETED", "COMPENSATED", "FAILED"], case_sensitive=False),
    help="Only those that stand so.",
)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1))
@_json
def list_(url: str, table: str | None, name: str | None, status: str | None, limit: int, *, as_json: bool) -> None:
    """List sagas, those that changed last first."""
    found = _find(url, table, saga=name, status=status, limit=limit)
    for each in found:
        if as_json:
            click.echo(json.dumps(_members(each)))
            continue
        at = f"{each.phase.value} {each.step}" if each.step else ""
        click.echo(f"{each.updated_at:%Y-%m-%d %H:%M:%S}  {each.status.value:<12}  {each.saga} {each.id}  {at}")
        if each.reason:
            click.echo(f"    {each.reason}")
    if not found and not as_json:
        click.echo("no sagas")


@saga.command()
@_url
@_table
@click.argument("saga_id")
@_json
def show(url: str, table: str | None, saga_id: str, *, as_json: bool) -> None:
    """Show one saga with its history."""
    found = _find(url, table, saga_id=saga_id)
    if not found:
        raise click.ClickException(f"there is no saga {saga_id!r}")
    for each in found:
        if as_json:
            click.echo(json.dumps(_members(each)))
            continue
        click.secho(f"{each.saga} {each.id}: {each.status.value}", bold=True)
        for label, value in (("reason", each.reason), ("waits until", each.deadline), ("data", each.data)):
            if value is not None:
                click.echo(f"  {label:<12} {json.dumps(value) if isinstance(value, dict) else value}")
        for entry in each.history:
            reason = f"  ({entry.reason})" if entry.reason else ""
            click.echo(
                f"  {entry.at:%Y-%m-%d %H:%M:%S}  {entry.phase.value:<8} {entry.step:<20} {entry.outcome}{reason}"
            )


def _find(url: str, table: str | None, *, status: str | None = None, **wanted: Any) -> Sequence[Instance]:
    from headwater.cli.sagas import find_sagas
    from headwater.saga.instance import Status

    return find_sagas(url, table, status=Status(status) if status else None, **wanted)


def _members(instance: Instance) -> dict[str, Any]:
    return {
        "saga": instance.saga,
        "id": instance.id,
        "status": instance.status.value,
        "step": instance.step,
        "phase": instance.phase.value,
        "reason": instance.reason,
        "deadline": instance.deadline and instance.deadline.isoformat(),
        "data": instance.data,
        "history": [entry.as_json() for entry in instance.history],
    }
