"""The worker's own configuration: a Kafka Connect standalone worker's properties.

Source: ``org.apache.kafka.connect.runtime.WorkerConfig``, ``StandaloneConfig`` and ``RestServerConfig``.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from headwater.config import (
    Config,
    ConfigDef,
    ConfigError,
    Importance,
    Option,
    OptionType,
    Problem,
    at_least,
    not_blank,
    one_of,
)
from headwater.logs import LEVELS
from headwater.worker.config_providers import CONFIG_PROVIDERS, read_config_providers
from headwater.worker.option_names import NameResolver, OptionWarning
from headwater.worker.references import References

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8083

WORKER_OPTIONS = ConfigDef(
    Option(
        "listeners",
        OptionType.LIST,
        [f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"],
        "Where the REST API listens, e.g. http://0.0.0.0:8083. Without a host (http://:8083) it is reached from this"
        " machine only, where Kafka Connect listens on every address.",
        Importance.LOW,
    ),
    Option(
        "admin.listeners",
        OptionType.LIST,
        None,
        "Where /admin/… is served in place of listeners, which then don't; nowhere if it is empty.",
        Importance.LOW,
    ),
    Option(
        "bootstrap.servers",
        OptionType.STRING,
        "localhost:9092",
        "Kafka brokers to start from, HOST:PORT or kafka://HOST:PORT, with commas between; or another place to deliver"
        " to: local://PATH, stdout://json, file://PATH.",
        Importance.HIGH,
        not_blank,
    ),
    Option(
        "key.converter",
        OptionType.CLASS,
        "org.apache.kafka.connect.json.JsonConverter",
        "Converter for message keys. What starts with key.converter. configures it.",
        Importance.HIGH,
    ),
    Option(
        "value.converter",
        OptionType.CLASS,
        "org.apache.kafka.connect.json.JsonConverter",
        "Converter for message values. What starts with value.converter. configures it.",
        Importance.HIGH,
    ),
    Option(
        "header.converter",
        OptionType.CLASS,
        "org.apache.kafka.connect.storage.SimpleHeaderConverter",
        "Converter for header values.",
        Importance.LOW,
    ),
    Option(
        "offset.storage.file.filename",
        OptionType.STRING,
        None,
        "The SQLite file that holds the worker's state: configurations, offsets, status, schema history. Without it"
        " headwater/state.db in XDG_STATE_HOME (~/.local/state).",
        Importance.HIGH,
        lambda value: not_blank(value) if value is not None else None,
    ),
    Option(
        "offset.flush.interval.ms",
        OptionType.LONG,
        1000,
        "Milliseconds between two times that a task stores its offset. Kafka Connect waits a minute; a shorter time"
        " means fewer messages sent twice after a crash.",
        Importance.LOW,
        at_least(1),
    ),
    Option(
        "task.shutdown.graceful.timeout.ms",
        OptionType.LONG,
        5000,
        "Milliseconds that a task has to deliver what is under way and store its offset when it is stopped; then it"
        " is killed.",
        Importance.LOW,
        at_least(1),
    ),
    Option(
        "rest.advertised.host.name",
        OptionType.STRING,
        None,
        "The name that others call the worker by; the REST API answers to it.",
        Importance.LOW,
    ),
    Option(
        "rest.allowed.hosts",
        OptionType.LIST,
        [],
        "Further names with dots that the REST API may be called by; .example.com stands for all below it, * for all."
        " Web pages of these hosts may change things over it.",
        Importance.LOW,
    ),
    Option(
        "rest.hide.passwords",
        OptionType.BOOLEAN,
        True,
        "Whether the REST API shows [hidden] in place of passwords; false gives Kafka Connect's behaviour.",
        Importance.LOW,
    ),
    Option(
        "log.level",
        OptionType.STRING,
        "INFO",
        "How much is written to the log at the start: " + ", ".join(LEVELS) + ". PUT /admin/loggers changes it later.",
        Importance.LOW,
        one_of(*LEVELS),
    ),
    Option(
        "topic.tracking.enable",
        OptionType.BOOLEAN,
        True,
        "Whether the REST API shows the topics that each connector's messages went to.",
        Importance.LOW,
    ),
    Option(
        "topic.tracking.allow.reset",
        OptionType.BOOLEAN,
        True,
        "Whether the REST API can have them forgotten.",
        Importance.LOW,
    ),
    Option(
        CONFIG_PROVIDERS,
        OptionType.LIST,
        [],
        "Names, with commas between, of config providers: what a reference ${NAME:PATH:KEY} looks its value up with."
        " config.providers.NAME.class says which each is, what starts with config.providers.NAME.param. configures it.",
        Importance.LOW,
    ),
    Option(
        "plugin.path",
        OptionType.LIST,
        [],
        "Folders, with commas between, of files with transforms of one's own: NAME.py in one of them is the transform"
        " NAME. Connectors and converters are built in.",
        Importance.LOW,
    ),
    ignored={
        "group.id": "this worker runs standalone, in no group; distributed mode comes in a later version",
        **dict.fromkeys(
            (
                "config.storage.",
                "offset.storage.partitions",
                "offset.storage.replication.factor",
                "offset.storage.topic",
                "status.storage.",
            ),
            "a standalone worker keeps everything in its state file",
        ),
        **dict.fromkeys(
            ("rest.advertised.listener", "rest.advertised.port"),
            "this worker runs standalone: no other worker forwards requests to it",
        ),
        **dict.fromkeys(
            ("access.control.allow.methods", "access.control.allow.origin"),
            "pages of other sites can't use the REST API; rest.allowed.hosts is for those behind a proxy of their own",
        ),
        **dict.fromkeys(("rest.host.name", "rest.port"), "as in Kafka 4; use listeners"),
        **dict.fromkeys(("plugin.discovery", "rest.extension.classes"), "plugins are built in"),
        "offset.flush.timeout.ms": "",
    },
)

_PASSED_ON = ("config.providers.", "producer.", "consumer.", "admin.", "security.", "sasl.", "ssl.")


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the REST API listens; port 0 lets the system choose."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """How a client on this machine writes it."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """A worker's configuration that was read: ``values`` by declared name, ``options`` parsed.

    ``properties`` are as they were given; in the others references are replaced. ``admin_listeners`` is None where
    `listeners` serve administration too.
    """

    properties: Mapping[str, str]
    references: References
    options: Config
    values: Mapping[str, str]
    warnings: tuple[OptionWarning, ...]
    listeners: tuple[Listener, ...]
    admin_listeners: tuple[Listener, ...] | None

    @property
    def state_file(self) -> Path:
        """The SQLite file that holds the worker's state."""
        named = self.options["offset.storage.file.filename"]
        return Path(named) if named else default_state_file()

    @property
    def plugin_path(self) -> list[str]:
        """The folders of files with transforms."""
        return list(self.options["plugin.path"])

    @property
    def log_level(self) -> str:
        """The root logger's level at the start, a name in `headwater.logs.LEVELS`."""
        return str(self.options["log.level"]).upper()

    @property
    def worker_id(self) -> str:
        """The worker's name in status: the first address it listens on, as in Kafka Connect."""
        listener = self.listeners[0]
        return f"{listener.host}:{listener.port}"

    @property
    def allowed_hosts(self) -> list[str]:
        """The names that the configuration allows the REST API to be called by."""
        return list(self.options["rest.allowed.hosts"])

    @property
    def own_hosts(self) -> list[str]:
        """The names that the worker has: those of its listeners, the advertised one, and this machine's."""
        listeners = (*self.listeners, *(self.admin_listeners or ()))
        names = [*(listener.host for listener in listeners), self.options["rest.advertised.host.name"]]
        return [name for name in (*names, socket.gethostname()) if name]

    @property
    def flush_seconds(self) -> float:
        """Seconds between two times that a task stores its offset."""
        return float(self.options["offset.flush.interval.ms"] / 1000)

    @property
    def graceful_seconds(self) -> float:
        """Seconds that a task has to end by itself when it is stopped."""
        return float(self.options["task.shutdown.graceful.timeout.ms"] / 1000)


def read_worker_config(raw: Mapping[str, str]) -> WorkerConfig:
    """Parse a worker's properties. Raises `ConfigError` with all problems at once."""
    given, warnings = NameResolver(WORKER_OPTIONS, {}, _PASSED_ON).resolve(raw)
    names = ConfigDef(WORKER_OPTIONS.options[CONFIG_PROVIDERS]).parse(given)[CONFIG_PROVIDERS]
    references, provider_warnings = read_config_providers(names, given)
    warnings += [*provider_warnings, *references.warnings(given)]
    with references.redact.of_errors():
        values = references.resolve(given, [name for name in given if name.startswith(CONFIG_PROVIDERS)])
        options = WORKER_OPTIONS.parse(values)
        listeners = _listeners("listeners", options["listeners"] or [""], DEFAULT_PORT)
        admin = options["admin.listeners"]
        admin_listeners = None if admin is None else _listeners("admin.listeners", admin)
    values["bootstrap.servers"] = options["bootstrap.servers"]
    return WorkerConfig(dict(raw), references, options, values, tuple(warnings), listeners, admin_listeners)


def _listeners(option: str, texts: list[str], default_port: int | None = None) -> tuple[Listener, ...]:
    try:
        return tuple(_listener(text, default_port) for text in texts)
    except ValueError as error:
        message = f"Invalid value {','.join(texts)} for configuration {option}: {error}"
        raise ConfigError([Problem(option, message)]) from None


def _listener(text: str, default_port: int | None) -> Listener:
    """Raises ValueError."""
    if not text:
        raise ValueError("name an address, e.g. http://127.0.0.1:8083")
    url = urlsplit(text)
    if url.scheme.lower() != "http":
        raise ValueError(f"{text!r} is not an http:// address; put a proxy in front for https")
    if url.path not in ("", "/") or url.query or url.username:
        raise ValueError(f"{text!r} must be no more than http://HOST:PORT")
    port = default_port if url.port is None else url.port
    if port is None:
        raise ValueError(f"{text!r} has no port")
    return Listener(url.hostname or DEFAULT_HOST, port)


def default_state_file() -> Path:
    """Where a worker keeps its state unless it is told: in XDG_STATE_HOME."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "headwater" / "state.db"
