"""``headwater sqlite``: the triggers that record a SQLite database's changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import sqlite3

_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_TABLES = click.argument("tables", nargs=-1)


@click.group()
def sqlite() -> None:
    """Install, verify and remove the triggers that record a SQLite database's changes."""


@sqlite.command()
@_FILE
@_TABLES
def install(file: Path, tables: tuple[str, ...]) -> None:
    """Put triggers on TABLES, or on all.

    They record every change of the tables' rows in FILE itself, for a connector to read. Those that are there and right
    are left alone; those that are missing or stale are made anew, and a connector then reads the table's rows again.
    """
    from headwater.sources.sqlite import installation

    with _opened(file) as database:
        made = installation.install(database, tables)
        captured = installation.captured_tables(database)
    for each in made:
        click.echo(f"{each.table.name}: triggers installed")
    if not made:
        click.echo(f"nothing to do: {len(captured)} tables have their triggers")


@sqlite.command()
@_FILE
def verify(file: Path) -> None:
    """Say what is recorded.

    Says of each table of FILE whether its changes are recorded, with status 1 where triggers are missing or stale; and
    which connectors changes are kept for, and how many.
    """
    from headwater.sources.sqlite import installation
    from headwater.sources.sqlite.table import table_names

    with _opened(file) as database:
        captured = installation.captured_tables(database)
        states = dict.fromkeys(table_names(database), "no triggers")
        readers = installation.readers(database)
    for each in captured:
        states.pop(each.renamed_to or "", None)
        states[each.table.name] = each.problem or ("the table is gone" if each.dropped else "recorded")
    for name, state in sorted(states.items()):
        click.echo(f"{name}: {state}")
    for reader in readers:
        click.echo(f"connector {reader.name}: at change {reader.change_id}, {reader.behind} are kept for it")
    if any(each.problem for each in captured):
        raise click.exceptions.Exit(1)


@sqlite.command()
@_FILE
@_TABLES
@click.option("--reader", help="Forget this connector (its topic.prefix), which changes are kept for.")
def remove(file: Path, tables: tuple[str, ...], reader: str | None) -> None:
    """Take the triggers off TABLES, or off all.

    Without TABLES everything that install made in FILE goes with them.
    """
    from headwater.sources.sqlite import installation

    with _opened(file) as database:
        if reader is not None:
            if not installation.forget_reader(database, reader):
                raise click.ClickException(f"no changes are kept for a connector {reader}")
            click.echo(f"no changes are kept for {reader} any more")
            return
        gone = installation.remove(database, tables)
    click.echo("".join(f"{name}: triggers removed\n" for name in gone) or "there are no triggers", nl=not gone)


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    from headwater.source import SourceError
    from headwater.sources.sqlite.database import connect, database_errors
    from headwater.sources.sqlite.installation import InstallationError

    try:
        with closing(connect(file, 30)) as database, database_errors(str(file)):
            yield database
    except (SourceError, InstallationError) as error:
        raise click.ClickException(str(error)) from error
