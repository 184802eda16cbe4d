"""How a reply finds its saga: headers of the command, which the reply's sender gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from headwater.saga.errors import SagaError
from headwater.saga.instance import Instance, Phase

SAGA = "saga-name"
SAGA_ID = "saga-id"
STEP = "saga-step"
PHASE = "saga-phase"
RETRIES = "saga-retries"
OUTCOME = "saga-outcome"
REASON = "saga-reason"

SUCCEEDED = "succeeded"
FAILED = "failed"
_CORRELATION = (SAGA, SAGA_ID, STEP, PHASE, RETRIES)


class HasHeaders(Protocol):
    """A message, as `headwater.consumer.Message` is one."""

    def header(self, name: str) -> bytes | None:
        """The header's value; None where there is none."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a participant answers to a command; ``retries`` is the command's, as `Instance.retries`."""

    saga: str
    saga_id: str
    step: str
    phase: Phase
    succeeded: bool
    reason: str | None = None
    retries: int = 0

    @classmethod
    def of(cls, message: HasHeaders) -> Reply:
        """The reply in a message whose headers `reply_headers` made. Raises `SagaError` for any other."""
        found = _read(message)
        outcome = _text(message, OUTCOME)
        if outcome not in (SUCCEEDED, FAILED):
            raise SagaError(f"a saga's reply needs the header {OUTCOME}, {SUCCEEDED} or {FAILED}, not {outcome!r}")
        try:
            phase = Phase(found[PHASE])
        except ValueError as error:
            raise SagaError(f"the header {PHASE} is {found[PHASE]!r}, which is no phase of a step") from error
        try:
            retries = int(found[RETRIES])
        except ValueError as error:
            raise SagaError(f"the header {RETRIES} is {found[RETRIES]!r}, which is no number") from error
        reason = _text(message, REASON)
        return cls(found[SAGA], found[SAGA_ID], found[STEP], phase, outcome == SUCCEEDED, reason, retries)


def command_headers(instance: Instance) -> dict[str, str]:
    """The headers of the command that a saga waits for the reply to."""
    return {
        SAGA: instance.saga,
        SAGA_ID: instance.id,
        STEP: instance.step or "",
        PHASE: instance.phase.value,
        RETRIES: str(instance.retries),
    }


def reply_headers(command: HasHeaders, *, succeeded: bool, reason: str | None = None) -> dict[str, str]:
    """The headers of the event that answers a command. Raises `SagaError` where the message is none of a saga."""
    found = _read(command)
    found[OUTCOME] = SUCCEEDED if succeeded else FAILED
    return found if reason is None else found | {REASON: reason}


def command_id(command: HasHeaders) -> str:
    """What a command is known by, for an inbox's ``message_id``: the same where a saga asks once more by itself.

    Another one after `Orchestrator.retry`: what was refused is to be tried again.

    Raises `SagaError` where the message is none of a saga.
    """
    return "/".join(_read(command).values())


def _read(message: HasHeaders) -> dict[str, str]:
    found = {name: _text(message, name) for name in _CORRELATION}
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise SagaError(f"the message belongs to no saga, it has no header {', '.join(missing)}")
    return {name: value for name, value in found.items() if value}


def _text(message: HasHeaders, name: str) -> str | None:
    value = message.header(name)
    return None if value is None else value.decode(errors="backslashreplace")
