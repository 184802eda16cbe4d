"""The reference page of the MySQL connector, from its declared options.

``python -m headwater.sources.mysql.reference > docs/reference/mysql.md`` writes it anew.
"""

from __future__ import annotations

import sys

from headwater.config import Option, Required
from headwater.sources.mysql.connector import CONNECTOR

_HEAD = """\
# The MySQL connector

`io.debezium.connector.mysql.MySqlConnector`, `MySqlConnector` or `mysql`: reads the binlog of a MySQL server and sends
Debezium's change events. This page is made from the options that `headwater/sources/mysql/connector.py` declares;
options that every connector has are in [The worker](worker.md), of the producer in
[Producer options](producer-options.md).

## What the server needs

- `log_bin=ON`, `binlog_format=ROW` and `binlog_row_image=FULL`, MySQL's defaults.
- `binlog_row_metadata=FULL`, so that changes of tables can be followed. With MINIMAL, MySQL's default, the first
  statement that changes a captured table stops the task, or has a new snapshot taken with `snapshot.mode=when_needed`.
- A user with `SELECT, RELOAD, SHOW DATABASES, REPLICATION SLAVE, REPLICATION CLIENT` on `*.*`. `RELOAD` is for the
  global read lock that the snapshot holds while it reads the position and the structures, not while it reads rows.
- `database.server.id` must differ from that of every server and replica; a second reader with the same one ends the
  first.

Transactions that are compressed (`binlog_transaction_compression`), XA transactions on captured tables, partial JSON
updates and tagged GTIDs can't be read yet: they stop the task, which says so.

## Options

| Option | Type | Default | |
| --- | --- | --- | --- |
"""

_REFUSED_HEAD = """
## Options of Debezium that are not supported yet

They are refused when the connector is created, unless they have Debezium's default.

| Option | Taken with |
| --- | --- |
"""

_IGNORED_HEAD = """
## Options of Debezium that have no effect here

They are taken, with a line in the log.

"""

_DEPRECATED_HEAD = """
## Older names

They are taken, with a line in the log.

| Name | Taken as |
| --- | --- |
"""


def page() -> str:
    """The whole page, in Markdown."""
    options = CONNECTOR.options
    refused = sorted(options.refused.items())
    ignored = sorted(options.ignored.items())
    return "".join(
        (
            _HEAD,
            *(_row(option) for option in options.options.values()),
            _REFUSED_HEAD,
            *(f"| `{_name(name)}` | {f'`{value}`' if value else ''} |\n" for name, value in refused),
            _IGNORED_HEAD,
            *(f"- `{_name(name)}`{f': {why}' if why else ''}\n" for name, why in ignored),
            _DEPRECATED_HEAD,
            *(f"| `{old}` | `{new}` |\n" for old, new in sorted(CONNECTOR.deprecated.items())),
        )
    )


def _row(option: Option) -> str:
    return f"| `{option.name}` | {option.type} | {_default(option.default)} | {option.doc} |\n"


def _default(value: object) -> str:
    if isinstance(value, Required):
        return "required"
    if value is None:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _name(name: str) -> str:
    return f"{name}…" if name.endswith(".") else name


if __name__ == "__main__":
    sys.stdout.write(page())
