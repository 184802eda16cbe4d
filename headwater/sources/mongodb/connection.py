"""Connections to MongoDB: sign-in, TLS and finding the servers are PyMongo's; what Debezium's options ask is here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import pymongo
import structlog
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.errors import AutoReconnect, ConnectionFailure, OperationFailure, PyMongoError
from pymongo.server_description import ServerDescription

from headwater.config import Config
from headwater.source import RetriableSourceError, SourceError
from headwater.sources.mongodb.bson import BsonError
from headwater.sources.mongodb.tls import driver_files
from headwater.sources.stale import WAYS_ON, StaleStateError

log = structlog.get_logger(__name__)

RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)

INVALID_OPTIONS = 72
CAPPED_POSITION_LOST = 136
INVALID_TOKEN = 260
STREAM_FATAL = 280
HISTORY_LOST = 286
GOODBYE_SECONDS = 1.0
"""How long to wait for a server that is told that it has one reader less."""
_PASSING = {
    *(6, 7, 89, 9001),  # the network
    *(91, 189, 10107, 11600, 11602, 13435, 13436),  # another member becomes the primary, or this one shuts down
    *(43, 234, 237),  # the cursor is gone: a new one is opened where this one was
    *(63, 133, 150, 13388, 134, 175, 202, 262, 290, 317),
    50,  # a member is too far behind to begin where another one left off
    211,  # a member that has just started can't check yet what time it is for others
}
"""Codes of errors after which trying again may help: "ResumableChangeStreamError" in the drivers' specifications, and
what a change of members brings with it.
"""
_LOG_TOO_SHORT = (
    "the log no longer reaches back to the stored offset, and what changed in between is lost to it: "
    f"{WAYS_ON} (and make the log larger: db.adminCommand({{replSetResizeOplog: 1, size: MEGABYTES}}))"
)
_STALE = {CAPPED_POSITION_LOST: _LOG_TOO_SHORT, INVALID_TOKEN: WAYS_ON, HISTORY_LOST: _LOG_TOO_SHORT}
"""Codes of errors that only another place to start from mends."""
_HINTS = {
    13: (
        "the user needs the actions find and changeStream on what is captured, and for a whole deployment on all "
        "databases: db.grantRolesToUser(USER, [{role: 'readAnyDatabase', db: 'admin'}])"
    ),
    18: "check user, password and the database that holds the user (mongodb.authsource, or authSource= in the string)",
    10334: (
        "a change event is larger than the 16 MB that a document may have: cursor.oversize.handling.mode=skip leaves "
        "such events out, and a capture.mode without full documents or pre-images makes them smaller"
    ),
    40573: (
        "change streams need a replica set: start mongod with --replSet rs0 and run rs.initiate() once; "
        "a set of one member will do"
    ),
}
_CERTIFICATE_HINT = (
    "the certificate can't be checked: name a file with the authority that signed it by mongodb.ssl.truststore, or a "
    "PEM file by tlsCAFile= in mongodb.connection.string"
)


def source_error(error: PyMongoError, doing: str) -> SourceError:
    """The driver's error as the source's: retriable where waiting may help, else with a hint where one is known."""
    code = error.code if isinstance(error, OperationFailure) else None
    text = f"{doing}: {_told(error)}"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return SourceError(f"{text} ({_CERTIFICATE_HINT})")
    if isinstance(error, ConnectionFailure) or code in _PASSING or _forgot_the_time(code, text):
        return RetriableSourceError(text)
    if code in _STALE:
        return StaleStateError(f"{text} ({_STALE[code]})")
    if code == STREAM_FATAL and "resume" in text:  # else a stage of cursor.pipeline took the token away
        return StaleStateError(f"{text} ({WAYS_ON})")
    hint = _HINTS.get(code) if code is not None else None
    return SourceError(f"{text} ({hint})" if hint else text)


def _forgot_the_time(code: int | None, text: str) -> bool:
    """Whether a server is behind the time that it gave before all members crashed: its next write mends that.

    The time is in memory and restored from the log's last entry; an idle primary writes one every 10 s.
    """
    return code == INVALID_OPTIONS and "afterClusterTime value must not be greater" in text


def _told(error: PyMongoError) -> str:
    """What the server or the driver says, without the driver's dump of the whole reply."""
    return str(error).partition(", full error: ")[0].partition(", Timeout: ")[0]


@contextlib.contextmanager
def driver_errors(doing: str) -> Iterator[None]:
    """Turn what the driver raises inside into the source's errors, and a reply that can't be read."""
    try:
        yield
    except PyMongoError as error:
        raise source_error(error, doing) from error
    except BsonError as error:
        raise RetriableSourceError(f"{doing}: {error}") from error


_SECRET_OPTIONS = ("tlsCertificateKeyFilePassword", "authMechanismProperties")


def check_connection_string(text: str | None) -> str | None:
    """What is wrong with a connection string, without its secrets; None where nothing is."""
    scheme = (text or "").partition("://")[0]
    if scheme not in ("mongodb", "mongodb+srv") or not hosts_of(text or ""):
        return "must be a connection string: mongodb://HOST:PORT/?replicaSet=NAME or mongodb+srv://NAME/"
    try:
        _parse(text or "")
    except (PyMongoError, ValueError):
        return f"is not taken by the driver: {_at_fault(text or '')}"
    return None


def _parse(connection_string: str) -> None:
    """Raises what the driver does. An option that it doesn't know is passed over, as by every driver."""
    urlsplit(connection_string)
    address, mark, query = connection_string.partition("?")
    known = "&".join(pair for pair in query.split("&") if _is_known(pair))
    if address.startswith("mongodb://"):
        pymongo.uri_parser.parse_uri(address + mark * bool(known) + known, warn=False)


def _is_known(pair: str) -> bool:
    try:
        pymongo.uri_parser.parse_uri(f"mongodb://host/?{pair}", warn=False)
    except (PyMongoError, ValueError) as error:
        return not str(error).startswith("Unknown option")
    return True


def _at_fault(connection_string: str) -> str:
    """What the driver doesn't take, in words that have no secret: the options that may hold one are only named."""
    query = connection_string.partition("?")[2]
    try:
        _parse(f"mongodb://host/?{query}")
    except (PyMongoError, ValueError) as error:
        secret = [name for name in _SECRET_OPTIONS if name.lower() in query.lower()]
        return f"its options, perhaps {' or '.join(secret)}" if secret else str(error)
    return "user and password must be percent-escaped, hosts be HOST or HOST:PORT"


def hosts_of(connection_string: str) -> str:
    """The hosts that a connection string names, for people: never its user or password."""
    return connection_string.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]


class Server:
    """A client that stays with the server it chose first; commands fail once the connection string asks for another.

    A cursor and a session live on one server, and what has been read from one may not have reached another yet; where
    a read preference leaves a choice, the driver would make it anew for each command.
    """

    def __init__(self, config: Config, longest_wait_ms: int | None = None) -> None:
        self.hosts = hosts_of(config["mongodb.connection.string"])
        self.doing = f"reading MongoDB at {self.hosts}"
        self._pinned: tuple[str, int | None] | None = None
        doing = f"connecting to MongoDB at {self.hosts}"
        with self.errors(doing), driver_files(config) as tls_files:
            try:
                self.client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
                    config["mongodb.connection.string"],
                    server_selector=self._choose,
                    **_settings(config, tls_files, longest_wait_ms),
                )
            except (ValueError, TypeError, OSError) as error:
                raise SourceError(f"{doing}: {error}") from error

    def errors(self, doing: str | None = None) -> contextlib.AbstractContextManager[None]:
        """Turn what the driver raises inside into the source's errors."""
        return driver_errors(doing or self.doing)

    def _choose(self, candidates: Sequence[ServerDescription]) -> Sequence[ServerDescription]:
        if self._pinned is None and candidates:
            self._pinned = candidates[0].address
        stay = [server for server in candidates if server.address == self._pinned]
        if candidates and not stay:
            raise AutoReconnect("the server that was read from has gone or changed its part in the replica set")
        return stay

    def command(self, database: str, name: str, value: object, **arguments: Any) -> dict[str, Any]:
        """A command and its decoded reply. Raises PyMongo's errors."""
        reply: dict[str, Any] = self.client[database].command(
            name, value, read_preference=self.client.read_preference, **arguments
        )
        return reply

    def database_names(self) -> list[str]:
        """The databases that the user may see. Raises `headwater.source.SourceError`."""
        with self.errors(f"listing the databases of MongoDB at {self.hosts}"):
            reply = self.command("admin", "listDatabases", 1, nameOnly=True, authorizedDatabases=True)
        return sorted(database["name"] for database in reply["databases"])

    def collection_names(self, database: str) -> list[str]:
        """The collections that the user may see, without views and the server's own.

        Raises `headwater.source.SourceError`.
        """
        with self.errors(f"listing the collections of database {database} of MongoDB at {self.hosts}"):
            found = self._collections(database, nameOnly=True, authorizedCollections=True)
        return sorted(name for collection in found if not (name := collection["name"]).startswith("system."))

    def collections_without_images(self, database: str) -> set[str]:
        """Those that keep no pre- and post-images; empty where the user may not ask.

        Raises `headwater.source.SourceError`.
        """
        with self.errors():
            try:
                found = self._collections(database)
            except OperationFailure as error:
                log.debug("whether collections keep images can't be asked", database=database, error=_told(error))
                return set()
        images = {each["name"]: each.get("options", {}).get("changeStreamPreAndPostImages", {}) for each in found}
        return {name for name, option in images.items() if not option.get("enabled")}

    def _collections(self, database: str, **arguments: Any) -> list[dict[str, Any]]:
        """What the server says of them. `Database.list_collections` would ask the primary. Raises PyMongo's errors."""
        with self.client[database].cursor_command(
            "listCollections", read_preference=self.client.read_preference, filter={"type": "collection"}, **arguments
        ) as found:
            return list(found)

    def cursor_session(self) -> CursorSession:
        """A new session for a thread that reads cursors."""
        with self.errors():
            return CursorSession(self.client)

    def close(self) -> None:
        """Let go of the connections, without waiting for a server that is gone."""
        with contextlib.suppress(PyMongoError), pymongo.timeout(GOODBYE_SECONDS):
            self.client.close()


class CursorSession:
    """Commands whose replies stay bytes, within one session, which cursors live in; serves one thread."""

    def __init__(self, client: pymongo.MongoClient[dict[str, Any]]) -> None:
        self._client = client
        self._session = client.start_session(causal_consistency=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def command(self, database: str, name: str, value: object, **arguments: Any) -> bytes:
        """The bytes of the reply. Raises PyMongo's errors."""
        reply = self._client[database].command(
            name,
            value,
            read_preference=self._client.read_preference,
            codec_options=RAW,
            session=self._session,
            **arguments,
        )
        return bytes(reply.raw)

    def close(self) -> None:
        """Give the session back to the client; its cursors can't be read any more."""
        self._session.end_session()


def _settings(config: Config, tls_files: Mapping[str, str], longest_wait_ms: int | None) -> dict[str, Any]:
    """The driver's settings; what the connection string says too is left to it, as Debezium does.

    ``tls_files`` are taken where TLS is asked for. ``longest_wait_ms`` bounds how long to look for a server, whatever
    is configured.
    """
    settings: dict[str, Any] = {
        "appname": "headwater",
        "connectTimeoutMS": config["mongodb.connect.timeout.ms"],
        "serverSelectionTimeoutMS": config["mongodb.server.selection.timeout.ms"],
        "socketTimeoutMS": config["mongodb.socket.timeout.ms"] or None,
        "heartbeatFrequencyMS": config["mongodb.heartbeat.frequency.ms"],
    }
    given = {
        "tls" if name.lower() == "ssl" else name.lower(): value.lower()
        for name, value in parse_qsl(urlsplit(config["mongodb.connection.string"]).query)
    }
    if config["mongodb.ssl.enabled"]:
        settings["tls"] = True
    if config["mongodb.ssl.enabled"] if "tls" not in given else given["tls"] == "true":
        settings |= tls_files
        if config["mongodb.ssl.invalid.hostname.allowed"]:
            settings["tlsAllowInvalidHostnames"] = True
    settings = {name: value for name, value in settings.items() if name.lower() not in given}
    if longest_wait_ms is not None:
        wanted = config["mongodb.server.selection.timeout.ms"]
        settings["serverSelectionTimeoutMS"] = min(wanted, longest_wait_ms)
    if config["mongodb.user"] and "@" not in config["mongodb.connection.string"]:
        settings |= {"username": config["mongodb.user"], "password": config["mongodb.password"] or ""}
        if "authsource" not in given:
            settings["authSource"] = config["mongodb.authsource"]
    return settings
