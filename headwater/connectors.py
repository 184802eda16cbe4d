"""Which connectors there are, by every name that Kafka Connect's ``connector.class`` may give them."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from headwater.source import SourceConnector


@dataclass(frozen=True, slots=True)
class _Entry:
    class_name: str
    alias: str
    extra: str
    module: str


_ENTRIES = (
    _Entry("io.debezium.connector.mysql.MySqlConnector", "mysql", "mysql", "headwater.sources.mysql.connector"),
)


class UnknownConnectorError(LookupError):
    """``connector.class`` names nothing that is known here."""


class MissingExtraError(ImportError):
    """A client library is not installed; the text names the extra that brings it."""


def connector_classes() -> list[str]:
    """The full class names of all connectors."""
    return [entry.class_name for entry in _ENTRIES]


def find_connector(name: str) -> SourceConnector:
    """The connector called ``name``: Debezium's full class name, the simple class name, or the short name.

    Raises `UnknownConnectorError` or `MissingExtraError`.
    """
    for entry in _ENTRIES:
        if name in (entry.class_name, entry.class_name.rpartition(".")[2], entry.alias):
            return _load(entry)
    raise UnknownConnectorError(
        f"Failed to find any class that implements Connector and which name matches {name}, "
        f"available connectors are: {', '.join(connector_classes())}"
    )


def _load(entry: _Entry) -> SourceConnector:
    try:
        module = importlib.import_module(entry.module)
    except ImportError as error:
        if error.name is not None and error.name.startswith("headwater"):
            raise
        raise MissingExtraError(
            f"{entry.alias} needs the Python package {error.name!r}: pip install 'headwater[{entry.extra}]'"
        ) from error
    connector: SourceConnector = module.CONNECTOR
    return connector
