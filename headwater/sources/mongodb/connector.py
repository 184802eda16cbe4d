"""The MongoDB connector: Debezium's options, and the source they make.

Source: "MongoDB connector configuration properties" of Debezium 3.6, and ``MongoDbConnectorConfig``.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from headwater.config import (
    REQUIRED,
    Config,
    ConfigDef,
    Importance,
    Option,
    OptionType,
    Problem,
    at_least,
    not_blank,
    one_of,
)
from headwater.source import OffsetError, SourceError
from headwater.sources.envelope import context_headers
from headwater.sources.filters import patterns
from headwater.sources.mongodb.capture import CAPTURE_MODES, Capture, check_operations, check_pipeline
from headwater.sources.mongodb.connection import Server, check_connection_string
from headwater.sources.mongodb.documents import Documents
from headwater.sources.mongodb.fields import FieldRules, check_excluded, check_renamed
from headwater.sources.mongodb.position import check_offset
from headwater.sources.mongodb.scope import Lists
from headwater.sources.mongodb.shapes import ShapeOptions
from headwater.sources.mongodb.source import BUILTIN_DATABASES, MongoDbSource, SnapshotMode

_HIGH, _LOW = Importance.HIGH, Importance.LOW

SNAPSHOT_MODES = {
    "always": SnapshotMode(always=True),
    "initial": SnapshotMode(),
    "initial_only": SnapshotMode(streams=False),
    "no_data": SnapshotMode(data=False),
    "never": SnapshotMode(data=False),
    "when_needed": SnapshotMode(mends=True),
}


def _is_list_of_names(text: str | None) -> str | None:
    try:
        patterns(text or "")
    except ValueError as error:
        return str(error)
    return None


def _names(name: str, doc: str) -> Option:
    """A list of names, each a regular expression."""
    return Option(name, OptionType.STRING, None, doc, validator=_is_list_of_names)


OPTIONS = ConfigDef(
    Option(
        "topic.prefix",
        OptionType.STRING,
        REQUIRED,
        "Names the replica set in topics, schemas and offsets; must be unique and never change.",
        _HIGH,
        not_blank,
    ),
    Option(
        "mongodb.connection.string",
        OptionType.PASSWORD,
        REQUIRED,
        "Where the replica set is: mongodb://HOST:PORT/?replicaSet=NAME. A secret, since it may hold a password.",
        _HIGH,
        check_connection_string,
    ),
    Option("mongodb.user", OptionType.STRING, None, "User to sign in as, where the string names none.", _HIGH),
    Option("mongodb.password", OptionType.PASSWORD, None, "Password of the user.", _HIGH),
    Option("mongodb.authsource", OptionType.STRING, "admin", "Database that holds mongodb.user."),
    Option("mongodb.ssl.enabled", OptionType.BOOLEAN, False, "Whether to encrypt; tls=true in the string does too."),
    Option(
        "mongodb.ssl.invalid.hostname.allowed",
        OptionType.BOOLEAN,
        False,
        "Whether the server's certificate may have another host's name.",
    ),
    Option(
        "mongodb.connect.timeout.ms",
        OptionType.INT,
        10_000,
        "How long to wait for a connection.",
        validator=at_least(1),
    ),
    Option(
        "mongodb.server.selection.timeout.ms",
        OptionType.INT,
        30_000,
        "How long to wait for a server that can be read from.",
        validator=at_least(1),
    ),
    Option(
        "connection.validation.timeout.ms",
        OptionType.LONG,
        60_000,
        "How long config/validate waits for a server, where that is less than mongodb.server.selection.timeout.ms.",
        _LOW,
        at_least(1),
    ),
    Option(
        "mongodb.socket.timeout.ms",
        OptionType.INT,
        0,
        "How long to wait for an answer; 0 leaves it to the network to tell that a server is gone.",
        validator=at_least(0),
    ),
    Option(
        "mongodb.heartbeat.frequency.ms",
        OptionType.INT,
        10_000,
        "How often the driver asks each server how it is.",
        _LOW,
        at_least(500),
    ),
    _names("database.include.list", "Databases to capture."),
    _names("database.exclude.list", "Databases not to capture."),
    _names("collection.include.list", "Collections (database.collection) to capture."),
    _names("collection.exclude.list", "Collections (database.collection) not to capture."),
    Option(
        "filters.match.mode",
        OptionType.STRING,
        "regex",
        "Whether the lists hold regular expressions or names (literal).",
        validator=one_of("regex", "literal"),
    ),
    Option(
        "field.exclude.list",
        OptionType.STRING,
        None,
        "Fields (database.collection.field, a * stands for any part of the first two) to leave out of documents.",
        validator=check_excluded,
    ),
    Option(
        "field.renames",
        OptionType.STRING,
        None,
        "Fields to rename: database.collection.field:name.",
        validator=check_renamed,
    ),
    Option(
        "capture.mode",
        OptionType.STRING,
        "change_streams_update_full",
        "Whether an update comes with the whole document (update_full), and with the one before it (with_pre_image).",
        _HIGH,
        one_of(*CAPTURE_MODES),
    ),
    Option(
        "capture.mode.full.update.type",
        OptionType.STRING,
        "lookup",
        "Where the whole document is from: as it is when the update is read (lookup), or as the update left it "
        "(post_image), which the collection must keep.",
        validator=one_of("lookup", "post_image"),
    ),
    Option(
        "capture.scope",
        OptionType.STRING,
        None,
        "What the change stream watches; the narrowest that the lists allow where it is not set.",
        validator=one_of("deployment", "database", "collection"),
    ),
    Option(
        "capture.target",
        OptionType.STRING,
        None,
        "The database, or database.collection, that capture.scope watches.",
    ),
    Option(
        "skipped.operations",
        OptionType.STRING,
        "t",
        "Changes to leave out: c, u, d, or none.",
        _LOW,
        check_operations,
    ),
    Option(
        "cursor.pipeline",
        OptionType.STRING,
        None,
        "Stages of an aggregation, a JSON array, that change events go through on the server.",
        _LOW,
        check_pipeline,
    ),
    Option(
        "cursor.pipeline.order",
        OptionType.STRING,
        "internal_first",
        "Whether cursor.pipeline comes behind the connector's own filters, before them, or in their place.",
        _LOW,
        one_of("internal_first", "user_first", "user_only"),
    ),
    Option(
        "cursor.max.await.time.ms",
        OptionType.INT,
        None,
        "How long the server waits for a change before it answers that there is none; half a second at most.",
        _LOW,
        at_least(0),
    ),
    Option(
        "cursor.oversize.handling.mode",
        OptionType.STRING,
        "fail",
        "What to do about a change event that is too large: fail, or skip those with a document above the threshold.",
        validator=one_of("fail", "skip"),
    ),
    Option(
        "cursor.oversize.skip.threshold",
        OptionType.INT,
        0,
        "Bytes of a document above which cursor.oversize.handling.mode=skip leaves its change out.",
        validator=at_least(0),
    ),
    Option(
        "snapshot.mode",
        OptionType.STRING,
        "initial",
        "What to read before the change stream: all documents where there is no offset (initial), at each start "
        "(always), where the log no longer reaches back (when_needed), and nothing else (initial_only); or none "
        "(no_data).",
        _HIGH,
        one_of(*SNAPSHOT_MODES),
    ),
    Option(
        "topic.naming.strategy",
        OptionType.CLASS,
        "io.debezium.schema.DefaultTopicNamingStrategy",
        "How topics are named; both strategies give PREFIX.DATABASE.COLLECTION.",
        _LOW,
        one_of("io.debezium.schema.SchemaTopicNamingStrategy", "io.debezium.schema.DefaultTopicNamingStrategy"),
    ),
    Option("tombstones.on.delete", OptionType.BOOLEAN, True, "Whether a delete is followed by a tombstone."),
    Option("extended.headers.enabled", OptionType.BOOLEAN, True, "Whether events carry __debezium.context headers."),
    refused={
        "capture.start.op.time": "-1",
        "converters": "",
        "event.processing.failure.handling.mode": "fail",
        "field.name.adjustment.mode": "none",
        "heartbeat.interval.ms": "0",
        "mongodb.authentication.class": ("io.debezium.connector.mongodb.connection.defaultmongodbauthprovider"),
        "mongodb.ssl.keystore": "",
        "mongodb.ssl.keystore.password": "",
        "mongodb.ssl.keystore.type": "pkcs12",
        "mongodb.ssl.truststore": "",
        "mongodb.ssl.truststore.password": "",
        "mongodb.ssl.truststore.type": "pkcs12",
        "openlineage.integration.enabled": "false",
        "post.processors": "",
        "provide.transaction.metadata": "false",
        "queue.provider.type": "memory",
        "schema.name.adjustment.mode": "none",
        "signal.data.collection": "",
        "skip.messages.without.change": "false",
        "snapshot.collection.filter.overrides": "",
        "snapshot.delay.ms": "0",
        "snapshot.include.collection.list": "",
        "snapshot.mode.configuration.based.": "",
        "snapshot.mode.custom.name": "",
        "sourceinfo.struct.maker": "io.debezium.connector.mongodb.mongodbsourceinfostructmaker",
        "streaming.delay.ms": "0",
        "topic.delimiter": ".",
        "transaction.metadata.factory": "io.debezium.pipeline.txmetadata.defaulttransactionmetadatafactory",
    },
    ignored={
        "advanced.metrics.enable": "",
        "custom.metric.tags": "",
        "custom.retriable.exception": "",
        "executor.shutdown.timeout.ms": "",
        "guardrail.collections.limit.action": "",
        "guardrail.collections.max": "",
        "heartbeat.action.query": "",
        "incremental.snapshot.": "there are no incremental snapshots yet",
        "legacy.snapshot.max.threads": "",
        "max.batch.size": "",
        "max.queue.size": "",
        "max.queue.size.in.bytes": "",
        "mongodb.allow.offset.invalidation": "",
        "mongodb.poll.interval.ms": "",
        "notification.": "there are no notifications yet",
        "openlineage.integration.": "there is no OpenLineage integration yet",
        "poll.interval.ms": "",
        "query.fetch.size": "",
        "retriable.restart.connector.wait.ms": "errors.retry.delay.initial.ms says how long to wait",
        "signal.": "there are no signals yet",
        "snapshot.fetch.size": "",
        "snapshot.max.threads": "one thread reads the snapshot so far",
        "snapshot.max.threads.multiplier": "",
        "statistics.metrics.enabled": "",
        "topic.cache.size": "",
        "topic.heartbeat.": "there are no heartbeats yet",
        "topic.transaction": "there is no transaction metadata yet",
    },
)


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
        return MongoDbSource(
            config,
            ShapeOptions(
                prefix=prefix,
                tombstones=config["tombstones.on.delete"],
                headers=context_headers(prefix, self.name, 0, str(uuid.uuid4())) if extended else (),
                pre_images=capture.pre_images,
                documents=Documents(FieldRules.parse(config["field.exclude.list"], config["field.renames"])),
            ),
            lists.filter(BUILTIN_DATABASES),
            SNAPSHOT_MODES[config["snapshot.mode"].lower()],
            capture.stream_options,
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
