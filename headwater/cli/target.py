"""What a service's own code defines, by name: ``package.module:name``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TypeVar

import click

T = TypeVar("T")


def load(target: str, *kinds: type[T]) -> T:
    """The object that ``target`` names, which must be of one of ``kinds``. Raises `click.ClickException`."""
    module_name, separator, name = target.partition(":")
    if not separator:
        raise click.BadParameter("expected MODULE:NAME, as in billing.consumers:subscription")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        found = getattr(importlib.import_module(module_name), name)
    except ModuleNotFoundError as error:
        raise click.ClickException(f"there is no module {error.name}; it is looked for here, too") from error
    except AttributeError as error:
        raise click.ClickException(f"{module_name} has no {name}") from error
    if not isinstance(found, kinds):
        raise click.ClickException(f"{target} is no {' or '.join(kind.__name__ for kind in kinds)}")
    return found
