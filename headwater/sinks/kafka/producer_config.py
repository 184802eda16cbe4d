"""A task's producer, from the worker's and the connector's configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import structlog
from confluent_kafka import KafkaException, Producer

from headwater.config import HIDDEN, ConfigError, Problem
from headwater.sinks.kafka.options import DEFAULTS, INT_MAX, PRODUCER_OPTIONS, Settings, nearest_option

log = structlog.get_logger(__name__)

WORKER_PREFIX = "producer."
CONNECTOR_PREFIX = "producer.override."
DEFAULT_BOOTSTRAP_SERVERS = "localhost:9092"
MOST_IN_FLIGHT = 5
"""How many requests may be under way at once for the broker to still put an idempotent producer's in order."""


@dataclass(frozen=True, slots=True)
class _Given:
    """An option as someone wrote it: ``written`` is its name with the prefix."""

    written: str
    value: str


@dataclass(frozen=True, slots=True, repr=False)
class ProducerConfig:
    """``settings`` for librdkafka, which may hold secrets, and what the sink itself heeds.

    ``max_block`` is how many seconds a full queue may block, None for no limit.
    """

    settings: Settings
    max_block: float | None = None

    @classmethod
    def from_config(cls, worker: Mapping[str, str], connector: Mapping[str, str], client_id: str) -> ProducerConfig:
        """Takes the worker's ``producer.*`` and the connector's ``producer.override.*``, as Connect does.

        The worker's own ``bootstrap.servers``, ``security.protocol``, ``sasl.*`` and ``ssl.*`` hold where
        neither names them (Connect takes only the first; here one sign-in is enough). Raises `ConfigError`.
        """
        given = _given(worker, connector)
        problems, settings = _translate(given)
        _check_buffer(settings, given, problems)
        settings = DEFAULTS | {"client.id": client_id} | settings | _idempotence(given, problems)
        if not problems:
            problems.extend(_refused_by_librdkafka(settings, given))
        if problems:
            raise ConfigError(problems)
        limit = int(given["max.block.ms"].value) if "max.block.ms" in given else INT_MAX
        return cls(settings, None if limit >= INT_MAX else limit / 1000)

    def __repr__(self) -> str:
        return f"ProducerConfig(client_id={self.settings.get('client.id')!r})"


def _given(worker: Mapping[str, str], connector: Mapping[str, str]) -> dict[str, _Given]:
    """Every option that is given, by the Java producer's name; the connector's override stands above the worker's."""
    given = {
        name.removeprefix(prefix): _Given(name, value)
        for prefix, values in ((WORKER_PREFIX, worker), (CONNECTOR_PREFIX, connector))
        for name, value in values.items()
        if name.startswith(prefix)
    }
    bootstrap = worker.get("bootstrap.servers", DEFAULT_BOOTSTRAP_SERVERS)
    given.setdefault("bootstrap.servers", _Given("bootstrap.servers", bootstrap))
    if "security.protocol" in worker:
        given.setdefault("security.protocol", _Given("security.protocol", worker["security.protocol"]))
    protocol = given["security.protocol"].value.upper() if "security.protocol" in given else ""
    wanted = {"sasl.": protocol.startswith("SASL"), "ssl.": protocol.endswith("SSL")}
    for name, value in worker.items():
        if any(inherited and name.startswith(prefix) for prefix, inherited in wanted.items()):
            given.setdefault(name, _Given(name, value))
    return given


def _translate(given: Mapping[str, _Given]) -> tuple[list[Problem], Settings]:
    """What is wrong with the options that are given, and the settings of those that are right."""
    values = {name: option.value for name, option in given.items()}
    problems: list[Problem] = []
    settings: Settings = {}
    for name, value in values.items():
        written, option = given[name].written, PRODUCER_OPTIONS.get(name)
        if option is None:
            log.warning("unknown producer option has no effect", option=written, did_you_mean=nearest_option(name))
            continue
        if option.translate is None:
            problems.append(Problem(written, f"{written} is not supported: {option.note}"))
            continue
        try:
            settings |= option.translate(value, values)
        except ValueError as error:
            shown = HIDDEN if option.secret else value
            problems.append(Problem(written, f"Invalid value {shown} for configuration {written}: {error}"))
    protocol = values.get("security.protocol", "").upper()
    if protocol.startswith("SASL") and "sasl.mechanism" not in values:
        written = f"{WORKER_PREFIX}sasl.mechanism"
        problems.append(Problem(written, f"{written} must be set: Java's default, GSSAPI, is not supported here"))
    return problems, settings


def _check_buffer(settings: Settings, given: Mapping[str, _Given], problems: list[Problem]) -> None:
    """A message that can never fit into the queue would wait for ever."""
    effective = DEFAULTS | settings
    if effective["queue.buffering.max.kbytes"] * 1024 < effective["message.max.bytes"]:
        option = given.get("buffer.memory") or given["max.request.size"]
        problems.append(
            Problem(
                option.written,
                f"Invalid value {option.value} for configuration {option.written}: buffer.memory must be at least "
                "max.request.size, or a message may never fit",
            )
        )


def _idempotence(given: Mapping[str, _Given], problems: list[Problem]) -> Settings:
    """Idempotence is off where an option asks for what it can't give; without it one request at a time keeps the order.

    Connect's own default is off, so such options are right there; only asking for both is a mistake.
    """
    conflict = next(_conflicts(given), None)
    option = given.get("enable.idempotence")
    asked = option.value.strip().lower() if option else None
    if option and asked == "true" and conflict:
        problems.append(
            Problem(option.written, f"{option.written}=true can't be had with {conflict.written}={conflict.value}")
        )
    if conflict is None and asked != "false":
        return {}
    if conflict and asked is None:
        log.warning("producer is not idempotent", because=conflict.written)
    in_flight = given.get("max.in.flight.requests.per.connection")
    settings: Settings = {"enable.idempotence": False}
    return settings if in_flight else settings | {"max.in.flight.requests.per.connection": 1}


def _conflicts(given: Mapping[str, _Given]) -> Iterator[_Given]:
    """The options that an idempotent producer can't heed."""
    acks, retries = given.get("acks"), given.get("retries")
    in_flight = given.get("max.in.flight.requests.per.connection")
    if acks and acks.value.strip().lower() not in ("all", "-1"):
        yield acks
    if retries and retries.value.strip() == "0":
        yield retries
    if in_flight and in_flight.value.strip().isdecimal() and int(in_flight.value) > MOST_IN_FLIGHT:
        yield in_flight


def _refused_by_librdkafka(settings: Settings, given: Mapping[str, _Given]) -> Iterator[Problem]:
    """What librdkafka itself finds wrong: ranges, files that can't be read, combinations.

    It says so only by making a producer; this one knows no broker and asks for no token, so it connects nowhere.
    """
    alone = {name: value for name, value in settings.items() if name != "metadata.broker.list"}
    if alone.get("sasl.mechanisms") == "OAUTHBEARER":
        alone = {name: value for name, value in alone.items() if not name.startswith("sasl.")}
        alone["security.protocol"] = alone["security.protocol"].upper().removeprefix("SASL_")
    try:
        Producer(alone | {"log_level": 0}).close()
    except KafkaException as error:
        reason = error.args[0].str()
        named = re.findall(r"[\"`]?([a-z]+(?:\.[a-z]+)+)", reason)
        written = next((option.written for name, option in given.items() if _becomes(name, named)), None)
        yield Problem(written or WORKER_PREFIX.rstrip("."), f"{written or 'the producer'}: librdkafka says: {reason}")


def _becomes(name: str, settings: list[str]) -> bool:
    """Whether the option ``name`` becomes one of librdkafka's ``settings``."""
    option = PRODUCER_OPTIONS.get(name)
    return option is not None and not set(settings).isdisjoint(option.settings)
