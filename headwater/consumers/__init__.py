"""Consumers, by the broker's address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from headwater.addresses import Address

if TYPE_CHECKING:
    from headwater.consumer import Consumer


def open_consumer(address: str, group: str, options: Mapping[str, str] | None = None) -> Consumer:
    """A member of ``group`` on the broker at ``address``, ``kafka://host:port``; joins no group yet.

    ``options`` are those of the broker's client, as for Kafka ``sasl.username`` or ``max.poll.interval.ms``.
    Raises `headwater.addresses.AddressError`, `headwater.consumer.ConsumerError` for options that are wrong, and
    ImportError where the client is not installed.
    """
    parsed = Address.parse(address)
    return cast("Consumer", parsed.module(__name__).create(parsed.place, group, dict(options or {})))
