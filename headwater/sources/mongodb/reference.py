"""The reference page of the MongoDB connector, from its declared options.

``python -m headwater.sources.mongodb.reference > docs/reference/mongodb.md`` writes it anew.
"""

from __future__ import annotations

import sys

from headwater.sources import reference
from headwater.sources.mongodb.connector import CONNECTOR

_HEAD = """\
# The MongoDB connector

`io.debezium.connector.mongodb.MongoDbConnector`, `MongoDbConnector` or `mongodb`: reads the change stream of a MongoDB
replica set and sends Debezium's change events. It needs `pip install 'headwater[mongodb]'`. This page is made from the
options that `headwater/sources/mongodb/options.py` declares; options that every connector has are in
[The worker](worker.md), of the producer in [Producer options](producer-options.md).

## What the server needs

- A replica set: change streams need its log. A set of one member will do (`mongod --replSet rs0`, then
  `rs.initiate()`). Sharded clusters are not tested.
- MongoDB 4.2 or later; tested with 6.0. Pre- and post-images need 6.0.
- A user with the role `read` on the databases that are captured: `read` on one database is enough where the include
  lists name only that one, `readAnyDatabase` captures a whole deployment.
- A log that reaches back as far as the connector may be away:
  `db.adminCommand({replSetResizeOplog: 1, size: MEGABYTES})`.
- For `capture.mode=…_with_pre_image` and `capture.mode.full.update.type=post_image`, collections that keep images:
  `db.runCommand({collMod: NAME, changeStreamPreAndPostImages: {enabled: true}})`. Events of others have null in their
  place; the log names them at the start.

## What is watched

The change stream watches the narrowest of collection, database and deployment that the include lists allow:
`collection.include.list=orders.outbox` watches that one collection, `orders\\..*` its database. `capture.scope` and
`capture.target` say it outright.

The offset is `{"sec", "ord", "resume_token"}`, as Debezium's is; one that Debezium stored can be used. Filters,
`skipped.operations` and the scope may change between two starts: reading goes on where it was.

Where the server ends the change stream, because the collection or database that it watches was dropped or renamed, it
is opened again behind that.

## The snapshot

Documents are read by collection and `_id`, in chunks, while the change stream has its place already. A snapshot that
was ended goes on with the chunk that it was in, as long as the lists and conditions are the same; the log must reach
back to its beginning. `snapshot.max.threads` reads several chunks at once, which helps where the server reads from
disk.

    "snapshot.collection.filter.overrides": "orders.outbox",
    "snapshot.collection.filter.overrides.orders.outbox": "{\\"outboxStatus\\": \\"STARTED\\"}"
"""


def page() -> str:
    """The whole page, in Markdown."""
    return reference.page(_HEAD, CONNECTOR)


if __name__ == "__main__":
    sys.stdout.write(page())
