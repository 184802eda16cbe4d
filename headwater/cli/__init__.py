"""The `headwater` command. Each subcommand imports what it runs only when it runs."""

from __future__ import annotations

import click

from headwater import __version__, compiled
from headwater.cli.demo import demo
from headwater.cli.explain import explain
from headwater.cli.inbox import inbox
from headwater.cli.outbox import outbox
from headwater.cli.preview import preview
from headwater.cli.projection import projection
from headwater.cli.relay import relay
from headwater.cli.run import run
from headwater.cli.saga import saga
from headwater.cli.schema import schema
from headwater.cli.sqlite import sqlite
from headwater.cli.worker import worker

_EXAMPLES = """
\b
Examples:
  headwater demo                            the main job, with nothing but Python
  headwater run connector.toml              one connector, without a REST API
  headwater worker                          a worker with defaults, its REST API on port 8083
  headwater worker connect-standalone.properties
  headwater explain connector.json          the code that a connector runs for each row
  headwater preview connector.json --table shop.orders
                                            what its transforms make of the table's rows
  headwater schema connector.json --table shop.orders --as dataclass
                                            the class that a consumer reads its messages into
  headwater inbox ddl --dialect mysql       the table that makes a consumer handle each message once
  headwater projection rebuild shop:courses build a view anew while the old one serves
  headwater outbox ddl --dialect mysql      the statements that make an outbox table
  headwater relay --url mysql://app@db/shop publish what the outbox there keeps
\b
  curl -X POST -H 'Content-Type: application/json' localhost:8083/connectors --data '
    {"name": "orders", "config": {"connector.class": "mysql", "topic.prefix": "shop",
     "database.hostname": "localhost", "database.user": "cdc", "database.password": "…",
     "database.server.id": "5400", "table.include.list": "shop.orders"}}'
"""


@click.group(epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Change data capture in Debezium's event format, with Kafka Connect's REST API."""


@main.command()
def version() -> None:
    """Print the version, and whether the hot modules run compiled."""
    click.echo(f"headwater {__version__}\n{compiled.describe()}")


main.add_command(worker)
main.add_command(explain)
main.add_command(preview)
main.add_command(schema)
main.add_command(run)
main.add_command(demo)
main.add_command(sqlite)
main.add_command(inbox)
main.add_command(projection)
main.add_command(outbox)
main.add_command(relay)
main.add_command(saga)
