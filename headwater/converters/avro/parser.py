"""Reads Avro schemas: those that a registry holds."""

from __future__ import annotations

import json
from typing import Any

from headwater.converter import ConversionError
from headwater.converters.avro.schema import NAMED, NO_DEFAULT, PRIMITIVES, AvroField, AvroSchema, Kind, named

_FIELD_MEMBERS = {"name", "type", "doc", "default", "order", "aliases"}
_TYPE_MEMBERS = {"type", "name", "namespace", "doc", "fields", "symbols", "items", "values", "size", "aliases"}


def parse(text: str) -> AvroSchema:
    """The schema that a text in JSON describes. Raises `ConversionError`."""
    try:
        return _Parser().schema(json.loads(text), None)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConversionError(f"the registry's schema is no Avro schema: {type(error).__name__}: {error}") from error


class _Parser:
    def __init__(self) -> None:
        self._named: dict[str, AvroSchema] = {}

    def schema(self, document: Any, space: str | None) -> AvroSchema:
        """``space`` is the namespace of the type around it."""
        match document:
            case str():
                return self._reference(document, space)
            case list():
                return AvroSchema(Kind.UNION, branches=tuple(self.schema(branch, space) for branch in document))
            case {"type": str(name)} if name in set(Kind) or name == "error":
                return self._type(Kind.RECORD if name == "error" else Kind(name), document, space)
            case {"type": inner}:
                return self.schema(inner, space)
        raise ValueError(f"{document!r} is no type")

    def _reference(self, name: str, space: str | None) -> AvroSchema:
        if name in PRIMITIVES:
            return AvroSchema(Kind(name))
        full = name if "." in name or not space else f"{space}.{name}"
        return self._named[full if full in self._named else name]

    def _type(self, kind: Kind, document: dict[str, Any], space: str | None) -> AvroSchema:
        properties = {name: value for name, value in document.items() if name not in _TYPE_MEMBERS}
        if kind in NAMED:
            return self._named_type(kind, document, space, properties)
        schema = AvroSchema(kind, properties=properties)
        if kind in (Kind.ARRAY, Kind.MAP):
            schema.items = self.schema(document["items" if kind is Kind.ARRAY else "values"], space)
        return schema

    def _named_type(
        self, kind: Kind, document: dict[str, Any], space: str | None, properties: dict[str, Any]
    ) -> AvroSchema:
        schema = named(kind, document.get("namespace", space), document["name"], doc=document.get("doc"))
        schema.properties = properties
        schema.aliases = tuple(document.get("aliases", ()))
        self._named[schema.name] = schema
        match kind:
            case Kind.ENUM:
                schema.symbols = tuple(document["symbols"])
                schema.default_symbol = properties.pop("default", None)
            case Kind.FIXED:
                schema.size = int(document["size"])
            case _:
                inner = schema.name.rpartition(".")[0] or None
                schema.fields = tuple(self._field(each, inner) for each in document["fields"])
        return schema

    def _field(self, document: dict[str, Any], space: str | None) -> AvroField:
        return AvroField(
            document["name"],
            self.schema(document["type"], space),
            document.get("doc"),
            document.get("default", NO_DEFAULT),
            tuple(document.get("aliases", ())),
            {name: value for name, value in document.items() if name not in _FIELD_MEMBERS},
        )
