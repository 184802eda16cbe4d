"""What is told of transactions (``provide.transaction.metadata``): messages where they begin and end, and their counts.

Source: ``TransactionMonitor``, ``TransactionContext`` and ``AbstractTransactionStructMaker`` of Debezium 3.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.config import Config, Importance, Option, OptionType, Width
from headwater.record import Record, Schema, Type, struct
from headwater.source import Offset
from headwater.sources.envelope import INT64, OPTIONAL_INT64, STRING

PROVIDED = Option(
    "provide.transaction.metadata",
    OptionType.BOOLEAN,
    False,
    "Whether events tell which transaction they belong to, and messages tell where one begins and ends.",
    Importance.LOW,
    label="Store transaction metadata information in a dedicated topic.",
    width=Width.SHORT,
)
TOPIC = Option(
    "topic.transaction",
    OptionType.STRING,
    "transaction",
    "These messages go to the topic of topic.prefix, a dot and this name.",
    Importance.LOW,
    label="Transaction topic name",
    width=Width.MEDIUM,
)

_KEY = struct("io.debezium.connector.common.TransactionMetadataKey", ("id", STRING), version=1)
_COUNT = struct("event.collection", ("data_collection", STRING), ("event_count", INT64), optional=True, version=1)
_VALUE = struct(
    "io.debezium.connector.common.TransactionMetadataValue",
    ("status", STRING),
    ("id", STRING),
    ("event_count", OPTIONAL_INT64),
    ("data_collections", Schema(Type.ARRAY, optional=True, value_schema=_COUNT)),
    ("ts_ms", INT64),
    version=1,
)
_OFFSET_ID = "transaction_id"
OFFSET_COUNT = "transaction_data_collection_order_"
"""What the offset's fields with a collection's count begin with."""


class TransactionMetadata:
    """The transaction that is being read, if any: ``id``, and how many events came, in all and of each collection.

    A collection goes by its full name. It is part of the offset, so that counting goes on behind a restart.
    """

    def __init__(self, config: Config) -> None:
        self._topic = f"{config['topic.prefix']}.{config[TOPIC.name]}"
        self._counts: dict[str, int] = {}
        self.id: str | None = None
        self.total = 0

    def count(self, collection: str) -> int:
        """How many events of a collection came."""
        return self._counts.get(collection, 0)

    def add(self, collection: str, events: int) -> None:
        """So many more came."""
        self.total += events
        self._counts[collection] = self.count(collection) + events

    def begin(self, transaction: str, millis: int) -> Record:
        """Another transaction begins."""
        self.id, self.total, self._counts = transaction, 0, {}
        return self._record("BEGIN", millis, None, None)

    def end(self, millis: int) -> Record:
        """It has ended; ``millis`` is the time of what came behind it, as with Debezium."""
        counts = [{"data_collection": name, "event_count": count} for name, count in self._counts.items()]
        record = self._record("END", millis, self.total, counts)
        self.id, self.total, self._counts = None, 0, {}
        return record

    def _record(self, status: str, millis: int, total: int | None, counts: list[dict[str, Any]] | None) -> Record:
        value = {"status": status, "id": self.id, "event_count": total, "data_collections": counts, "ts_ms": millis}
        return Record(self._topic, _KEY, {"id": self.id}, _VALUE, value)

    def offset(self) -> Offset:
        """What an offset has to have of it, in Debezium's fields."""
        if self.id is None:
            return {}
        return {_OFFSET_ID: self.id, **{OFFSET_COUNT + name: count for name, count in self._counts.items()}}

    def resume(self, offset: Mapping[str, Any]) -> None:
        """Go on from an offset."""
        self.id = offset.get(_OFFSET_ID)
        counts = {name: count for name, count in offset.items() if name.startswith(OFFSET_COUNT)}
        self._counts = {name.removeprefix(OFFSET_COUNT): int(count) for name, count in counts.items()}
        self.total = sum(self._counts.values())
