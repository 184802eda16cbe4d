"""What can be configured of a schema registry's client: Confluent's options, and the client that they make.

Source: ``AbstractKafkaSchemaSerDeConfig`` and ``SchemaRegistryClientConfig`` (7.0; ``max.retries`` and its like: 7.9).
"""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import unquote, urlsplit

from headwater.config import (
    REQUIRED,
    Config,
    ConfigError,
    Importance,
    Option,
    OptionType,
    Problem,
    at_least,
    exactly_one_of,
    grouped,
)
from headwater.converters.schema_registry.client import Connection, RegistryClient, basic
from headwater.converters.schema_registry.folder import SchemaFolder
from headwater.converters.schema_registry.registry import SchemaRegistry, SchemaType
from headwater.converters.schema_registry.subjects import SUBJECT_OPTIONS


def _urls(urls: list[str]) -> str | None:
    if not urls:
        return "at least one URL must stand here"
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme == "file":
            if len(urls) > 1 or parts.netloc or not parts.path.startswith("/"):
                return "a folder is given alone, by its absolute path: file:///var/lib/headwater/schemas"
        elif parts.scheme not in ("http", "https") or not parts.hostname:
            return "must be addresses that begin with http:// or https://, or the folder file:///…"
    return None


def _pem(value: str | None) -> str | None:
    if value is None or value.strip().upper() == "PEM":
        return None
    return "must be PEM: a Java keystore can't be read here; keytool -exportcert -rfc and openssl pkcs12 convert one"


def _option(
    name: str, kind: OptionType, default: object, doc: str, importance: Importance = Importance.MEDIUM
) -> Option:
    return Option(name, kind, default, doc, importance, at_least(0) if kind is OptionType.INT else None)


REGISTRY_OPTIONS = (
    *grouped(
        "Schema Registry",
        Option(
            "schema.registry.url",
            OptionType.LIST,
            REQUIRED,
            "Addresses of the servers of one schema registry; an address may hold a name and password. Or a folder:"
            " file:///var/lib/headwater/schemas keeps the schemas there, and no registry is needed.",
            Importance.HIGH,
            _urls,
            label="Schema Registry URL",
        ),
        _option(
            "auto.register.schemas",
            OptionType.BOOLEAN,
            True,
            "Register each schema that is not registered yet; otherwise it must be there.",
        ),
        _option(
            "use.latest.version",
            OptionType.BOOLEAN,
            False,
            "Write with the newest schema of the subject. Looked at where auto.register.schemas is off.",
            Importance.LOW,
        ),
        _option(
            "latest.compatibility.strict",
            OptionType.BOOLEAN,
            True,
            "With use.latest.version: refuse to write with a schema that couldn't read this one's messages.",
            Importance.LOW,
        ),
        Option(
            "use.schema.id",
            OptionType.INT,
            -1,
            "Write with the schema of this id. Looked at where auto.register.schemas is off.",
            Importance.LOW,
            at_least(-1),
        ),
        _option(
            "id.compatibility.strict",
            OptionType.BOOLEAN,
            True,
            "With use.schema.id: refuse to write with a schema that couldn't read this one's messages.",
            Importance.LOW,
        ),
        _option(
            "normalize.schemas",
            OptionType.BOOLEAN,
            False,
            "Have the registry take schemas for the same that differ in nothing that matters.",
        ),
        *SUBJECT_OPTIONS,
    ),
    *grouped(
        "Schema Registry: signing in",
        Option(
            "basic.auth.credentials.source",
            OptionType.STRING,
            "URL",
            "Where name and password come from: URL (they stand in the address) or USER_INFO (basic.auth.user.info).",
            Importance.MEDIUM,
            exactly_one_of("URL", "USER_INFO"),
        ),
        _option("basic.auth.user.info", OptionType.PASSWORD, None, "Name and password, as name:password."),
        _option(
            "schema.registry.basic.auth.user.info", OptionType.PASSWORD, None, "An older name of basic.auth.user.info."
        ),
        Option(
            "bearer.auth.credentials.source",
            OptionType.STRING,
            None,
            "Where a token comes from: STATIC_TOKEN (bearer.auth.token).",
            Importance.MEDIUM,
            exactly_one_of("STATIC_TOKEN"),
        ),
        _option("bearer.auth.token", OptionType.PASSWORD, None, "The token to sign in with."),
        Option("schema.registry.ssl.truststore.type", OptionType.STRING, "PEM", "PEM.", Importance.MEDIUM, _pem),
        _option(
            "schema.registry.ssl.truststore.location",
            OptionType.STRING,
            None,
            "A PEM file with the certificates to trust; without it those that Python trusts.",
            Importance.HIGH,
        ),
        _option(
            "schema.registry.ssl.truststore.certificates",
            OptionType.PASSWORD,
            None,
            "The certificates to trust themselves, as PEM, in place of a file.",
            Importance.HIGH,
        ),
        Option("schema.registry.ssl.keystore.type", OptionType.STRING, "PEM", "PEM.", Importance.MEDIUM, _pem),
        _option(
            "schema.registry.ssl.keystore.location",
            OptionType.STRING,
            None,
            "A PEM file with the private key and the certificates to sign in with.",
            Importance.HIGH,
        ),
        _option("schema.registry.ssl.key.password", OptionType.PASSWORD, None, "The password of the private key."),
        Option(
            "schema.registry.ssl.endpoint.identification.algorithm",
            OptionType.STRING,
            "https",
            "https: the server's certificate must be for its host; empty: it may be for any.",
            Importance.LOW,
            exactly_one_of("https", ""),
        ),
    ),
    *grouped(
        "Schema Registry: connection",
        _option("proxy.host", OptionType.STRING, None, "The proxy that leads to the registry.", Importance.LOW),
        Option("proxy.port", OptionType.INT, -1, "The proxy's port.", Importance.LOW),
        _option("http.connect.timeout.ms", OptionType.INT, 60000, "How long connecting may take.", Importance.LOW),
        _option("http.read.timeout.ms", OptionType.INT, 60000, "How long an answer may be waited for.", Importance.LOW),
        _option(
            "max.retries",
            OptionType.INT,
            3,
            "How often a question is asked again at once before the task waits and begins anew from its offset.",
            Importance.LOW,
        ),
        _option("retries.wait.ms", OptionType.INT, 1000, "The wait before the first time.", Importance.LOW),
        _option("retries.max.wait.ms", OptionType.INT, 20000, "The longest wait.", Importance.LOW),
    ),
)
REGISTRY_REFUSED = {
    "context.name.strategy": "io.confluent.kafka.serializers.context.NullContextNameStrategy",
    "request.header.": "",
    "schema.registry.ssl.keystore.key": "",
    "schema.registry.ssl.keystore.certificate.chain": "",
    "schema.registry.ssl.truststore.password": "",
    "schema.registry.ssl.keystore.password": "",
}
REGISTRY_IGNORED = {
    "max.schemas.per.subject": "schemas are kept by schemas.cache.config",
    "schema.reflection": "it belongs to Java's classes",
}
SCHEMA_CACHE = Option(
    "schemas.cache.config",
    OptionType.INT,
    1000,
    "How many schemas a converter keeps prepared.",
    Importance.LOW,
    at_least(0),
)


def make_registry(config: Config, type_: SchemaType) -> SchemaRegistry:
    """The registry that the options name, of schemas of one type; nothing is asked yet. Raises `ConfigError`."""
    urls: list[str] = config["schema.registry.url"]
    if urls[0].startswith("file:"):
        return SchemaFolder(Path(unquote(urlsplit(urls[0]).path)), type_)
    proxy = f"{config['proxy.host']}:{config['proxy.port']}" if config["proxy.host"] else None
    timeout = max(config["http.connect.timeout.ms"], config["http.read.timeout.ms"])
    connection = Connection(
        urls,
        _authorization(config),
        _tls(config) if any(url.startswith("https:") for url in urls) else None,
        proxy,
        timeout=timeout / 1000,
        retries=config["max.retries"],
        first_wait=config["retries.wait.ms"] / 1000,
        longest_wait=config["retries.max.wait.ms"] / 1000,
    )
    return RegistryClient(connection, type_, normalize=config["normalize.schemas"])


def _authorization(config: Config) -> str | None:
    user_info = config["schema.registry.basic.auth.user.info"] or config["basic.auth.user.info"]
    if config["bearer.auth.credentials.source"] is not None:
        if config["bearer.auth.token"] is None:
            raise _problem("bearer.auth.token", "must hold the token that bearer.auth.credentials.source asks for")
        return f"Bearer {config['bearer.auth.token']}"
    if config["basic.auth.credentials.source"] == "URL":
        if user_info is not None:
            raise _problem("basic.auth.user.info", "has no effect without basic.auth.credentials.source=USER_INFO")
        return None
    if user_info is None or ":" not in user_info:
        raise _problem("basic.auth.user.info", "must be name:password")
    return basic(user_info)


def _tls(config: Config) -> ssl.SSLContext:
    prefix = "schema.registry.ssl."
    location, certificates = config[f"{prefix}truststore.location"], config[f"{prefix}truststore.certificates"]
    try:
        context = ssl.create_default_context(cafile=location, cadata=certificates)
    except (OSError, ValueError) as error:
        raise _problem(f"{prefix}truststore.location", f"{location!r} can't be read as PEM: {error}") from error
    keystore = config[f"{prefix}keystore.location"]
    if keystore is not None:
        password = config[f"{prefix}key.password"]
        try:
            context.load_cert_chain(keystore, password=password or "")
        except (OSError, ValueError) as error:
            raise _problem(f"{prefix}keystore.location", f"{keystore!r} can't be read as PEM: {error}") from error
    context.check_hostname = config[f"{prefix}endpoint.identification.algorithm"] == "https"
    return context


def _problem(option: str, message: str) -> ConfigError:
    return ConfigError([Problem(option, f"{option} {message}")])
