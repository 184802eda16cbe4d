"""Using what `headwater schema` writes: the source as a module, the document checked."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from jsonschema import Draft7Validator

_ASYNCAPI = Path(__file__).parent / "unit" / "data" / "asyncapi-3.0.0.json.gz"
"""The specification's own schema, from version 6.11.1 of the npm package @asyncapi/specs (Apache License 2.0)."""
_VALIDATOR = Draft7Validator(json.loads(gzip.decompress(_ASYNCAPI.read_bytes())))


def as_module(source: str) -> ModuleType:
    """The module of that source."""
    module = ModuleType("generated")
    exec(compile(source, "generated.py", "exec", dont_inherit=True), module.__dict__)
    return module


def check_asyncapi(document: dict[str, Any]) -> None:
    """Asserts that it is an AsyncAPI 3.0.0 document whose references lead somewhere."""
    assert [error.message for error in _VALIDATOR.iter_errors(document)] == []
    for reference in _references(document):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [each for item in value for each in _references(item)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [each for item in value.values() for each in _references(item)]
