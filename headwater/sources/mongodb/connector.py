"""The MongoDB connector: from a configuration to its source, and what is checked before there is one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from headwater.config import Config, Problem
from headwater.source import OffsetError, SourceError
from headwater.sources import transaction_metadata
from headwater.sources.envelope import context_headers
from headwater.sources.mongodb.capture import Capture
from headwater.sources.mongodb.connection import Server
from headwater.sources.mongodb.documents import Documents
from headwater.sources.mongodb.fields import FieldRules
from headwater.sources.mongodb.options import OPTIONS
from headwater.sources.mongodb.position import check_offset
from headwater.sources.mongodb.scope import Lists
from headwater.sources.mongodb.shapes import ShapeOptions
from headwater.sources.mongodb.snapshot_options import SnapshotOptions
from headwater.sources.mongodb.source import BUILTIN_DATABASES, MongoDbSource
from headwater.sources.mongodb.transactions import Transactions
from headwater.sources.transaction_metadata import TransactionMetadata


class MongoDbConnector:
    """`headwater.source.SourceConnector` for MongoDB."""

    name = "mongodb"
    class_name = "io.debezium.connector.mongodb.MongoDbConnector"
    options = OPTIONS
    deprecated: Mapping[str, str] = {
        "mongodb.name": "topic.prefix",
        "collection.whitelist": "collection.include.list",
        "collection.blacklist": "collection.exclude.list",
        "database.whitelist": "database.include.list",
        "database.blacklist": "database.exclude.list",
        "field.blacklist": "field.exclude.list",
    }

    def open(self, config: Config) -> MongoDbSource:
        """The source of the connector's only task."""
        prefix = config["topic.prefix"]
        extended = config["extended.headers.enabled"]
        lists = Lists.of(
            config["database.include.list"],
            config["database.exclude.list"],
            config["collection.include.list"],
            config["collection.exclude.list"],
            literal=config["filters.match.mode"].lower() == "literal",
        )
        capture = Capture.of(config, lists)
        tells_transactions = config[transaction_metadata.PROVIDED.name]
        documents = Documents(FieldRules.parse(config["field.exclude.list"], config["field.renames"]))
        return MongoDbSource(
            config,
            ShapeOptions(
                prefix=prefix,
                tombstones=config["tombstones.on.delete"],
                headers=context_headers(prefix, self.name, 0, str(uuid.uuid4())) if extended else (),
                pre_images=capture.pre_images,
                transactions=tells_transactions,
                documents=documents,
            ),
            lists.filter(BUILTIN_DATABASES),
            SnapshotOptions.of(config),
            capture.stream_options,
            Transactions(TransactionMetadata(config), documents) if tells_transactions else None,
        )

    def check_connection(self, config: Config) -> list[Problem]:
        """See `headwater.source.SourceConnector.check_connection`."""
        try:
            server = Server(config, config["connection.validation.timeout.ms"])
            try:
                server.database_names()  # what nobody may ask who has not signed in
            finally:
                server.close()
        except SourceError as error:
            return [Problem("mongodb.connection.string", f"Unable to connect: {error}")]
        return []

    def check_offset(self, config: Config, partition: Mapping[str, Any], offset: Mapping[str, Any]) -> None:
        """See `headwater.source.SourceConnector.check_offset`."""
        expected = {"server_id": config["topic.prefix"]}
        if partition != expected:
            raise OffsetError(f"The partition must be the connector's topic.prefix: {json.dumps(expected)}")
        check_offset(offset)


CONNECTOR = MongoDbConnector()
