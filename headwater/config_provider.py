"""What a config provider is: it looks up the values that configurations only refer to.

A configuration says ``${NAME:PATH:KEY}``, or ``${NAME:KEY}`` without a path; NAME is what the worker's
``config.providers`` calls the provider. Source: ``org.apache.kafka.common.config.provider.ConfigProvider`` (KIP-297).
"""

from __future__ import annotations

from typing import Protocol


class ConfigProviderError(Exception):
    """Why there is no value; the text never holds one."""


class ConfigProvider(Protocol):
    """Looks values up anew each time, so that one that was changed counts when it is asked for next."""

    def get(self, path: str, key: str) -> str:
        """The value of ``key`` at ``path``, which is empty where the reference has none. Raises `ConfigProviderError`.

        Both come from whoever may configure a connector: a provider gives only what its own options allow.
        """
