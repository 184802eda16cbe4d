"""Which plugins there are: connectors, converters, config providers.

A plugin is known by every name that Kafka Connect's configuration may give it: its full Java class name, the simple
class name, and a short name of ours in any case. Its module is imported when it is first asked for, so that one
process needs no other plugin's client library.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from headwater.config import ConfigDef
    from headwater.config_provider import ConfigProvider
    from headwater.converter import Converter
    from headwater.source import SourceConnector


class ConverterModule(Protocol):
    """What the module of a converter has."""

    OPTIONS: ConfigDef
    """What can be configured, without the ``key.converter.`` or ``value.converter.`` that goes before it."""

    def create(self, options: Mapping[str, str], *, is_key: bool) -> Converter:
        """The converter for one part of a message. Raises `headwater.config.ConfigError`."""


class ConfigProviderModule(Protocol):
    """What the module of a config provider has."""

    OPTIONS: ConfigDef
    """What can be configured, without the ``config.providers.NAME.param.`` that goes before it."""

    def create(self, options: Mapping[str, str]) -> ConfigProvider:
        """The provider. Raises `headwater.config.ConfigError`."""


@dataclass(frozen=True, slots=True)
class _Plugin:
    class_name: str
    short_name: str
    module: str
    """Its module, or behind a colon what in it has what a plugin's module has."""
    extra: str | None = None
    """The optional dependencies that the module needs, as in ``pip install headwater[extra]``."""

    def answers_to(self, name: str) -> bool:
        return name in (self.class_name, self.class_name.rpartition(".")[2]) or name.lower() == self.short_name


_CONNECTORS = (
    _Plugin(
        "io.debezium.connector.mongodb.MongoDbConnector",
        "mongodb",
        "headwater.sources.mongodb.connector",
        "mongodb",
    ),
    _Plugin("io.debezium.connector.mysql.MySqlConnector", "mysql", "headwater.sources.mysql.connector", "mysql"),
)
_COMMON_CONVERTERS = (
    _Plugin("org.apache.kafka.connect.json.JsonConverter", "json", "headwater.converters.json"),
    _Plugin("org.apache.kafka.connect.storage.StringConverter", "string", "headwater.converters.string"),
)
_NUMBERS = tuple(
    _Plugin(
        f"org.apache.kafka.connect.converters.{name}Converter",
        name.lower(),
        f"headwater.converters.numbers:{name.upper()}",
    )
    for name in ("Boolean", "Double", "Float", "Integer", "Long", "Short")
)
_CONVERTERS = (
    *_COMMON_CONVERTERS,
    _Plugin("org.apache.kafka.connect.converters.ByteArrayConverter", "bytes", "headwater.converters.byte_array"),
    *_NUMBERS,
    _Plugin("io.debezium.converters.BinaryDataConverter", "binary", "headwater.plugins:BINARY_DATA"),
)
_VALUE_CONVERTERS = (
    *_CONVERTERS,
    _Plugin(
        "io.debezium.converters.CloudEventsConverter", "cloudevents", "headwater.converters.cloud_events.converter"
    ),
    _Plugin("io.confluent.connect.avro.AvroConverter", "avro", "headwater.converters.avro.converter"),
    _Plugin("io.confluent.connect.protobuf.ProtobufConverter", "protobuf", "headwater.converters.protobuf.converter"),
)
_SIMPLE_HEADER_CONVERTER = _Plugin(
    "org.apache.kafka.connect.storage.SimpleHeaderConverter", "simple", "headwater.converters.simple_header"
)
_HEADER_CONVERTERS = (_SIMPLE_HEADER_CONVERTER, *_CONVERTERS)
_CONFIG_PROVIDERS = (
    _Plugin("org.apache.kafka.common.config.provider.EnvVarConfigProvider", "env", "headwater.config_providers.env"),
    _Plugin("org.apache.kafka.common.config.provider.FileConfigProvider", "file", "headwater.config_providers.file"),
    _Plugin(
        "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
        "directory",
        "headwater.config_providers.directory",
    ),
)


class UnknownPluginError(LookupError):
    """A class name that is not known here; the text is Kafka Connect's, and lists those that are ``known``."""

    def __init__(self, kind: str, name: str, known: Sequence[str]) -> None:
        self.known = tuple(known)
        super().__init__(
            f"Failed to find any class that implements {kind} and which name matches {name}, "
            f"available {kind[0].lower()}{kind[1:]}s are: {', '.join(known)}"
        )


class MissingExtraError(ImportError):
    """A client library is not installed; the text names the extra that brings it."""


def common_modules() -> list[str]:
    """The modules of the plugins that nearly every task needs: what a process that starts tasks does well to import."""
    return sorted({plugin.module for plugin in (_SIMPLE_HEADER_CONVERTER, *_COMMON_CONVERTERS)})


def connector_module(name: str) -> str | None:
    """The module of the connector that ``connector.class`` names, imported or not; None where that is unknown."""
    return next((plugin.module for plugin in _CONNECTORS if plugin.answers_to(name)), None)


def find_connector(name: str) -> SourceConnector:
    """The connector that ``connector.class`` names. Raises `UnknownPluginError` or `MissingExtraError`."""
    return cast("SourceConnector", _load(_find(_CONNECTORS, "Connector", name)).CONNECTOR)


def find_converter(name: str) -> ConverterModule:
    """The converter that ``key.converter`` or ``value.converter`` names. Raises as `find_connector` does."""
    return cast("ConverterModule", _load(_find(_VALUE_CONVERTERS, "Converter", name)))


def find_header_converter(name: str) -> ConverterModule:
    """The converter that ``header.converter`` names. Raises as `find_connector` does."""
    return cast("ConverterModule", _load(_find(_HEADER_CONVERTERS, "HeaderConverter", name)))


def find_config_provider(name: str) -> ConfigProviderModule:
    """The config provider that ``config.providers.NAME.class`` names. Raises `UnknownPluginError`."""
    return cast("ConfigProviderModule", _load(_find(_CONFIG_PROVIDERS, "ConfigProvider", name)))


class _BinaryData:
    """The module of BinaryDataConverter, which has another converter made."""

    @property
    def OPTIONS(self) -> ConfigDef:  # noqa: N802 - `ConverterModule`'s name
        from headwater.converters.binary_data import OPTIONS

        return OPTIONS

    def create(self, options: Mapping[str, str], *, is_key: bool) -> Converter:
        """As `ConverterModule.create`."""
        from headwater.converters.binary_data import create_with

        return create_with(options, lambda name, below: find_converter(name).create(below, is_key=is_key))


BINARY_DATA = _BinaryData()


def plugin_classes() -> list[tuple[str, str]]:
    """(class name, Kafka Connect's plugin type) of all plugins whose client library is installed."""
    return [
        (plugin.class_name, kind)
        for kind, plugins in (
            ("source", _CONNECTORS),
            ("converter", _VALUE_CONVERTERS),
            ("header_converter", _HEADER_CONVERTERS),
        )
        for plugin in plugins
        if _is_installed(plugin)
    ]


def plugin_options(name: str) -> ConfigDef:
    """What can be configured of a plugin of any kind. Raises `UnknownPluginError` or `MissingExtraError`."""
    plugin = _find((*_CONNECTORS, *_HEADER_CONVERTERS, *_VALUE_CONVERTERS), "Plugin", name)
    if plugin in _CONNECTORS:
        return find_connector(name).options
    return cast("ConverterModule", _load(plugin)).OPTIONS


def _is_installed(plugin: _Plugin) -> bool:
    try:
        _load(plugin)
    except MissingExtraError:
        return False
    return True


def _find(plugins: Sequence[_Plugin], kind: str, name: str) -> _Plugin:
    for plugin in plugins:
        if plugin.answers_to(name):
            return plugin
    raise UnknownPluginError(kind, name, [plugin.class_name for plugin in plugins])


def _load(plugin: _Plugin) -> Any:
    module, _, name = plugin.module.partition(":")
    try:
        imported = importlib.import_module(module)
        return getattr(imported, name) if name else imported
    except ImportError as error:
        if plugin.extra is None or error.name is None or error.name.startswith("headwater"):
            raise
        raise MissingExtraError(
            f"{plugin.short_name} needs the Python package {error.name!r}: pip install 'headwater[{plugin.extra}]'"
        ) from error
