"""Sinks, by the broker's address: for who has no worker's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from headwater.addresses import Address

if TYPE_CHECKING:
    from headwater.sink import Sink


def open_sink(address: str, client_id: str, options: Mapping[str, str] | None = None) -> Sink:
    """A sink that delivers to the broker at ``address``, ``kafka://host:port``; connects nowhere yet.

    Of ``options``, which are those of the broker's client, the ones that connecting needs are heeded.
    Raises `headwater.addresses.AddressError`, and ImportError where the client is not installed.
    """
    parsed = Address.parse(address)
    return cast("Sink", parsed.module(__name__).create(parsed.place, client_id, dict(options or {})))
