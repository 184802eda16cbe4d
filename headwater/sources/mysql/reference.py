"""The reference page of the MySQL connector, from its declared options.

``python -m headwater.sources.mysql.reference > docs/reference/mysql.md`` writes it anew.
"""

from __future__ import annotations

import sys

from headwater.sources import reference
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

## TINYINT(1) as booleans

MySQL has no booleans: `BOOLEAN` is `TINYINT(1)`, and comes as a number. Debezium's custom converter for it is here too:

```json
"converters": "flags",
"flags.type": "io.debezium.connector.binlog.converters.TinyIntOneToBooleanConverter",
"flags.selector": "shop.orders.paid,shop.users.*"
```

Without a `selector` it takes every `TINYINT(1)`. MySQL 8 shows no length of `TINYINT(1) UNSIGNED`: for such columns
name them and set `flags.length.checker=false`. Other custom converters are classes of Java's, which can't run here.

## What can't be read

Transactions that are compressed (`binlog_transaction_compression`), XA transactions on captured tables, partial JSON
updates and tagged GTIDs can't be read yet: they stop the task, which says so.
"""


def page() -> str:
    """The whole page, in Markdown."""
    return reference.page(_HEAD, CONNECTOR)


if __name__ == "__main__":
    sys.stdout.write(page())
