"""Kafka Connect's JsonConverter: JSON, with ``schemas.enable`` in an envelope ``{"schema": …, "payload": …}``.

The same documents as ``org.apache.kafka.connect.json.JsonConverter`` (Kafka 4.3) writes, member by member; bytes
equal but for the notation of doubles and of escapes. see `headwater.converters.json_code` for how rows are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from headwater.config import Config, ConfigDef, Importance, Option, OptionType, Width, at_least, grouped, one_of
from headwater.converter import ConversionError, Scope
from headwater.converters.json_code import JsonCode
from headwater.converters.json_values import JsonValues, ToJson, dumps
from headwater.record import Schema
from headwater.shape import Const, Node

OPTIONS = ConfigDef(
    *grouped(
        "Schemas",
        Option(
            "schemas.enable",
            OptionType.BOOLEAN,
            True,
            "Write each key and value in an envelope with its schema.",
            Importance.HIGH,
            label="Enable Schemas",
            width=Width.MEDIUM,
        ),
        Option(
            "schemas.cache.size",
            OptionType.INT,
            1000,
            "How many schemas a converter keeps prepared.",
            Importance.HIGH,
            at_least(0),
            label="Schema Cache Size",
            width=Width.MEDIUM,
        ),
        Option(
            "schema.content",
            OptionType.STRING,
            None,
            "The schema of messages that carry none; for reading, so it has no effect on a source connector.",
            Importance.HIGH,
            label="Schema Content",
            width=Width.MEDIUM,
        ),
    ),
    *grouped(
        "Serialization",
        Option(
            "decimal.format",
            OptionType.STRING,
            "BASE64",
            "How a Decimal is written: BASE64 (the bytes of its unscaled value) or NUMERIC (a JSON number).",
            Importance.LOW,
            one_of("BASE64", "NUMERIC"),
            label="Decimal Format",
            width=Width.MEDIUM,
        ),
        Option(
            "replace.null.with.default",
            OptionType.BOOLEAN,
            True,
            "Write the default of a field that is null and has one; otherwise null.",
            Importance.LOW,
            label="Replace null with default",
            width=Width.MEDIUM,
        ),
    ),
)


def create(options: Mapping[str, str], *, is_key: bool) -> JsonConverter:  # noqa: ARG001 - keys are written as values are
    """The converter for ``options``, their ``key.converter.`` prefix or the like taken off. Raises `ConfigError`."""
    return JsonConverter(OPTIONS.parse(options))


class _Prepared(NamedTuple):
    """How values of a schema are written, and what stands before and after them."""

    schema: Schema | None  # kept, so that its id stays its own
    write: ToJson
    before: bytes
    after: bytes


class JsonConverter:
    """`headwater.converter.Converter`, for keys, values and headers alike."""

    def __init__(self, config: Config) -> None:
        self._values = JsonValues(
            numeric_decimals=config["decimal.format"].upper() == "NUMERIC",
            null_is_default=config["replace.null.with.default"],
        )
        self._in_envelope: bool = config["schemas.enable"]
        self._cache_size: int = config["schemas.cache.size"]
        # By identity: comparing schemas would cost more than writing a value.
        self._prepared: dict[int, _Prepared] = {}

    @property
    def in_envelope(self) -> bool:
        """Whether messages hold their schema too."""
        return self._in_envelope

    @property
    def numeric_decimals(self) -> bool:
        """Whether a Decimal is a number, and not base64 of its unscaled value."""
        return self._values.numeric_decimals

    def convert(self, topic: str, schema: Schema | None, value: Any) -> bytes | None:
        """As `Converter.convert`; null without a schema is a null message."""
        if schema is None and value is None:
            return None
        try:
            prepared = self._prepare(schema)
            return prepared.before + dumps(prepared.write(value)) + prepared.after
        except ConversionError as error:
            raise ConversionError(f"topic {topic}: {error}") from None

    def plan(self, topic: str, schema: Schema | None, node: Node, scope: Scope) -> str:
        """As `Converter.plan`. A slot whose schema is required is trusted to hold no null."""
        if isinstance(node, Const):
            converted = self.convert(topic, schema, node.value)
            return "None" if converted is None else scope.bind(converted)
        if schema is None:
            raise ConversionError(f"topic {topic}: only a constant can be planned without a schema")
        try:
            prepared = self._prepare(schema)
            return JsonCode(self._values, scope).expression(schema, node, prepared.before, prepared.after)
        except ConversionError as error:
            raise ConversionError(f"topic {topic}: {error}") from None

    def _prepare(self, schema: Schema | None) -> _Prepared:
        known = self._prepared.get(id(schema))
        if known is not None:
            return known
        envelope = b'{"schema":%b,"payload":' % dumps(self._values.schema(schema)) if self._in_envelope else b""
        prepared = _Prepared(schema, self._values.writer(schema), envelope, b"}" if self._in_envelope else b"")
        if len(self._prepared) >= self._cache_size > 0:
            del self._prepared[next(iter(self._prepared))]
        if self._cache_size > 0:
            self._prepared[id(schema)] = prepared
        return prepared
