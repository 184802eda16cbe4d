"""Files of a directory, each one value, as Kubernetes and Docker mount secrets: ``${dir:/PATH:FILE}``.

Source: ``org.apache.kafka.common.config.provider.DirectoryConfigProvider`` (KIP-421).
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from headwater.config_provider import ConfigProvider, ConfigProviderError
from headwater.config_providers import allowed_paths
from headwater.config_providers.allowed_paths import AllowedPaths

OPTIONS = allowed_paths.OPTIONS


def create(options: Mapping[str, str]) -> ConfigProvider:
    """The provider. Raises `headwater.config.ConfigError`."""
    return DirectoryConfigProvider(AllowedPaths.from_option(OPTIONS.parse(options)["allowed.paths"]))


class DirectoryConfigProvider:
    """Gives the contents of the files in the directories in ``allowed``."""

    def __init__(self, allowed: AllowedPaths) -> None:
        self._allowed = allowed

    def get(self, path: str, key: str) -> str:
        """The whole text, a newline at its end included, of the file ``key`` in the directory ``path``.

        Raises `ConfigProviderError`.
        """
        if not path:
            raise ConfigProviderError("it names no directory: the directory's path stands before the file's name")
        if key in ("", ".", "..") or "/" in key:
            raise ConfigProviderError(f"{key!r} is not the name of a file")
        file = posixpath.join(path, key)
        try:
            return self._allowed.read(file).decode()
        except UnicodeDecodeError:
            raise ConfigProviderError(f"{file!r} is not text in UTF-8") from None
