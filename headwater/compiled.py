"""Which of the package's modules run compiled, and the choice between a compiled module and its source.

Where a C compiler was at hand (see setup.py), an extension module made by mypyc stands beside the source of each hot
module, and Python prefers it. The sources are imported instead, all of them, where HEADWATER_INTERPRETED is set, and
where one of them is not what was compiled: an edit of a source must never go unnoticed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

PACKAGE = Path(__file__).parent
DIGESTS = PACKAGE / "compiled.sha256"
"""What was compiled, as ``sha256sum`` writes it; missing where nothing was."""


class SourceFinder:
    """Finds the package's modules as sources only; `sys.meta_path`."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        """`importlib.abc.MetaPathFinder.find_spec`."""
        if path is None or not name.startswith(f"{__package__}."):
            return None
        finders = (FileFinder(entry, (SourceFileLoader, SOURCE_SUFFIXES)) for entry in path)
        return next((spec for finder in finders if (spec := finder.find_spec(name))), None)


def reason_to_interpret() -> str | None:
    """Why compiled modules are to be left aside; None where they are not."""
    if os.environ.get("HEADWATER_INTERPRETED", "") not in ("", "0"):
        return "HEADWATER_INTERPRETED is set"
    for digest, source in _digests():
        file = PACKAGE.parent / source
        if not file.exists() or sha256(file.read_bytes()).hexdigest() != digest:
            return f"{source} is not what was compiled, installing anew compiles it"
    return None


def choose() -> None:
    """Have the sources imported where there is a reason to; before any other module of the package is imported."""
    if reason_to_interpret() and SourceFinder not in sys.meta_path:
        sys.meta_path.insert(0, SourceFinder)


def describe() -> str:
    """One line for humans: what runs compiled, or why nothing does."""
    names = [source.removesuffix(".py").replace("/", ".") for _, source in _digests()]
    compiled = [name for name in names if not _is_source(name)]
    if compiled:
        return f"compiled: {', '.join(compiled)}"
    return f"interpreted: {reason_to_interpret() or 'this installation has no compiled modules for this Python'}"


def _is_source(name: str) -> bool:
    spec = find_spec(name)
    return spec is None or (spec.origin or "").endswith(tuple(SOURCE_SUFFIXES))


def _digests() -> Iterator[tuple[str, str]]:
    """(digest, source) of each compiled module."""
    try:
        lines = DIGESTS.read_text().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        digest, source = line.split(maxsplit=1)
        yield digest, source
