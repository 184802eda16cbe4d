"""Debezium's BinaryDataConverter: bytes as they are, all else by another converter.

Made for an outbox whose payload is bytes: what the connector says itself, such as heartbeats, is no bytes.

Source: ``io.debezium.converters.BinaryDataConverter`` (Debezium 3.6).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headwater.config import ConfigDef, ConfigError, Importance, Option, OptionType, Problem
from headwater.converter import ConversionError, Converter, Scope
from headwater.converters.byte_array import ByteArrayConverter
from headwater.record import DECIMAL, Schema, Type
from headwater.shape import NULL, Node

DELEGATE = "delegate.converter.type"
OPTIONS = ConfigDef(
    Option(
        DELEGATE,
        OptionType.STRING,
        None,
        f"The converter for what is not bytes; what starts with {DELEGATE}. configures it.",
        Importance.LOW,
    ),
)

CreateConverter = Callable[[str, Mapping[str, str]], Converter]
"""Takes a converter's class and its options. Raises `ConfigError`, or `LookupError` for a class that is not known."""


def create_with(options: Mapping[str, str], create_delegate: CreateConverter) -> BinaryDataConverter:
    """The converter for ``options``, their ``key.converter.`` prefix or the like taken off. Raises `ConfigError`."""
    name = OPTIONS.parse(options)[DELEGATE]
    if name is None:
        return BinaryDataConverter(None)
    below = {option[len(DELEGATE) + 1 :]: text for option, text in options.items() if option.startswith(f"{DELEGATE}.")}
    try:
        return BinaryDataConverter(create_delegate(name, below))
    except LookupError as error:
        raise ConfigError([Problem(DELEGATE, f"{DELEGATE}: {error}")]) from error
    except ConfigError as error:
        problems = (Problem(f"{DELEGATE}.{each.option}", f"{DELEGATE}: {each.message}") for each in error.problems)
        raise ConfigError(problems) from error


class BinaryDataConverter:
    """`headwater.converter.Converter`, for keys, values and headers alike."""

    def __init__(self, delegate: Converter | None) -> None:
        self._bytes = ByteArrayConverter()
        self._delegate = delegate

    def convert(self, topic: str, schema: Schema | None, value: Any) -> bytes | None:
        """As `Converter.convert`."""
        if value is None and (schema is None or schema.type is Type.BYTES):
            return None
        is_bytes = type(value) is bytes if schema is None else _is_bytes(schema)
        return (self._bytes if is_bytes else self._other(topic)).convert(topic, schema, value)

    def plan(self, topic: str, schema: Schema | None, node: Node, scope: Scope) -> str:
        """As `Converter.plan`."""
        if node == NULL and (schema is None or schema.type is Type.BYTES):
            return "None"
        is_bytes = schema is not None and _is_bytes(schema)
        return (self._bytes if is_bytes else self._other(topic)).plan(topic, schema, node, scope)

    def _other(self, topic: str) -> Converter:
        if self._delegate is None:
            raise ConversionError(f"topic {topic}: {DELEGATE} must name a converter for what is not bytes")
        return self._delegate


def _is_bytes(schema: Schema) -> bool:
    return schema.type is Type.BYTES and schema.name != DECIMAL
