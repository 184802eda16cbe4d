"""A saga's definition as a Mermaid diagram. Source: https://mermaid.js.org/syntax/stateDiagram.html"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headwater.saga.definition import Saga, Step
from headwater.saga.instance import Status


def mermaid(saga: Saga[Any, Any]) -> str:
    """A state diagram: what is awaited, and which answers lead where."""
    return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in _lines(saga))]) + "\n"


def _lines(saga: Saga[Any, Any]) -> Iterator[str]:
    names = {step.name: f"s{place}" for place, step in enumerate(saga.steps, 1)}
    for step in saga.steps:
        yield f"{names[step.name]}: {_label(step.name)}"
        if step.rollback is not None:
            yield f"{names[step.name]}_undo: undo {_label(step.name)}"

    def undoing(step: Step[Any, Any] | None) -> str:
        return Status.COMPENSATED.value if step is None else f"{names[step.name]}_undo"

    yield f"[*] --> {names[saga.steps[0].name]}"
    for step in saga.steps:
        this, following, nearest = names[step.name], saga.after(step), next(saga.before(step), None)
        yield f"{this} --> {Status.COMPLETED.value if following is None else names[following.name]}: succeeded"
        yield f"{this} --> {undoing(nearest)}: failed"
        if step.timeout is not None and step.rollback is not None:
            yield f"{this} --> {undoing(step)}: timed out"
        elif step.timeout is not None:
            yield f"{this} --> {undoing(nearest)}: timed out"
        if step.rollback is not None:
            yield f"{undoing(step)} --> {undoing(nearest)}: undone"
            yield f"{undoing(step)} --> {Status.FAILED.value}: refused"
    for status in (Status.COMPLETED, Status.COMPENSATED):
        yield f"{status.value} --> [*]"


def _label(name: str) -> str:
    return "".join(character if character.isalnum() or character in " _-" else " " for character in name)
