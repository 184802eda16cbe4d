"""Environment variables of the worker: ``${env:KEY}``.

Source: ``org.apache.kafka.common.config.provider.EnvVarConfigProvider`` (KIP-887).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from headwater.config import ConfigDef, Importance, Option, OptionType
from headwater.config_provider import ConfigProvider, ConfigProviderError


def _regex(pattern: str) -> str | None:
    try:
        re.compile(pattern)
    except re.error as error:
        return f"it is not a regular expression: {error}"
    return None


OPTIONS = ConfigDef(
    Option(
        "allowlist.pattern",
        OptionType.STRING,
        ".*",
        "Regular expression that the whole name of an environment variable must match for it to be used.",
        Importance.MEDIUM,
        _regex,
    )
)


def create(options: Mapping[str, str]) -> ConfigProvider:
    """The provider. Raises `headwater.config.ConfigError`."""
    return EnvVarConfigProvider(OPTIONS.parse(options)["allowlist.pattern"])


class EnvVarConfigProvider:
    """Gives the environment variables whose names match ``pattern``."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)

    def get(self, path: str, key: str) -> str:
        """The variable ``key``. Raises `ConfigProviderError`."""
        if path:
            raise ConfigProviderError("environment variables have no path: write only the variable's name")
        if not self._pattern.fullmatch(key):
            raise ConfigProviderError("the provider's allowlist.pattern does not match the variable's name")
        value = os.environ.get(key)
        if value is None:
            raise ConfigProviderError("the worker's environment has no such variable")
        return value
