"""The options of Kafka's Java producer, and what librdkafka calls them.

`PRODUCER_OPTIONS` is the one table: options are translated by it and the reference page is made from it. The
names are those of ``org.apache.kafka.clients.producer.ProducerConfig`` in Kafka 4.3, the settings those of
librdkafka's CONFIGURATION.md (its canonical names, not the aliases: its errors use these).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from headwater.addresses import EXTRAS, OUTPUTS
from headwater.sinks.kafka import jaas

Settings = dict[str, Any]
Given = Mapping[str, str]
"""The Java producer's options as configured, prefixes taken off."""
Translate = Callable[[str, Given], Settings]
"""Takes an option's value and all options that are given; raises ValueError where there is no counterpart."""

INT_MAX = 2**31 - 1
_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")

DEFAULTS: Settings = {
    "enable.idempotence": True,
    "request.required.acks": "all",
    "max.in.flight.requests.per.connection": 5,
    "message.timeout.ms": 0,
    "partitioner": "murmur2_random",
    "message.max.bytes": 1024 * 1024,
    "queue.buffering.max.kbytes": 32 * 1024,
    "queue.buffering.max.messages": 100_000,
    "reconnect.backoff.ms": 50,
    "reconnect.backoff.max.ms": 1000,
    "log.connection.close": False,
    "delivery.report.only.error": True,
}
"""librdkafka's settings where no option says otherwise; whatever is not here keeps librdkafka's own default."""


@dataclass(frozen=True, slots=True)
class ProducerOption:
    """One option of the Java producer.

    ``settings`` are the librdkafka settings it becomes (for the docs); ``translate`` is None where it has no
    counterpart, and ``note`` says why.
    """

    name: str
    settings: tuple[str, ...]
    translate: Translate | None
    note: str = ""
    secret: bool = False


def _as(*settings: str) -> Translate:
    """The same value under other names."""
    return lambda value, _given: dict.fromkeys(settings, value)


def _servers(value: str, _given: Given) -> Settings:
    """Brokers' addresses, bare, as ``kafka://…`` or with their security protocol as librdkafka takes it."""
    servers = [server.strip().removeprefix("kafka://") for server in value.split(",")]
    for server in servers:
        scheme, separator, _ = server.partition("://")
        if separator and scheme.upper() not in _PROTOCOLS:
            known = ", ".join(f"{name}://" for name in (*EXTRAS, *OUTPUTS))
            raise ValueError(f"nothing is known by {scheme}://, but HOST:PORT of a Kafka broker, {known}")
    return {"metadata.broker.list": ",".join(servers)}


def _integer(value: str) -> int:
    if not re.fullmatch(r"\s*[+-]?\d{1,19}\s*", value):
        raise ValueError("Not a number of type INT")
    return int(value)


def _number(*settings: str, none: int | None = None) -> Translate:
    """A whole number; ``none`` is Java's "no limit", which librdkafka writes as 0."""

    def translate(value: str, _given: Given) -> Settings:
        number = _integer(value)
        return dict.fromkeys(settings, 0 if number == none else number)

    return translate


def _boolean(setting: str) -> Translate:
    def translate(value: str, _given: Given) -> Settings:
        if value.strip().lower() not in ("true", "false"):
            raise ValueError("Expected value to be either true or false")
        return {setting: value.strip().lower() == "true"}

    return translate


def _only(accepted: str, setting: str | None, reason: str) -> Translate:
    """An option of which one value alone has a counterpart."""

    def translate(value: str, _given: Given) -> Settings:
        if value.strip().lower() != accepted:
            raise ValueError(reason)
        return {setting: accepted} if setting else {}

    return translate


def _buffer_memory(value: str, _given: Given) -> Settings:
    return {"queue.buffering.max.kbytes": max(1, _integer(value) // 1024)}


def _max_block(value: str, _given: Given) -> Settings:
    if _integer(value) < 0:
        raise ValueError("Value must be at least 0")
    return {}


def _level_of(codec: str) -> Translate:
    """Java has a level for each codec, librdkafka one for the codec in use."""

    def translate(value: str, given: Given) -> Settings:
        in_use = given.get("compression.type", "none").strip().lower() == codec
        return {"compression.level": _integer(value)} if in_use else {}

    return translate


_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")


def _mechanism(value: str, _given: Given) -> Settings:
    if value.strip().upper() not in _MECHANISMS:
        raise ValueError(f"must be one of {', '.join(_MECHANISMS)}: librdkafka's packages have no other")
    return {"sasl.mechanisms": value.strip().upper()}


def _jaas(value: str, _given: Given) -> Settings:
    return dict(jaas.sasl_settings(value))


def _token_endpoint(value: str, _given: Given) -> Settings:
    return {"sasl.oauthbearer.method": "oidc", "sasl.oauthbearer.token.endpoint.url": value}


def _identification(value: str, _given: Given) -> Settings:
    return {"ssl.endpoint.identification.algorithm": value.strip().lower() or "none"}


def _store_type(store: str, given: Given) -> str:
    return given.get(f"ssl.{store}.type", "JKS").strip().upper()


def _keystore_location(value: str, given: Given) -> Settings:
    match _store_type("keystore", given):
        case "PKCS12":
            return {"ssl.keystore.location": value}
        case "PEM":
            return {"ssl.key.location": value, "ssl.certificate.location": value}
    raise ValueError(
        "librdkafka reads no Java keystore: convert it (keytool -importkeystore -deststoretype PKCS12) and set "
        "ssl.keystore.type=PKCS12, or use PEM"
    )


def _truststore_location(value: str, given: Given) -> Settings:
    if _store_type("truststore", given) != "PEM":
        raise ValueError(
            "librdkafka reads trusted certificates as PEM only: convert the store (keytool -exportcert -rfc) and set "
            "ssl.truststore.type=PEM"
        )
    return {"ssl.ca.location": value}


def _one_of_types(*types: str) -> Translate:
    """A store's type: it decides how the store's other options are read."""

    def translate(value: str, _given: Given) -> Settings:
        if value.strip().upper() not in types:
            raise ValueError(f"must be {' or '.join(types)}: librdkafka reads no other")
        return {}

    return translate


def _acks(value: str, _given: Given) -> Settings:
    if value.strip().lower() not in ("all", "-1", "0", "1"):
        raise ValueError("String must be one of: all, -1, 0, 1")
    return {"request.required.acks": value.strip().lower()}


def _same(name: str, note: str = "", *, secret: bool = False) -> ProducerOption:
    return ProducerOption(name, (name,), _as(name), note, secret)


def _same_number(name: str, note: str = "", *, none: int | None = None) -> ProducerOption:
    return ProducerOption(name, (name,), _number(name, none=none), note)


def _refused(names: str, reason: str) -> tuple[ProducerOption, ...]:
    return tuple(ProducerOption(name, (), None, reason) for name in names.split())


_JAVA_CLASS = "it names a Java class"
_JAVA_SECURITY = "it belongs to Java's security providers; librdkafka uses OpenSSL"
_JAVA_METRICS = "it belongs to the Java client's own metrics"
_KERBEROS = "sign-in with Kerberos is not supported: librdkafka's packages are built without it"
_TOKENS = "librdkafka's token client has no such setting"
_BROKERS_CHECK = "the brokers check the token; the client does not"
_ASSERTIONS = "of OAuth's grants only client credentials are supported"
_CONVERTERS = "keys and values are made by key.converter and value.converter"
_TRANSACTIONS = "messages are not sent in transactions: delivery is at least once"
_KEYLESS = "librdkafka spreads messages without a key by its own rule"

_ALL = (
    ProducerOption("bootstrap.servers", ("metadata.broker.list",), _servers),
    ProducerOption(
        "acks",
        ("request.required.acks",),
        _acks,
        "`0` and `1` turn idempotence off and can lose messages: an offset may be stored for a message that no broker "
        "kept.",
    ),
    ProducerOption(
        "enable.idempotence",
        ("enable.idempotence",),
        _boolean("enable.idempotence"),
        "Here `true` by default, in Connect `false`: five requests may be under way at once without losing the order.",
    ),
    ProducerOption(
        "max.in.flight.requests.per.connection",
        ("max.in.flight.requests.per.connection",),
        _number("max.in.flight.requests.per.connection"),
        "Here 5 by default, in Connect 1. More than 5 turns idempotence off, and retries may then change the order.",
    ),
    ProducerOption(
        "retries",
        ("message.send.max.retries",),
        _number("message.send.max.retries"),
        "`0` turns idempotence off.",
    ),
    ProducerOption(
        "delivery.timeout.ms",
        ("message.timeout.ms",),
        _number("message.timeout.ms", none=INT_MAX),
        "No limit by default, as in Connect; a message that runs into the limit is sent again from the stored offset.",
    ),
    ProducerOption(
        "max.block.ms",
        (),
        _max_block,
        "How long a full queue, or a topic that can't be made yet, may block; no limit by default, as in Connect. At "
        "the limit the task opens its sink again from the stored offset.",
    ),
    ProducerOption(
        "request.timeout.ms",
        ("request.timeout.ms", "socket.timeout.ms"),
        _number("request.timeout.ms", "socket.timeout.ms"),
    ),
    ProducerOption(
        "max.request.size",
        ("message.max.bytes",),
        _number("message.max.bytes"),
        "The limit of one message before compression, and of a request to one partition. 1048576 by default.",
    ),
    ProducerOption(
        "buffer.memory",
        ("queue.buffering.max.kbytes",),
        _buffer_memory,
        "Rounded down to whole kilobytes. 33554432 by default; at most 100000 messages wait besides.",
    ),
    _same_number(
        "batch.size",
        "1000000 by default, not 16384: a batch waits for `linger.ms` at most whatever its size, and small batches "
        "cost several times the CPU. librdkafka does not split a batch that the topic's `max.message.bytes` refuses: "
        "with a topic that takes less than 1000000 bytes, set this to what it takes.",
    ),
    ProducerOption("linger.ms", ("queue.buffering.max.ms",), _as("queue.buffering.max.ms")),
    ProducerOption("compression.type", ("compression.codec",), _as("compression.codec")),
    ProducerOption("compression.gzip.level", ("compression.level",), _level_of("gzip")),
    ProducerOption("compression.lz4.level", ("compression.level",), _level_of("lz4")),
    ProducerOption("compression.zstd.level", ("compression.level",), _level_of("zstd")),
    _same("client.id", "`connector-producer-<connector>-<task>` by default, as in Connect."),
    _same("client.dns.lookup"),
    _same_number("connections.max.idle.ms", none=-1),
    _same_number("reconnect.backoff.ms"),
    _same_number("reconnect.backoff.max.ms"),
    _same_number("retry.backoff.ms"),
    _same_number("retry.backoff.max.ms"),
    ProducerOption(
        "metadata.max.age.ms",
        ("topic.metadata.refresh.interval.ms",),
        _number("topic.metadata.refresh.interval.ms"),
    ),
    _same("metadata.recovery.strategy"),
    _same_number("metadata.recovery.rebootstrap.trigger.ms"),
    ProducerOption("send.buffer.bytes", ("socket.send.buffer.bytes",), _number("socket.send.buffer.bytes", none=-1)),
    ProducerOption(
        "receive.buffer.bytes", ("socket.receive.buffer.bytes",), _number("socket.receive.buffer.bytes", none=-1)
    ),
    _same_number("socket.connection.setup.timeout.ms"),
    ProducerOption("enable.metrics.push", ("enable.metrics.push",), _boolean("enable.metrics.push")),
    ProducerOption(
        "partitioner.ignore.keys",
        (),
        _only("false", None, "without the key there is no order per key"),
        "Only `false`: the key decides the partition, by Java's murmur2 hash.",
    ),
    ProducerOption("security.protocol", ("security.protocol",), _as("security.protocol")),
    ProducerOption("sasl.mechanism", ("sasl.mechanisms",), _mechanism, f"One of {', '.join(_MECHANISMS)}."),
    ProducerOption(
        "sasl.jaas.config",
        (
            "sasl.username",
            "sasl.password",
            "sasl.oauthbearer.client.id",
            "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.scope",
            "sasl.oauthbearer.extensions",
        ),
        _jaas,
        "With PlainLoginModule, ScramLoginModule or OAuthBearerLoginModule.",
        secret=True,
    ),
    ProducerOption(
        "sasl.oauthbearer.token.endpoint.url",
        ("sasl.oauthbearer.token.endpoint.url", "sasl.oauthbearer.method"),
        _token_endpoint,
    ),
    ProducerOption(
        "sasl.oauthbearer.client.credentials.client.id",
        ("sasl.oauthbearer.client.id",),
        _as("sasl.oauthbearer.client.id"),
    ),
    ProducerOption(
        "sasl.oauthbearer.client.credentials.client.secret",
        ("sasl.oauthbearer.client.secret",),
        _as("sasl.oauthbearer.client.secret"),
        secret=True,
    ),
    _same("sasl.oauthbearer.scope"),
    _same("sasl.oauthbearer.sub.claim.name"),
    ProducerOption(
        "ssl.endpoint.identification.algorithm",
        ("ssl.endpoint.identification.algorithm",),
        _identification,
        "An empty value is `none`.",
    ),
    ProducerOption("ssl.keystore.type", (), _one_of_types("PKCS12", "PEM"), "`PKCS12` or `PEM`."),
    ProducerOption(
        "ssl.keystore.location",
        ("ssl.keystore.location", "ssl.key.location", "ssl.certificate.location"),
        _keystore_location,
        "By `ssl.keystore.type`; a PEM file holds the key and the certificates.",
    ),
    _same("ssl.keystore.password", secret=True),
    ProducerOption("ssl.keystore.key", ("ssl.key.pem",), _as("ssl.key.pem"), secret=True),
    ProducerOption("ssl.keystore.certificate.chain", ("ssl.certificate.pem",), _as("ssl.certificate.pem"), secret=True),
    _same("ssl.key.password", secret=True),
    ProducerOption("ssl.truststore.type", (), _one_of_types("PEM"), "`PEM`."),
    ProducerOption("ssl.truststore.location", ("ssl.ca.location",), _truststore_location, "A PEM file."),
    ProducerOption("ssl.truststore.certificates", ("ssl.ca.pem",), _as("ssl.ca.pem"), secret=True),
    *_refused("ssl.truststore.password", "trusted certificates are read as PEM, which has no password"),
    *_refused("key.serializer value.serializer", _CONVERTERS),
    *_refused(
        "partitioner.class interceptor.classes sasl.client.callback.handler.class sasl.login.callback.handler.class "
        "sasl.login.class sasl.oauthbearer.jwt.retriever.class sasl.oauthbearer.jwt.validator.class "
        "ssl.engine.factory.class",
        _JAVA_CLASS,
    ),
    *_refused("metric.reporters metrics.num.samples metrics.recording.level metrics.sample.window.ms", _JAVA_METRICS),
    *_refused("transactional.id transaction.timeout.ms transaction.two.phase.commit.enable", _TRANSACTIONS),
    *_refused("partitioner.adaptive.partitioning.enable partitioner.availability.timeout.ms", _KEYLESS),
    *_refused("config.providers", "config providers are the worker's"),
    *_refused("metadata.max.idle.ms", "librdkafka keeps the metadata of a topic as long as it has sent to it"),
    *_refused("socket.connection.setup.timeout.max.ms", "librdkafka's connection timeout does not grow"),
    *_refused(
        "security.providers ssl.protocol ssl.provider ssl.enabled.protocols ssl.cipher.suites "
        "ssl.keymanager.algorithm ssl.trustmanager.algorithm ssl.secure.random.implementation",
        _JAVA_SECURITY,
    ),
    *_refused(
        "sasl.kerberos.service.name sasl.kerberos.kinit.cmd sasl.kerberos.min.time.before.relogin "
        "sasl.kerberos.ticket.renew.jitter sasl.kerberos.ticket.renew.window.factor",
        _KERBEROS,
    ),
    *_refused(
        "sasl.login.connect.timeout.ms sasl.login.read.timeout.ms sasl.login.refresh.buffer.seconds "
        "sasl.login.refresh.min.period.seconds sasl.login.refresh.window.factor sasl.login.refresh.window.jitter "
        "sasl.login.retry.backoff.max.ms sasl.login.retry.backoff.ms sasl.oauthbearer.header.urlencode "
        "sasl.oauthbearer.scope.claim.name",
        _TOKENS,
    ),
    *_refused(
        "sasl.oauthbearer.clock.skew.seconds sasl.oauthbearer.expected.audience sasl.oauthbearer.expected.issuer "
        "sasl.oauthbearer.jwks.endpoint.refresh.ms sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms "
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms sasl.oauthbearer.jwks.endpoint.url",
        _BROKERS_CHECK,
    ),
    *_refused(
        "sasl.oauthbearer.assertion.algorithm sasl.oauthbearer.assertion.claim.aud "
        "sasl.oauthbearer.assertion.claim.exp.seconds sasl.oauthbearer.assertion.claim.iss "
        "sasl.oauthbearer.assertion.claim.jti.include sasl.oauthbearer.assertion.claim.nbf.seconds "
        "sasl.oauthbearer.assertion.claim.sub sasl.oauthbearer.assertion.file "
        "sasl.oauthbearer.assertion.private.key.file sasl.oauthbearer.assertion.private.key.passphrase "
        "sasl.oauthbearer.assertion.template.file",
        _ASSERTIONS,
    ),
)

PRODUCER_OPTIONS: dict[str, ProducerOption] = {option.name: option for option in _ALL}


def nearest_option(name: str) -> str | None:
    """The option that a name which is none of them may mean."""
    return next(iter(difflib.get_close_matches(name, PRODUCER_OPTIONS, n=1, cutoff=0.8)), None)
