"""Transforms in files of one's own: ``NAME.py``, directly in a folder that the worker's ``plugin.path`` names.

A file is loaded when a connector names it as a transform's type, and no other file is. It has a function ``transform``
(see `headwater.transforms.record_function`), or ``OPTIONS`` and ``create`` as the modules in `headwater.transforms`.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

_folders: tuple[Path, ...] = ()
_loaded: dict[tuple[Path, int], ModuleType] = {}
"""By the file and when it was changed."""


class PluginFileError(Exception):
    """A file that can't be loaded: says which and why."""


def use_plugin_path(folders: Iterable[str]) -> None:
    """Find files in these folders from now on, in this process."""
    global _folders
    _folders = tuple(Path(folder) for folder in folders if folder)


def plugin_names() -> list[str]:
    """The names of the transforms that the folders hold; nothing is loaded."""
    return sorted({file.stem for folder in _folders for file in folder.glob("*.py") if file.stem.isidentifier()})


def load_plugin(name: str) -> ModuleType | None:
    """The file of the first folder that has one of this name; None where there is none. Raises `PluginFileError`."""
    return next((_load(file) for file in _files(name)), None)


def _files(name: str) -> Iterator[Path]:
    if name.isidentifier():  # it comes from a connector's configuration, and must not lead out of the folders
        for folder in _folders:
            file = folder / f"{name}.py"
            if file.is_file():
                yield file


def _load(file: Path) -> ModuleType:
    changed = file.stat().st_mtime_ns
    if (file, changed) not in _loaded:
        _loaded[file, changed] = _run(file)
    return _loaded[file, changed]


def _run(file: Path) -> ModuleType:
    name = f"headwater_plugins.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PluginFileError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise PluginFileError(f"{file} can't be loaded: {type(error).__name__}: {error}") from error
    if not (callable(getattr(module, "transform", None)) or (hasattr(module, "create") and hasattr(module, "OPTIONS"))):
        raise PluginFileError(f"{file} has no function `transform` that takes a record and gives one, or None")
    return module
