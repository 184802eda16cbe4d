"""The `headwater` command. Each subcommand imports what it runs only when it runs."""

from __future__ import annotations

import click

from headwater import __version__, compiled
from headwater.cli.explain import explain
from headwater.cli.preview import preview
from headwater.cli.worker import worker

_EXAMPLES = """
\b
Examples:
  headwater worker                          a worker with defaults, its REST API on port 8083
  headwater worker connect-standalone.properties
  headwater explain connector.json          the code that a connector runs for each row
  headwater preview connector.json --table shop.orders   what its transforms make of the table's rows
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
