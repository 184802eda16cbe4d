"""Fields that are left out of documents or renamed, done on their bytes: ``field.exclude.list`` and ``field.renames``.

Source: "Connector properties" in Debezium's documentation, and ``FieldSelector`` of Debezium 3.6, whose results these
are; a field that is renamed goes to the end of its document, as there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from headwater.sources.mongodb import bson
from headwater.sources.mongodb.bson import name_end, value_end

_PATH = re.compile(r"\s*[^.:\s]+(?:\.[^.:]+){2,}\s*")
_RENAME = re.compile(r"\s*[^.:\s]+(?:\.[^.:]+){2,}:[^.:]+\s*")
Nodes = tuple[str, ...]


class FieldError(ValueError):
    """A field can't be renamed: there is one with its new name."""


def check_excluded(text: str | None) -> str | None:
    """A validator of ``field.exclude.list``."""
    return _check(text, _PATH, "DATABASE.COLLECTION.FIELD")


def check_renamed(text: str | None) -> str | None:
    """A validator of ``field.renames``."""
    return _check(text, _RENAME, "DATABASE.COLLECTION.FIELD:NAME")


def _check(text: str | None, form: re.Pattern[str], shown: str) -> str | None:
    wrong = next((part for part in _parts(text) if not form.fullmatch(part)), None)
    return None if wrong is None else f"{wrong!r} is not of the form {shown}"


def _parts(text: str | None) -> list[str]:
    return text.strip().split(",") if text and text.strip() else []


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One field, ``nodes`` deep; ``new_name`` None leaves it out. ``namespace`` says of which collections."""

    namespace: re.Pattern[str]
    nodes: Nodes
    new_name: str | None

    def image(self, data: bytes) -> bytes:
        """A document with the rule applied. Raises `FieldError`."""
        return self._within(data, self.nodes)

    def _within(self, data: bytes, nodes: Nodes) -> bytes:
        """``data`` with the rule applied, whose path goes on with ``nodes`` here."""
        here = _elements(data)
        found = next((index for index, element in enumerate(here) if element.name == nodes[0]), None)
        if found is None:
            return data
        if len(nodes) == 1:
            gone = here.pop(found)
            return _document(here if self.new_name is None else _added(here, gone.named(self.new_name)))
        here[found] = self._into(here[found], nodes[1:])
        return _document(here)

    def _into(self, element: _Element, nodes: Nodes) -> _Element:
        """The element with the rule applied to the document in it, or to the documents of its array."""
        if element.kind == bson.DOCUMENT:
            return element.holding(self._within(element.value, nodes))
        if element.kind != bson.ARRAY:
            return element
        items = [
            item.holding(self._within(item.value, nodes)) if item.kind == bson.DOCUMENT else item
            for item in _elements(element.value)
        ]
        return element.holding(_document(items))

    def change(self, data: bytes) -> bytes:
        """``updatedFields``, whose names are paths, with the rule applied. Raises `FieldError`."""
        here = _elements(data)
        dotted = ".".join(self.nodes)
        exact = next((index for index, element in enumerate(here) if element.name == dotted), None)
        if exact is not None:
            gone = here.pop(exact)
            new = None if self.new_name is None else ".".join((*self.nodes[:-1], self.new_name))
            return _document(here if new is None else _added(here, gone.named(new)))
        left: list[_Element] = []
        renamed: list[_Element] = []
        rest = iter(here)
        for element in rest:
            nodes = _without_indexes(element.name)
            if nodes[: len(self.nodes)] == self.nodes:
                if self.new_name is not None:
                    renamed.append(element.named(self._renamed(element.name)))
            elif self.nodes[: len(nodes)] == nodes:
                left += [self._into(element, self.nodes[len(nodes) :]), *rest]
            else:
                left.append(element)
        for element in renamed:
            left = _added(left, element)
        return _document(left)

    def covers(self, path: str) -> bool:
        """Whether the rule says something of a path that was removed or truncated: then it is `removed`."""
        nodes = _without_indexes(path)
        return self.nodes[: len(nodes)] == nodes

    def removed(self, path: str) -> str | None:
        """What becomes of such a path; None leaves it out."""
        return None if self.new_name is None else self._renamed(path)

    def _renamed(self, path: str) -> str:
        """The path with the rule's last node renamed in it; indexes of arrays don't count as nodes."""
        names = []
        depth = 0
        for name in _split(path):
            if _is_index(name):
                names.append(name)
                continue
            is_meant = depth == len(self.nodes) - 1 and self.new_name is not None
            names.append(self.new_name if is_meant and self.new_name is not None else name)
            depth += 1
        return ".".join(names)


class FieldRules:
    """The rules of one collection, in their order: what is left out, then what is renamed."""

    def __init__(self, rules: Sequence[FieldRule]) -> None:
        self._rules = rules

    def __bool__(self) -> bool:
        return bool(self._rules)

    @classmethod
    def parse(cls, excluded: str | None, renamed: str | None) -> FieldRules:
        """From the options' texts, for all collections."""
        rules = [_rule(part, None) for part in _parts(excluded)]
        for part in _parts(renamed):
            path, _, name = part.partition(":")
            rules.append(_rule(path, name.strip()))
        return cls(rules)

    def of(self, collection: str) -> FieldRules:
        """Those of a collection, named ``database.collection``."""
        return FieldRules([rule for rule in self._rules if rule.namespace.fullmatch(collection)])

    def image(self, data: bytes, start: int, end: int) -> bytes:
        """The document that takes up ``data[start:end]``, with the rules applied. Raises `FieldError`."""
        document = data[start:end]
        for rule in self._rules:
            document = rule.image(document)
        return document

    def change(self, data: bytes, start: int, end: int) -> bytes:
        """The same for ``updatedFields``. Raises `FieldError`."""
        document = data[start:end]
        for rule in self._rules:
            document = rule.change(document)
        return document

    def removed(self, path: str) -> str | None:
        """A path that was removed or truncated as it is to be told; None leaves it out."""
        rule = next((rule for rule in self._rules if rule.covers(path)), None)
        return path if rule is None else rule.removed(path)


def _rule(path: str, new_name: str | None) -> FieldRule:
    database, collection, *nodes = path.strip().split(".")
    namespace = rf"{database}\.{collection}".replace("*", ".*")
    return FieldRule(re.compile(namespace, re.IGNORECASE | re.ASCII), tuple(nodes), new_name)


@dataclass(frozen=True, slots=True)
class _Element:
    kind: int
    name: str
    value: bytes

    def named(self, name: str) -> _Element:
        return _Element(self.kind, name, self.value)

    def holding(self, value: bytes) -> _Element:
        return _Element(self.kind, self.name, value)


def _elements(data: bytes) -> list[_Element]:
    return list(_read(data))


def _read(data: bytes) -> Iterator[_Element]:
    at, stop = 4, len(data) - 1
    while at < stop:
        kind = data[at]
        behind = name_end(data, at + 1, stop)
        end = value_end(data, kind, behind + 1, stop)
        yield _Element(kind, data[at + 1 : behind].decode(errors="replace"), data[behind + 1 : end])
        at = end


def _document(elements: Sequence[_Element]) -> bytes:
    body = b"".join(
        b"%c%b\0%b" % (element.kind, element.name.encode(errors="replace"), element.value) for element in elements
    )
    return (len(body) + 5).to_bytes(4, "little") + body + b"\0"


def _added(elements: list[_Element], new: _Element) -> list[_Element]:
    if any(element.name == new.name for element in elements):
        raise FieldError(f"field.renames: the document has a field {new.name!r} already")
    return [*elements, new]


def _split(path: str) -> list[str]:
    """As Java splits: without empty names at the end."""
    names = path.split(".")
    while len(names) > 1 and not names[-1]:
        names.pop()
    return names


def _is_index(name: str) -> bool:
    return name.isdigit()


def _without_indexes(path: str) -> Nodes:
    """The names of a path, without the indexes of arrays; with them where one is within another."""
    names = _split(path)
    if any(_is_index(one) and _is_index(other) for one, other in pairwise(names)):
        return tuple(names)
    return tuple(name for name in names if not _is_index(name)) if len(names) > 1 else tuple(names)
