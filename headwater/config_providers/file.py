"""Entries of properties files: ``${file:/PATH:KEY}``.

Source: ``org.apache.kafka.common.config.provider.FileConfigProvider`` (KIP-297).
"""

from __future__ import annotations

from collections.abc import Mapping

from headwater.config_provider import ConfigProvider, ConfigProviderError
from headwater.config_providers import allowed_paths
from headwater.config_providers.allowed_paths import AllowedPaths
from headwater.properties import PropertiesError, parse_properties

OPTIONS = allowed_paths.OPTIONS


def create(options: Mapping[str, str]) -> ConfigProvider:
    """The provider. Raises `headwater.config.ConfigError`."""
    return FileConfigProvider(AllowedPaths.from_option(OPTIONS.parse(options)["allowed.paths"]))


class FileConfigProvider:
    """Gives the entries of the properties files in ``allowed``."""

    def __init__(self, allowed: AllowedPaths) -> None:
        self._allowed = allowed

    def get(self, path: str, key: str) -> str:
        """The entry ``key`` of the file ``path``. Raises `ConfigProviderError`."""
        if not path:
            raise ConfigProviderError("it names no file: the path of a properties file stands before the key")
        try:
            return parse_properties(self._allowed.read(path))[key]
        except PropertiesError as error:
            raise ConfigProviderError(f"{path!r} is not a properties file: {error}") from None
        except KeyError:
            raise ConfigProviderError(f"{path!r} has no entry {key!r}") from None
