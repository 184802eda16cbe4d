"""What the REST API answers otherwise than Kafka Connect, on purpose: each a row of docs/reference/differences.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """A row: what it is about, what Kafka Connect does, what Headwater does; ``parts`` of the answers may differ."""

    title: str
    connect: str
    headwater: str
    parts: frozenset[str] = frozenset({"content_type", "body"})

    @property
    def row(self) -> str:
        """As it stands in the documentation."""
        return f"| {self.title} | {self.connect} | {self.headwater} |"


UNLABELLED = Difference(
    "errors for unknown paths, methods and media types",
    "JSON without a content type; 405 without the methods that are allowed",
    "with both, as HTTP asks",
    frozenset({"content_type", "allow"}),
)
BAD_URL = Difference(
    "addresses that are not well-formed",
    "an HTML page of its web server",
    "400 in JSON, as every error",
)
ANY_NAME = Difference(
    "names with a slash, a backslash or a percent sign",
    "such a connector can be created, but no path leads to it",
    "percent-encoded in the path they work as any other",
)
SEMICOLON = Difference(
    "a semicolon in a path",
    "cuts the name there: the request may reach another connector than the one it names",
    "is part of the name",
)
BAD_BODY = Difference(
    "bodies that are missing, or not the JSON that is asked for",
    "500 with Java's words, or 404 first where the connector is unknown",
    "400, and what is wrong",
)
LONE_SURROGATE = Difference(
    "half of a surrogate pair in JSON",
    "a character",
    "not JSON: no encoding can write it",
)
UNKNOWN = Difference(
    "stop, or restart, of a connector or task that doesn't exist",
    "500 with Java's words",
    "404",
)
INTERNAL = Difference(
    "requests that Connect's workers send each other (`POST /connectors/NAME/tasks`)",
    "refused by itself",
    "405: there are none",
    frozenset({"content_type", "body", "allow"}),
)
BAD_MEDIA_TYPE = Difference(
    "a Content-Type that is no media type",
    "400 without a word",
    "415, as for any type that is not JSON",
)
OTHER_HOSTS = Difference(
    "a Host that is not this worker's name, and changes by pages of another Origin",
    "taken",
    "403, see [The worker](worker.md#who-may-use-it)",
    frozenset({"body"}),
)
OWN_PATHS = Difference(
    "`/metrics`, `/openapi.json`",
    "404",
    "metrics for Prometheus, the description of the REST API",
)
CHARSET = Difference(
    "a character set in Accept",
    "repeated in the answer's content type",
    "left out: JSON is UTF-8",
    frozenset({"content_type"}),
)
NO_VALUES = Difference(
    "the error for a configuration without `connector.class`",
    "shows the configuration, passwords too",
    "names the options",
)
OWN_WORDS = Difference(
    "what is wrong with a value",
    "Debezium's words for its options; an option may be told of twice",
    "Kafka's words for all, once for each option, and what may stand there",
)
JAVA_CLASSES = Difference(
    "Java classes that are no plugins",
    "found, and then no use: another message, or 500",
    "unknown, as any other name",
)
CONNECTION = Difference(
    "the connection to the database, when a connector is created",
    "tried: without it there is no connector",
    "not tried, the database may be away: the task does, again and again; so does `config/validate`, once",
    frozenset({"content_type", "location", "body"}),
)
CHECKED_FIRST = Difference(
    "mistakes in `producer.override.*`",
    "the connector is created, and its tasks fail",
    "refused",
    frozenset({"location", "body"}),
)
EXACTLY_ONCE = Difference(
    "`exactly.once.support=required`, standalone",
    "taken, and without effect",
    "refused",
    frozenset({"location", "body"}),
)
PATCHED_NAME = Difference(
    "`name` in a patch of the configuration",
    "stored, though it is another connector's",
    "refused, as in PUT",
    frozenset({"body"}),
)
OFFSETS_MESSAGE = Difference(
    "the message after offsets were changed",
    "a warning that the connector may have others elsewhere",
    "that they were changed: there are no others",
    frozenset({"body"}),
)
CHECKED_OFFSETS = Difference(
    "offsets that the connector can't start from",
    "stored; the task fails",
    "refused, with the reason",
    frozenset({"body"}),
)
LOGGERS = Difference(
    "names of loggers",
    "Java's classes",
    "Python's modules",
    frozenset({"body"}),
)
EMPTY_LEVEL = Difference(
    "an empty level for a logger",
    "500",
    "404, as for any unknown level",
    frozenset({"body"}),
)
PLUGINS = Difference(
    "plugins that are no sources",
    "those of Kafka Connect and Debezium",
    "those of them that there are here",
    frozenset({"body"}),
)
ALIASES = Difference(
    "`connector.class` in a configuration that is validated",
    "may be longer than the name in the path, not shorter",
    "any name of the same connector",
    frozenset({"body"}),
)
DEBEZIUM_VALUES = Difference(
    "values of the connector's options in a validation",
    "null",
    "what was given, or the default",
    frozenset({"body"}),
)
PRODUCER_VALUES = Difference(
    "a value of `producer.override.…` that is not of its type, in a validation",
    "500",
    "an error at the option",
    frozenset({"body"}),
)
PRODUCER_OPTIONS = Difference(
    "what a validation says of `producer.override.…`",
    "the Java producer's types, defaults and documentation; nothing of a name that it doesn't have",
    "PASSWORD or STRING, and how librdkafka takes it; a name that the producer doesn't have is in `Warnings`",
    frozenset({"body"}),
)
OPTIONS = Difference(
    "a plugin's options that are required, of type LIST or there at all",
    "Debezium's own table",
    "required where a configuration without them is refused; lists of patterns are STRING; only what is supported",
    frozenset({"body"}),
)

ALL = tuple(value for value in dict(globals()).values() if isinstance(value, Difference))
