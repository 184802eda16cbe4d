"""The bodies of the REST API as JSON Schemas: Kafka Connect's ``org.apache.kafka.connect.runtime.rest.entities``."""

from __future__ import annotations

from typing import Any

from headwater.logs import LEVELS
from headwater.rest.operations import Schema

COMPONENTS: dict[str, Schema] = {}
"""Every schema that has a name, by it."""

STRING: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
FLAG: Schema = {"type": "string", "description": "true in any case; everything else is false.", "examples": ["true"]}
"""A query parameter: Kafka Connect reads it as Java's ``Boolean.valueOf`` does."""
INTEGER: Schema = {"type": "integer"}
STRINGS: Schema = {"type": "array", "items": STRING}


def nullable(schema: Schema) -> Schema:
    """What ``schema`` takes, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def array(items: Schema) -> Schema:
    """A list of ``items``."""
    return {"type": "array", "items": items}


def by_name(values: Schema, doc: str = "") -> Schema:
    """An object that has ``values`` by any names."""
    described = {"description": doc} if doc else {}
    return {"type": "object", "additionalProperties": values, **described}


def one_of(*values: str) -> Schema:
    """One of a few texts."""
    return {"type": "string", "enum": list(values)}


def _named(name: str, doc: str, optional: tuple[str, ...] = (), /, **members: Schema) -> Schema:
    """Declare an object that has these members and no others; gives the reference to it."""
    schema: dict[str, Any] = {
        "type": "object",
        "description": doc,
        "properties": members,
        "required": [member for member in members if member not in optional],
        "additionalProperties": False,
    }
    COMPONENTS[name] = schema
    return {"$ref": f"#/components/schemas/{name}"}


ERROR = _named("ErrorMessage", "What went wrong.", error_code=INTEGER, message=STRING)
MESSAGE = _named("Message", "What was done.", message=STRING)
SERVER = _named(
    "ServerInfo",
    "Which Kafka Connect's API this is, and the cluster that messages go to: null while it can't be reached.",
    version=STRING,
    commit=STRING,
    kafka_cluster_id=nullable(STRING),
)
HEALTH = _named("WorkerStatus", "How the worker is.", status=one_of("healthy", "starting", "unhealthy"), message=STRING)

_OPTION_VALUE: Schema = {"type": ["string", "number", "boolean"]}
CONFIG: Schema = by_name(STRING, "A connector's configuration.")
NEW_CONFIG: Schema = by_name(_OPTION_VALUE, "A connector's configuration.")
CONFIG_PATCH: Schema = by_name({"type": ["string", "number", "boolean", "null"]}, "Options to set; null removes one.")

TASK_ID = _named("ConnectorTaskId", "Names a task.", connector=STRING, task=INTEGER)
TASK_INFO = _named("TaskInfo", "A task and what it was configured with.", id=TASK_ID, config=CONFIG)
CONNECTOR = _named(
    "ConnectorInfo", "A connector.", name=STRING, config=CONFIG, tasks=array(TASK_ID), type=one_of("source")
)
_STATE = {
    "state": one_of("UNASSIGNED", "RUNNING", "PAUSED", "STOPPED", "FAILED", "RESTARTING"),
    "worker_id": STRING,
    "version": STRING,
    "trace": STRING,
}
_CONNECTOR_STATE = _named("ConnectorState", "A connector's state; the trace is that of an error.", ("trace",), **_STATE)
TASK_STATE = _named("TaskState", "A task's state; the trace is that of an error.", ("trace",), id=INTEGER, **_STATE)
CONNECTOR_STATE = _named(
    "ConnectorStateInfo",
    "The states of a connector and its tasks.",
    name=STRING,
    connector=_CONNECTOR_STATE,
    tasks=array(TASK_STATE),
    type=one_of("source"),
)
CONNECTORS: Schema = {
    "oneOf": [
        STRINGS,
        by_name(
            _named(
                "ExpandedConnector", "What was asked for.", ("info", "status"), info=CONNECTOR, status=CONNECTOR_STATE
            )
        ),
    ]
}
CREATION = _named(
    "CreateConnectorRequest",
    "A new connector.",
    ("initial_state",),
    name=STRING,
    config=NEW_CONFIG,
    initial_state=nullable(one_of("RUNNING", "PAUSED", "STOPPED")),
)

_ANY_OBJECT: Schema = {"type": "object"}
OFFSETS = _named(
    "ConnectorOffsets",
    "Offsets by the partition of the source that they belong to; null removes one.",
    offsets=array(_named("ConnectorOffset", "An offset.", partition=by_name(STRING), offset=nullable(_ANY_OBJECT))),
)
TOPICS: Schema = by_name(_named("ActiveTopicsInfo", "The topics of a connector.", topics=STRINGS))

PLUGINS: Schema = array(
    _named(
        "PluginInfo",
        "A plugin.",
        **{"class": STRING},
        type=one_of("source", "converter", "header_converter", "transformation", "predicate"),
        version=STRING,
    )
)
OPTION = _named(
    "ConfigKeyInfo",
    "What can be said of an option.",
    name=STRING,
    type=one_of("BOOLEAN", "STRING", "INT", "LONG", "DOUBLE", "LIST", "CLASS", "PASSWORD"),
    required=BOOLEAN,
    default_value=nullable(STRING),
    importance=one_of("HIGH", "MEDIUM", "LOW"),
    documentation=STRING,
    group=nullable(STRING),
    order_in_group=INTEGER,
    width=one_of("NONE", "SHORT", "MEDIUM", "LONG"),
    display_name=STRING,
    dependents=STRINGS,
)
VALIDATION = _named(
    "ConfigInfos",
    "What was found of a configuration.",
    name=STRING,
    error_count=INTEGER,
    groups=STRINGS,
    configs=array(
        _named(
            "ConfigInfo",
            "An option and its value; the definition is null for one that is not the connector's own.",
            definition=nullable(OPTION),
            value=_named(
                "ConfigValueInfo",
                "A value, and what is wrong with it.",
                name=STRING,
                value=nullable(STRING),
                recommended_values=STRINGS,
                errors=STRINGS,
                visible=BOOLEAN,
            ),
        )
    ),
)

_LEVEL = one_of(*LEVELS)
LOGGER = _named(
    "LoggerLevel",
    "A logger's level, and when it was changed in milliseconds since 1970.",
    level=_LEVEL,
    last_modified=nullable(INTEGER),
)
LOGGER_CHANGE: Schema = {
    "type": "object",
    "description": "The level, in any case.",
    "properties": {"level": _LEVEL},
    "required": ["level"],
}
