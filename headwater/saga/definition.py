"""What a saga is made of: steps with what does them and what undoes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

import orjson

from headwater.outbox.event import Publishable
from headwater.outbox.payload import payload_json
from headwater.saga.correlation import Reply
from headwater.saga.errors import SagaDataError, SagaError
from headwater.typed.model import fit

S = TypeVar("S")
"""The database library's session."""
D = TypeVar("D")
"""The saga's data: a dict, a dataclass or a Pydantic model; whatever a callback changes in it is stored."""

Request = Callable[[S, D], Any]
"""Changes the service's own data and gives the command to send, or None where there is nothing to wait for.

For an `AsyncOrchestrator` it may be a coroutine function.
"""
Answered = Callable[[S, D, Reply], Any]
"""Changes the service's own data when a reply has come."""
Completed = Callable[[S, D], Any]
"""Changes the service's own data when every step has succeeded."""
Compensated = Callable[[S, D, str | None], Any]
"""Changes the service's own data when everything is undone; is told why."""

Command = Publishable | None


@dataclass(frozen=True, kw_only=True)
class Step(Generic[S, D]):
    """A step: ``process`` asks for it, ``rollback`` for its undoing.

    ``rollback``     None where there is nothing to undo
    ``processed``    called with the reply that says that it is done
    ``rolled_back``  called with the reply that says that it is undone
    ``timeout``      how long a reply is waited for. Then the step counts as failed, and since nobody knows whether it
                     was done it is undone too; where it was the undoing that got no reply, that is asked for again.
    """

    name: str
    process: Request[S, D]
    rollback: Request[S, D] | None = None
    processed: Answered[S, D] | None = None
    rolled_back: Answered[S, D] | None = None
    timeout: timedelta | None = None


class Saga(Generic[S, D]):
    """Steps, taken in their order, and undone in the reverse one.

    ``data`` is the class of the saga's data. ``completed`` and ``compensated`` are called in the transaction of the
    last reply. Raises `SagaError` for a definition that makes no sense.
    """

    def __init__(
        self,
        name: str,
        steps: Sequence[Step[S, D]],
        *,
        data: type[D],
        completed: Completed[S, D] | None = None,
        compensated: Compensated[S, D] | None = None,
    ) -> None:
        if not name or not steps:
            raise SagaError("a saga needs a name and at least one step")
        if len({step.name for step in steps}) != len(steps):
            raise SagaError(f"saga {name}: two of its steps have the same name")
        if any(step.timeout is not None and step.timeout <= timedelta(0) for step in steps):
            raise SagaError(f"saga {name}: a step's timeout must be longer than nothing")
        self.name = name
        self.steps = tuple(steps)
        self.completed = completed
        self.compensated = compensated
        self._data = data
        self._places = {step.name: place for place, step in enumerate(steps)}

    def step(self, name: str | None) -> Step[S, D]:
        """Raises `SagaDataError` for a step that the definition no longer has."""
        if name is None or name not in self._places:
            known = ", ".join(self._places)
            raise SagaDataError(f"saga {self.name} has no step {name!r}, only {known}: was it renamed while in use?")
        return self.steps[self._places[name]]

    def after(self, step: Step[S, D]) -> Step[S, D] | None:
        """The step that comes next."""
        place = self._places[step.name] + 1
        return self.steps[place] if place < len(self.steps) else None

    def before(self, step: Step[S, D]) -> Iterator[Step[S, D]]:
        """The steps before it that can be undone, the nearest first."""
        return (each for each in reversed(self.steps[: self._places[step.name]]) if each.rollback is not None)

    def load(self, stored: dict[str, Any]) -> D:
        """The data from its JSON. Raises `SagaDataError`."""
        validate = getattr(self._data, "model_validate", None)  # Pydantic's, which isn't imported
        try:
            loaded: D = validate(stored) if validate is not None else fit(self._data, stored)
        except (NameError, TypeError, ValueError) as error:
            name = self._data.__name__
            raise SagaDataError(f"saga {self.name}: {name} can't be read from its JSON: {error}") from error
        return loaded

    def dump(self, data: D) -> dict[str, Any]:
        """The data as JSON. Raises `SagaDataError` for what isn't an object, or can't be read back from JSON."""
        try:
            stored = orjson.loads(payload_json(self.name, data))
        except TypeError as error:
            raise SagaDataError(str(error)) from error
        if not isinstance(stored, dict):
            raise SagaDataError(f"saga {self.name}: its data must be a JSON object, not {type(data).__name__}")
        self.load(stored)  # what can't be read back is refused now, while nothing waits for a reply yet
        return stored
