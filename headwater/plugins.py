"""Which plugins there are: connectors, converters, transforms, predicates, config providers.

A plugin is known by every name that Kafka Connect's configuration may give it: its full Java class name, the simple
class name, and a short name of ours in any case. Its module is imported when it is first asked for, so that one
process needs no other plugin's client library.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, cast

from headwater.config import ConfigDef
from headwater.plugin_path import PluginFileError, load_plugin, plugin_names
from headwater.transform import Part
from headwater.transforms.record_function import RecordFunction

if TYPE_CHECKING:
    from headwater.config_provider import ConfigProvider
    from headwater.converter import Converter
    from headwater.source import SourceConnector
    from headwater.transform import Predicate, Transform


class ConverterModule(Protocol):
    """What the module of a converter has."""

    OPTIONS: ConfigDef
    """What can be configured, without the ``key.converter.`` or ``value.converter.`` that goes before it."""

    def create(self, options: Mapping[str, str], *, is_key: bool) -> Converter:
        """The converter for one part of a message. Raises `headwater.config.ConfigError`."""


class TransformModule(Protocol):
    """What the module of a transform has."""

    OPTIONS: ConfigDef
    """What can be configured, without the ``transforms.NAME.`` that goes before it."""

    def create(self, options: Mapping[str, str], part: Part | None) -> Transform:
        """The transform, for ``part`` of messages where it has a form for each.

        Raises `headwater.config.ConfigError`.
        """


class PredicateModule(Protocol):
    """What the module of a predicate has."""

    OPTIONS: ConfigDef
    """What can be configured, without the ``predicates.NAME.`` that goes before it."""

    def create(self, options: Mapping[str, str]) -> Predicate:
        """The predicate. Raises `headwater.config.ConfigError`."""


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
    part: Part | None = None
    """The part of messages that a transform is for, where its class has a form for each."""

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
    _Plugin("headwater.sources.sqlite.SqliteConnector", "sqlite", "headwater.sources.sqlite.connector"),
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
    # Its older name, behind Kafka Connect's, whose simple name is the same.
    _Plugin("io.debezium.converters.ByteArrayConverter", "binary", "headwater.plugins:BINARY_DATA"),
)
_VALUE_CONVERTERS = (
    *_CONVERTERS,
    _Plugin(
        "io.debezium.converters.CloudEventsConverter", "cloudevents", "headwater.converters.cloud_events.converter"
    ),
    _Plugin("io.confluent.connect.avro.AvroConverter", "avro", "headwater.converters.avro.converter"),
    _Plugin(
        "io.confluent.connect.json.JsonSchemaConverter", "jsonschema", "headwater.converters.json_schema.converter"
    ),
    _Plugin("io.confluent.connect.protobuf.ProtobufConverter", "protobuf", "headwater.converters.protobuf.converter"),
)
_SIMPLE_HEADER_CONVERTER = _Plugin(
    "org.apache.kafka.connect.storage.SimpleHeaderConverter", "simple", "headwater.converters.simple_header"
)
_HEADER_CONVERTERS = (_SIMPLE_HEADER_CONVERTER, *_CONVERTERS)


def _kafka_transform(name: str, short: str, *parts: Part) -> tuple[_Plugin, ...]:
    """A transform of Kafka Connect by the simple name of its class, in each of its forms."""
    class_name, module = f"org.apache.kafka.connect.transforms.{name}", f"headwater.transforms.{short}"
    if not parts:
        return (_Plugin(class_name, short, module),)
    return tuple(_Plugin(f"{class_name}${part}", f"{short}${part.lower()}", module, part=part) for part in parts)


def _debezium_transform(name: str, short: str) -> _Plugin:
    return _Plugin(f"io.debezium.transforms.{name}", short, f"headwater.transforms.{short}")


def _mongodb_transform(name: str, short: str) -> _Plugin:
    return _Plugin(f"io.debezium.connector.mongodb.transforms.{name}", short, f"headwater.transforms.{short}")


def _predicate(name: str, short: str) -> _Plugin:
    return _Plugin(f"org.apache.kafka.connect.transforms.predicates.{name}", short, f"headwater.predicates.{short}")


_TRANSFORMS = (
    _debezium_transform("outbox.EventRouter", "event_router"),
    _mongodb_transform("outbox.MongoEventRouter", "mongo_event_router"),
    _debezium_transform("ByLogicalTableRouter", "by_logical_table_router"),
    _debezium_transform("ContentBasedRouter", "content_based_router"),
    _debezium_transform("EnforceRecordSize", "enforce_record_size"),
    _debezium_transform("ExtractChangedRecordState", "extract_changed_record_state"),
    _mongodb_transform("ExtractNewDocumentState", "extract_new_document_state"),
    _debezium_transform("ExtractNewRecordState", "extract_new_record_state"),
    _debezium_transform("HeaderToValue", "header_to_value"),
    _debezium_transform("partitions.PartitionRouting", "partition_routing"),
    _debezium_transform("SchemaChangeEventFilter", "schema_change_event_filter"),
    _debezium_transform("TimezoneConverter", "timezone_converter"),
    *_kafka_transform("Cast", "cast", *Part),
    *_kafka_transform("DropHeaders", "drop_headers"),
    *_kafka_transform("ExtractField", "extract_field", *Part),
    *_kafka_transform("Filter", "filter"),
    *_kafka_transform("Flatten", "flatten", *Part),
    *_kafka_transform("HeaderFrom", "header_from", *Part),
    *_kafka_transform("HoistField", "hoist_field", *Part),
    *_kafka_transform("InsertField", "insert_field", *Part),
    *_kafka_transform("InsertHeader", "insert_header"),
    *_kafka_transform("MaskField", "mask_field", *Part),
    *_kafka_transform("RegexRouter", "regex_router"),
    *_kafka_transform("ReplaceField", "replace_field", *Part),
    *_kafka_transform("SetSchemaMetadata", "set_schema_metadata", *Part),
    *_kafka_transform("TimestampConverter", "timestamp_converter", *Part),
    *_kafka_transform("TimestampRouter", "timestamp_router"),
    *_kafka_transform("ValueToKey", "value_to_key"),
    # Behind Kafka Connect's, whose simple name is the same.
    _Plugin("io.debezium.transforms.Filter", "expression_filter", "headwater.transforms.expression_filter"),
)
_TRANSFORM_CLASSES = frozenset(plugin.class_name for plugin in _TRANSFORMS)
_PREDICATES = (
    _predicate("HasHeaderKey", "has_header_key"),
    _predicate("RecordIsTombstone", "record_is_tombstone"),
    _predicate("TopicNameMatches", "topic_name_matches"),
)
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


class OwnTransformError(Exception):
    """A transform of one's own that can't be loaded: says where it is and why."""


class MissingExtraError(ImportError):
    """A client library is not installed; the text names the extra that brings it."""


def common_modules() -> list[str]:
    """The modules of the plugins that nearly every task needs: what a process that starts tasks does well to import."""
    return sorted({plugin.module for plugin in (_SIMPLE_HEADER_CONVERTER, *_COMMON_CONVERTERS)})


def connector_module(name: str) -> str | None:
    """The module of the connector that ``connector.class`` names, imported or not; None where that is unknown."""
    return next((plugin.module for plugin in _CONNECTORS if plugin.answers_to(name)), None)


def connector_modules() -> list[str]:
    """The modules of all connectors, imported or not; some may need an extra that is not installed."""
    return [plugin.module for plugin in _CONNECTORS]


def find_connector(name: str) -> SourceConnector:
    """The connector that ``connector.class`` names. Raises `UnknownPluginError` or `MissingExtraError`."""
    return cast("SourceConnector", _load(_find(_CONNECTORS, "Connector", name)).CONNECTOR)


def find_converter(name: str) -> ConverterModule:
    """The converter that ``key.converter`` or ``value.converter`` names. Raises as `find_connector` does."""
    return cast("ConverterModule", _load(_find(_VALUE_CONVERTERS, "Converter", name)))


def find_header_converter(name: str) -> ConverterModule:
    """The converter that ``header.converter`` names. Raises as `find_connector` does."""
    return cast("ConverterModule", _load(_find(_HEADER_CONVERTERS, "HeaderConverter", name)))


@dataclass(frozen=True, slots=True)
class TransformPlugin:
    """A transform's class: what can be configured of it, and how one is made."""

    options: ConfigDef
    create: Callable[[Mapping[str, str]], Transform]
    """Raises `headwater.config.ConfigError`."""


OWN_TRANSFORMS = "headwater.transforms"
"""The group of entry points that transforms of installed packages are found by; each goes by its entry point's name.

It is a function (see `headwater.transforms.record_function`), or has what a `TransformModule` has. Those in files are
found by `headwater.plugin_path`.
"""


def find_transform(name: str) -> TransformPlugin:
    """The transform that ``transforms.NAME.type`` names.

    Raises `UnknownPluginError` or `OwnTransformError`.
    """
    if name not in _TRANSFORM_CLASSES:  # all installed packages would be searched, which takes 60 ms
        own = _find_own_transform(name)
        if own is not None:
            return own
    plugin = _find(_TRANSFORMS, "Transformation", name)
    module = cast("TransformModule", _load(plugin))
    return TransformPlugin(module.OPTIONS, partial(module.create, part=plugin.part))


def _find_own_transform(name: str) -> TransformPlugin | None:
    for entry_point in entry_points(group=OWN_TRANSFORMS, name=name):
        try:
            return _own_transform(entry_point.load())
        except Exception as error:
            raise OwnTransformError(f"{entry_point.value} can't be loaded: {type(error).__name__}: {error}") from error
    try:
        module = load_plugin(name)
    except PluginFileError as error:
        raise OwnTransformError(str(error)) from error
    return None if module is None else _own_transform(getattr(module, "transform", module))


def _own_transform(loaded: Any) -> TransformPlugin:
    if hasattr(loaded, "create"):
        return TransformPlugin(loaded.OPTIONS, partial(loaded.create, part=None))
    return TransformPlugin(ConfigDef(), lambda _options: RecordFunction(loaded))


def find_predicate(name: str) -> PredicateModule:
    """The predicate that ``predicates.NAME.type`` names. Raises `UnknownPluginError`."""
    return cast("PredicateModule", _load(_find(_PREDICATES, "Predicate", name)))


def transform_modules() -> list[tuple[ModuleType, list[str]]]:
    """The module of each transform and then of each predicate, with the class names it goes by."""
    names: dict[str, list[str]] = {}
    for plugin in (*_TRANSFORMS, *_PREDICATES):
        names.setdefault(plugin.module, []).append(plugin.class_name)
    return [(importlib.import_module(module), classes) for module, classes in names.items()]


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
            ("transformation", _TRANSFORMS),
            ("predicate", _PREDICATES),
        )
        for plugin in plugins
        if _is_installed(plugin)
    ] + [(name, "transformation") for name in _own_transforms()]


def _own_transforms() -> list[str]:
    return sorted({*plugin_names(), *(entry_point.name for entry_point in entry_points(group=OWN_TRANSFORMS))})


def plugin_options(name: str) -> ConfigDef:
    """What can be configured of a plugin of any kind.

    Raises `UnknownPluginError`, `OwnTransformError` or `MissingExtraError`.
    """
    own = _find_own_transform(name)
    if own is not None:
        return own.options
    known = (*_CONNECTORS, *_HEADER_CONVERTERS, *_VALUE_CONVERTERS, *_TRANSFORMS, *_PREDICATES)
    plugin = _find(known, "Plugin", name)
    if plugin in _CONNECTORS:
        return find_connector(name).options
    return cast("ConverterModule", _load(plugin)).OPTIONS


def _is_installed(plugin: _Plugin) -> bool:
    if plugin.extra is None:
        return True
    try:
        _load(plugin)
    except MissingExtraError:
        return False
    return True


def _find(plugins: Sequence[_Plugin], kind: str, name: str) -> _Plugin:
    for plugin in plugins:
        if plugin.answers_to(name):
            return plugin
    own = _own_transforms() if plugins is _TRANSFORMS else ()
    raise UnknownPluginError(kind, name, [*(plugin.class_name for plugin in plugins), *own])


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
