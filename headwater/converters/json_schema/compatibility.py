"""What stands between two JSON Schemas: why one refuses what the other describes, and where they differ.

What is looked at is what a converter writes: types, properties, items. A schema that says more than that is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headwater.converters.json_schema.connect_schema import Document

_DEEPEST = 64


def obstacles(reader: Document, writer: Document) -> list[str]:
    """Why what ``writer`` describes may not be what ``reader`` asks for, by property; empty where it is."""
    return list(_obstacles(reader, writer, "", 0))


def _obstacles(reader: Any, writer: Any, path: str, depth: int) -> Iterator[str]:
    asked, given = _types(reader), _types(writer)
    wider = asked | {"integer"} if "number" in asked else asked
    if asked and not given <= wider:
        yield f"{_place(path)}: {_shown(given)} is not {_shown(asked)}"
        return
    if depth > _DEEPEST:
        return
    read, written = _present(reader), _present(writer)
    properties, own = _properties(read), _properties(written)
    for name, schema in own.items():
        if name in properties:
            yield from _obstacles(properties[name], schema, f"{path}.{name}", depth + 1)
        elif read.get("additionalProperties") is False:
            yield f"{_place(f'{path}.{name}')}: no such property is allowed"
    for name in read.get("required") or ():
        if name not in own:
            yield f"{_place(f'{path}.{name}')}: it is required, and not written"
    for inner in ("items", "additionalProperties"):
        if isinstance(read.get(inner), Mapping) and isinstance(written.get(inner), Mapping):
            yield from _obstacles(read[inner], written[inner], f"{path}[]", depth + 1)


def differences(old: Document, new: Document) -> list[str]:
    """What changed from one schema to the other, for people, by property."""
    return list(_differences(old, new, "", 0))


def _differences(old: Any, new: Any, path: str, depth: int) -> Iterator[str]:
    if _types(old) != _types(new):
        yield f"{_place(path)}: was {_shown(_types(old))}, is {_shown(_types(new))}"
    if depth > _DEEPEST:
        return
    before, after = _present(old), _present(new)
    for member in ("title", "default", "connect.type", "connect.version", "connect.parameters"):
        if before.get(member) != after.get(member):
            yield f"{_place(path)}: {member} was {before.get(member)}, is {after.get(member)}"
    was, now = _properties(before), _properties(after)
    for name in was:
        if name not in now:
            yield f"{_place(f'{path}.{name}')}: is gone"
    for name, schema in now.items():
        if name in was:
            yield from _differences(was[name], schema, f"{path}.{name}", depth + 1)
        else:
            yield f"{_place(f'{path}.{name}')}: is new, {_shown(_types(schema))}"
    for inner in ("items", "additionalProperties"):
        if isinstance(before.get(inner), Mapping) and isinstance(after.get(inner), Mapping):
            yield from _differences(before[inner], after[inner], f"{path}[]", depth + 1)


def _branches(schema: Any) -> list[Mapping[str, Any]]:
    if not isinstance(schema, Mapping):
        return []
    either = schema.get("oneOf") or schema.get("anyOf")
    return [each for each in either if isinstance(each, Mapping)] if isinstance(either, list) else [schema]


def _types(schema: Any) -> set[str]:
    """The types that are allowed; none where that is left open."""
    types: set[str] = set()
    for branch in _branches(schema):
        type_ = branch.get("type")
        if type_ is None:
            return set()
        types |= set(map(str, type_)) if isinstance(type_, list) else {str(type_)}
    return types


def _present(schema: Any) -> Mapping[str, Any]:
    """What is said of a value that isn't null."""
    return next((each for each in _branches(schema) if each.get("type") != "null"), {})


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _shown(types: set[str]) -> str:
    return " or ".join(sorted(types)) or "any type"


def _place(path: str) -> str:
    return path.lstrip(".") or "the whole"
