"""What stands between two Protobuf schemas: why one can't read what the other wrote, and where they differ.

Source: Protobuf's documentation, Updating A Message Type.
"""

from __future__ import annotations

from collections.abc import Iterator

from headwater.converters.protobuf.schema import SCALARS, ProtoField, ProtoFile, ProtoMessage

_ALIKE = {
    **dict.fromkeys(("int32", "uint32", "int64", "uint64", "bool"), "an integer"),
    **dict.fromkeys(("sint32", "sint64"), "a zigzag integer"),
    **dict.fromkeys(("string", "bytes"), "bytes"),
    **dict.fromkeys(("fixed32", "sfixed32"), "four bytes"),
    **dict.fromkeys(("fixed64", "sfixed64"), "eight bytes"),
}
"""What scalars are that may be read as each other."""


def obstacles(reader: ProtoFile, writer: ProtoFile) -> list[str]:
    """Why ``reader`` can't read the message that is ``writer``'s root, by field; empty where it can."""
    written, read = writer.find(writer.root), reader.find(writer.root)
    if written is None or read is None:
        return [f"it has no message {writer.root}"]
    return list(_obstacles(read, written, "", set()))


def _obstacles(reader: ProtoMessage, writer: ProtoMessage, path: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    if (id(reader), id(writer)) in seen:
        return
    seen.add((id(reader), id(writer)))
    by_number = {each.number: each for each in reader.fields}
    for field in writer.fields:
        place = f"{path}.{field.name}".lstrip(".")
        named = reader.find_field(field.name)
        found = by_number.get(field.number)
        if named is not None and named.number != field.number:
            yield f"{place}: its number is {field.number}, not {named.number}"
        elif found is not None:
            yield from _field_obstacles(reader, writer, found, field, place)
            inner = _inner(reader, found), _inner(writer, field)
            if inner[0] is not None and inner[1] is not None:
                yield from _obstacles(inner[0], inner[1], place, seen)


def _field_obstacles(
    reader: ProtoMessage, writer: ProtoMessage, found: ProtoField, field: ProtoField, place: str
) -> Iterator[str]:
    if (found.label == "repeated") != (field.label == "repeated"):
        yield f"{place}: {_shown(field)} can't be read as {_shown(found)}"
    elif found.type in SCALARS or field.type in SCALARS:
        if _ALIKE.get(found.type, found.type) != _ALIKE.get(field.type, field.type):
            yield f"{place}: {_shown(field)} can't be read as {_shown(found)}"
    elif (_inner(reader, found) is None) != (_inner(writer, field) is None) or (
        _inner(reader, found) is None and found.type.lstrip(".") != field.type.lstrip(".")
    ):
        yield f"{place}: {_shown(field)} can't be read as {_shown(found)}"


def differences(old: ProtoFile, new: ProtoFile) -> list[str]:
    """What changed from one schema to the other, for people, by field of the new one's root."""
    before, after = old.find(new.root), new.find(new.root)
    if before is None or after is None:
        return [f"it had no message {new.root}"]
    return list(_differences(before, after, "", set()))


def _differences(old: ProtoMessage, new: ProtoMessage, path: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    if (id(old), id(new)) in seen:
        return
    seen.add((id(old), id(new)))
    for field in old.fields:
        if new.find_field(field.name) is None:
            yield f"{f'{path}.{field.name}'.lstrip('.')}: is gone, which was {_shown(field)} = {field.number}"
    for field in new.fields:
        place = f"{path}.{field.name}".lstrip(".")
        before = old.find_field(field.name)
        if before is None:
            yield f"{place}: is new, {_shown(field)} = {field.number}"
            continue
        if (_shown(before), before.number) != (_shown(field), field.number):
            yield f"{place}: was {_shown(before)} = {before.number}, is {_shown(field)} = {field.number}"
        inner = _inner(old, before), _inner(new, field)
        if inner[0] is not None and inner[1] is not None:
            yield from _differences(inner[0], inner[1], place, seen)


def _inner(parent: ProtoMessage, field: ProtoField) -> ProtoMessage | None:
    """The message that a field is, where that is defined beside it."""
    if field.message is not None:
        return field.message
    return parent if field.type == parent.name else parent.find_message(field.type)


def _shown(field: ProtoField) -> str:
    return f"{field.label} {field.type}".lstrip()
