"""What stands between two Avro schemas: why one can't read what the other wrote, and where they differ.

Source: Avro's specification (1.11.3), Schema Resolution.
"""

from __future__ import annotations

from collections.abc import Iterator

from headwater.converters.avro.schema import NO_DEFAULT, AvroField, AvroSchema, Kind, json_text

_WIDER = {
    Kind.INT: {Kind.LONG, Kind.FLOAT, Kind.DOUBLE},
    Kind.LONG: {Kind.FLOAT, Kind.DOUBLE},
    Kind.FLOAT: {Kind.DOUBLE},
    Kind.STRING: {Kind.BYTES},
    Kind.BYTES: {Kind.STRING},
}
"""What a type that was written may also be read as."""
_MOST_SHOWN = 200


def obstacles(reader: AvroSchema, writer: AvroSchema) -> list[str]:
    """Why ``reader`` can't read everything that ``writer`` writes, by field; empty where it can."""
    return list(_Resolution().obstacles(reader, writer, ""))


class _Resolution:
    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()

    def obstacles(self, reader: AvroSchema, writer: AvroSchema, path: str) -> Iterator[str]:
        if (id(reader), id(writer)) in self._seen:
            return  # a record that contains itself
        self._seen.add((id(reader), id(writer)))
        if writer.kind is Kind.UNION:
            for branch in writer.branches:
                yield from self.obstacles(reader, branch, path)
        elif reader.kind is Kind.UNION:
            if not any(not list(_Resolution().obstacles(branch, writer, path)) for branch in reader.branches):
                yield f"{_place(path)}: {_shown(writer)} is not among {_shown(reader)}"
        elif reader.kind is not writer.kind:
            if reader.kind not in _WIDER.get(writer.kind, ()):
                yield f"{_place(path)}: {_shown(writer)} can't be read as {_shown(reader)}"
        else:
            yield from self._same_kind(reader, writer, path)

    def _same_kind(self, reader: AvroSchema, writer: AvroSchema, path: str) -> Iterator[str]:
        if reader.name.rpartition(".")[2] != writer.name.rpartition(".")[2] and writer.name not in reader.aliases:
            yield f"{_place(path)}: the name {writer.name} is not {reader.name}"
        match reader.kind:
            case Kind.FIXED if reader.size != writer.size:
                yield f"{_place(path)}: {writer.size} bytes are not {reader.size}"
            case Kind.ENUM if reader.default_symbol is None and not set(writer.symbols) <= set(reader.symbols):
                yield f"{_place(path)}: symbols are missing: {sorted(set(writer.symbols) - set(reader.symbols))}"
            case Kind.ARRAY | Kind.MAP if reader.items is not None and writer.items is not None:
                yield from self.obstacles(reader.items, writer.items, f"{path}[]")
            case Kind.RECORD:
                for field in reader.fields:
                    yield from self._field(field, writer, f"{path}.{field.name}")
            case _:
                pass

    def _field(self, field: AvroField, writer: AvroSchema, path: str) -> Iterator[str]:
        written = next((each for each in writer.fields if each.name in (field.name, *field.aliases)), None)
        if written is not None:
            yield from self.obstacles(field.schema, written.schema, path)
        elif field.default is NO_DEFAULT:
            yield f"{_place(path)}: it is not written, and has no default"


def differences(old: AvroSchema, new: AvroSchema) -> list[str]:
    """What changed from one schema to the other, for people, by field."""
    return list(_Difference().of(old, new, ""))


class _Difference:
    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()

    def of(self, old: AvroSchema, new: AvroSchema, path: str) -> Iterator[str]:
        if (id(old), id(new)) in self._seen:
            return
        self._seen.add((id(old), id(new)))
        old, new = _past_null(old, new)
        if old.kind is not new.kind or old.name != new.name or len(old.branches) != len(new.branches):
            yield f"{_place(path)}: was {_shown(old)}, is {_shown(new)}"
            return
        for name in dict.fromkeys((*old.properties, *new.properties)):
            before, after = old.properties.get(name), new.properties.get(name)
            if json_text(before) != json_text(after):
                yield f"{_place(path)}: {name} was {json_text(before)}, is {json_text(after)}"
        if old.symbols != new.symbols:
            yield f"{_place(path)}: symbols were {list(old.symbols)}, are {list(new.symbols)}"
        if old.size != new.size:
            yield f"{_place(path)}: had {old.size} bytes, has {new.size}"
        if old.items is not None and new.items is not None:
            yield from self.of(old.items, new.items, f"{path}[]")
        for before_branch, after_branch in zip(old.branches, new.branches, strict=True):
            yield from self.of(before_branch, after_branch, path)
        yield from self._fields(old, new, path)

    def _fields(self, old: AvroSchema, new: AvroSchema, path: str) -> Iterator[str]:
        for field in old.fields:
            if new.find_field(field.name) is None:
                yield f"{_place(f'{path}.{field.name}')}: is gone"
        for field in new.fields:
            inner = f"{path}.{field.name}"
            before = old.find_field(field.name)
            if before is None:
                default = "without a default" if field.default is NO_DEFAULT else f"default {json_text(field.default)}"
                yield f"{_place(inner)}: is new, {_shown(field.schema)}, {default}"
                continue
            yield from self.of(before.schema, field.schema, inner)
            if _default(before) != _default(field):
                yield f"{_place(inner)}: its default was {_default(before)}, is {_default(field)}"


def _past_null(old: AvroSchema, new: AvroSchema) -> tuple[AvroSchema, AvroSchema]:
    """What both are where they are not null, if both may be."""
    inner = [[each for each in schema.branches if each.kind is not Kind.NULL] for schema in (old, new)]
    if all(len(schema.branches) == 2 for schema in (old, new)) and all(len(branches) == 1 for branches in inner):
        return inner[0][0], inner[1][0]
    return old, new


def _default(field: AvroField) -> str:
    return "none" if field.default is NO_DEFAULT else json_text(field.default)


def _place(path: str) -> str:
    return path.lstrip(".") or "the whole"


def _shown(schema: AvroSchema) -> str:
    """A type in short."""
    if schema.kind is Kind.UNION:
        return " or ".join(_shown(branch) for branch in schema.branches)
    logical = schema.properties.get("logicalType")
    text = schema.name or (f"{schema.kind} ({logical})" if logical else str(schema.kind))
    return text[:_MOST_SHOWN]
