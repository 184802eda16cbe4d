"""The schema of the source block: where in MongoDB's log an event comes from.

Source: Debezium's MongoDB connector (``io.debezium.connector.mongodb.MongoDbSourceInfoStructMaker``).
"""

from __future__ import annotations

from headwater.sources.envelope import INT32, OPTIONAL_INT64, OPTIONAL_STRING, STRING, source_schema

SOURCE = source_schema(
    "mongo",
    ("collection", STRING),
    ("ord", INT32),
    ("lsid", OPTIONAL_STRING),
    ("txnNumber", OPTIONAL_INT64),
    ("wallTime", OPTIONAL_INT64),
)
