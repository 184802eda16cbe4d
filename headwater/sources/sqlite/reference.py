"""The reference page of the SQLite connector, from its declared options.

``python -m headwater.sources.sqlite.reference > docs/reference/sqlite.md`` writes it anew.
"""

from __future__ import annotations

import sys

from headwater.sources import reference
from headwater.sources.sqlite.connector import CONNECTOR

_HEAD = """\
# The SQLite connector

`sqlite` (`headwater.sources.sqlite.SqliteConnector`): reads the changes of a SQLite database and sends them as
Debezium's change events. Debezium has no such connector; the events are those of its MySQL connector, but for the
source block's last fields, `table` and `change_id`. It needs nothing but Python, with SQLite 3.37 or later. This page
is made from the options that `headwater/sources/sqlite/options.py` declares; options that every connector has are in
[The worker](worker.md).

## Triggers

SQLite's own log holds pages, not rows. So triggers record each change in a table of the same database, in the
transaction that makes it, whatever process and library writes. They are installed by command:

```
headwater sqlite install shop.db orders outbox    # without tables: on all there are
headwater sqlite verify shop.db                   # status 1 where triggers are missing or stale
headwater sqlite remove shop.db                   # everything that install made; with tables: their triggers
```

`install` makes the tables `headwater_changes`, `headwater_replaced`, `headwater_structures`, `headwater_readers` and
`headwater_log`, and five or six triggers on each table, named `headwater_N_…`. What a write costs with them is in
[Performance](../performance.md#sqlite).

Recorded are inserts, updates, deletes, upserts, and what foreign keys cascade to. A row that makes place for another
(`INSERT OR REPLACE`, `UPDATE OR REPLACE`, `ON CONFLICT REPLACE`) fires no delete trigger in SQLite, unless
`recursive_triggers` is on; it is recorded all the same, before the row that took its place. Unique indexes over
expressions and over a part of a table are heeded. Of a connection's own view of its statements
(`last_insert_rowid()`, `changes()`, `RETURNING`) nothing changes; `total_changes()` counts what triggers write.

**Order and transactions.** SQLite has one writer at a time, so the numbers of changes are in the order of commits,
and the connector sees all changes of a transaction or none. A change of a key is recorded as a delete and a
create, which `skipped.operations` sees as such. Where a transaction ends is not recorded: there is no
`provide.transaction.metadata`, and events of one transaction can be delivered in two parts.

**When a table changes.** The connector looks at the schema's version with every read. A table whose triggers are
missing, because a migration tool rebuilt it, or stale, because it has another column or another unique index, stops
the task, which says from which change on rows may be missing. After the migration

```
headwater sqlite install shop.db orders
```

makes the triggers anew, and has the connector read the rows of that table again (`op` is `r`) when it is restarted.
Rows that were deleted in between are not told of: best is to stop writers, migrate and install in one go. `ALTER
TABLE … DROP COLUMN` is refused by SQLite while a trigger names the column: `headwater sqlite remove shop.db orders`
comes first. `ALTER TABLE … RENAME TO …` takes the triggers along, and stops the task too: `headwater sqlite install`
with the new name gives the table the topic of that name, which its rows are read into; changes recorded before go to
the old one's.

**What is kept.** Changes that every connector has delivered are deleted, once a second at most. A connector is known
in the database by its `topic.prefix` from its first start on, and changes are kept for it until `headwater sqlite
remove shop.db --reader PREFIX` forgets it.

## Offsets

`{"change_id", "log_id"}`: the number of the last change that was delivered, and which log that is in. An older state
of the database that was restored, triggers that were removed and installed again, and changes that are deleted
already are recognised; the error names the ways on, and `snapshot.mode=when_needed` takes them.

## The snapshot

With `journal_mode=WAL` the snapshot is one view, at a change. With a rollback journal it is read in pieces, so that
writers need not wait; a row that changes meanwhile is then read in a later state, and its changes come behind it. WAL
is recommended: a reader then keeps no writer waiting, nor the reverse. `snapshot.mode=configuration_based` and `custom`
are not there yet, and refused; nor are incremental snapshots.

## Types

SQLite keeps any value in any column, so a column's declared type decides what it becomes, and a value that breaks the
promise can't be read: it stops the task, or goes where [`errors.tolerance`](../errors.md) says.

| Declared type | becomes | from |
| --- | --- | --- |
| `BOOLEAN`, `BOOL` | boolean | 0 and 1 |
| `DATE` | int32, `io.debezium.time.Date` | `2024-02-29`, an integer (seconds since 1970), a real (Julian day) |
| `DATETIME`, `TIMESTAMP` | int64, `io.debezium.time.MicroTimestamp` | the same with a time, in UTC or with an offset |
| `TIME` | int64, `io.debezium.time.MicroTime` | `12:34:56.789`, or a number of seconds |
| `DECIMAL(p,s)`, `NUMERIC(p,s)` | as `decimal.handling.mode` says | numbers and text, rounded to the scale |
| `DECIMAL`, `NUMERIC`, `NUMBER` without a precision | float64 | numbers |
| `JSON` | string, `io.debezium.data.Json` | text |
| contains `INT` | int64 | integers |
| contains `CHAR`, `CLOB` or `TEXT` | string | text; numbers as text |
| contains `BLOB` | bytes | blobs |
| contains `REAL`, `FLOA` or `DOUB` | float64 | numbers |
| anything else, and nothing | string | text; numbers as text |

A column is optional unless it is `NOT NULL` or part of a key that can't be null. Literal defaults are in the schema,
those that are expressions are not. The message key is the primary key, else the first unique index without nulls,
else there is none.

The database's name in topics and lists is the file's without its ending, or `database.name`: `shop.db` gives
`PREFIX.shop.orders`.
"""


def page() -> str:
    """The whole page, in Markdown."""
    return reference.page(_HEAD, CONNECTOR)


if __name__ == "__main__":
    sys.stdout.write(page())
