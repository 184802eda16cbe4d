"""The JSON Schema of a Connect schema, as Confluent's JsonSchemaData decides it.

Source: ``io.confluent.connect.json.JsonSchemaData.fromConnectSchema`` (7.0); JSON Schema, draft 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headwater.converter import ConversionError
from headwater.converters.json_values import JsonValues
from headwater.record import DECIMAL, Schema, Type

Document = Mapping[str, Any]
"""A schema as `json` reads it."""

_OWN_PARAMETERS = "io.confluent.connect.json"
"""What begins so was made of a JSON Schema by Confluent's converter when it read one."""
_NUMBERS = {
    Type.INT8: ("integer", "int8"),
    Type.INT16: ("integer", "int16"),
    Type.INT32: ("integer", "int32"),
    Type.INT64: ("integer", "int64"),
    Type.FLOAT32: ("number", "float32"),
    Type.FLOAT64: ("number", "float64"),
}


def has_string_keys(schema: Schema) -> bool:
    """Whether a map is an object; otherwise it is an array of objects with ``key`` and ``value``."""
    key = schema.key_schema
    return key is not None and key.type is Type.STRING and not key.optional


@dataclass(frozen=True, slots=True)
class Translation:
    """From schema to schema, under one converter's options; ``values`` writes defaults."""

    values: JsonValues
    additional_properties: bool = True

    def document(self, schema: Schema | None, index: int | None = None) -> dict[str, Any]:
        """The JSON Schema; ``index`` is the place of a field in its struct. Raises `ConversionError`."""
        if schema is None:
            raise ConversionError("what has no schema can't be written with a JSON Schema")
        if any(name.startswith(_OWN_PARAMETERS) for name in (schema.name or "", *dict(schema.parameters))):
            raise ConversionError(
                f"schemas with {_OWN_PARAMETERS}… can't be written: enums and unions of JSON Schema's own"
            )
        place = {} if index is None else {"connect.index": index}
        described = self._described(schema)
        if schema.optional:
            return {"oneOf": [{"type": "null"}, described], **place}
        return {**described, **place}

    def _described(self, schema: Schema) -> dict[str, Any]:
        parameters = dict(schema.parameters)
        described = {
            "title": schema.name,
            "description": schema.doc,
            "default": None if schema.default is None else self.values.present(schema)(schema.default),
            **self._type(schema),
            "connect.version": schema.version,
            "connect.parameters": parameters or None,
        }
        return {name: value for name, value in described.items() if value is not None}

    def _type(self, schema: Schema) -> dict[str, Any]:
        match schema.type:
            case Type.BOOLEAN | Type.STRING:
                return {"type": schema.type.value}
            case Type.BYTES:
                return {"type": "number" if schema.name == DECIMAL else "string", "connect.type": "bytes"}
            case Type.ARRAY:
                return {"type": "array", "items": self.document(schema.value_schema)}
            case Type.MAP if has_string_keys(schema):
                values = self.document(schema.value_schema)
                return {"type": "object", "additionalProperties": values, "connect.type": "map"}
            case Type.MAP:
                properties = {
                    "key": self.document(schema.key_schema, 0),
                    "value": self.document(schema.value_schema, 1),
                }
                return {"type": "array", "items": {"type": "object", "properties": properties}, "connect.type": "map"}
            case Type.STRUCT:
                return self._object(schema)
            case _:
                type_, connect_type = _NUMBERS[schema.type]
                return {"type": type_, "connect.type": connect_type}

    def _object(self, schema: Schema) -> dict[str, Any]:
        properties = {}
        for index, field in enumerate(schema.fields):
            try:
                properties[field.name] = self.document(field.schema, index)
            except ConversionError as error:
                raise ConversionError(f"{field.name}: {error}") from None
        closed = {} if self.additional_properties else {"additionalProperties": False}
        return {"type": "object", **({"properties": properties} if properties else {}), **closed}
