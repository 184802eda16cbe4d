"""A connector's transforms, one behind the other: what becomes of a shape of messages, and of one record.

A transform that asks for a value which only a row has is left there, and run again from its beginning for each value
that is met, with the answers so far at hand (see `headwater.transform`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from headwater.record import Header, Record
from headwater.shape import Choice, Const, HeaderShape, MessageShape, Node, Outcome
from headwater.transform import Predicate, Transform, TransformError
from headwater.tree import Scalar, evaluate


@dataclass(frozen=True, slots=True)
class Step:
    """One transform under the name that the configuration gives it, and which messages it is for.

    It takes those for which ``predicate`` holds, or with ``negate`` does not; without one, all.
    """

    name: str
    transform: Transform
    predicate: Predicate | None = None
    negate: bool = False


class StepError(TransformError):
    """What a transform raised: says which one it was."""

    def __init__(self, step: Step, error: Exception) -> None:
        reason = str(error) if isinstance(error, TransformError) else f"{type(error).__name__}: {error}"
        super().__init__(f"transform {step.name}: {reason}")
        self.step = step
        self.transform = step.transform


class _UnknownYetError(Exception):
    """A value that only a row has."""

    def __init__(self, node: Node, keep: Sequence[Node] | None) -> None:
        self.node = node
        self.keep = keep


_NONE_LEFT = object()


class _Answers:
    """`headwater.transform.Ask`, with the answers to the questions that were asked first."""

    def __init__(self, answers: Sequence[Any]) -> None:
        self._left = iter(answers)

    def __call__(self, node: Scalar, keep: Sequence[Node] | None = None) -> Any:
        if isinstance(node, Const):
            return node.value
        answer = next(self._left, _NONE_LEFT)
        if answer is _NONE_LEFT:
            raise _UnknownYetError(node, keep)
        return answer


class Chain:
    """The transforms of a connector, in their order."""

    def __init__(self, steps: Sequence[Step] = ()) -> None:
        self._steps = tuple(steps)

    def plan(self, message: MessageShape) -> Outcome:
        """What becomes of a row's message. Raises `StepError`."""
        return self._from(0, message, ())

    def record(self, record: Record) -> Record | None:
        """What becomes of a record; None where it is dropped. Raises `StepError`."""
        if not self._steps:
            return record
        outcome = self.plan(_shape(record))
        assert not isinstance(outcome, Choice)  # noqa: S101 - every question about a record has its answer
        return None if outcome is None else _record(outcome)

    def trace(self, record: Record) -> Iterator[tuple[Step, Record | None]]:
        """Each step with what becomes of a record behind it, up to the one that drops it. Raises `StepError`."""
        for step in self._steps:
            transformed = Chain((step,)).record(record)
            yield step, transformed
            if transformed is None:
                return
            record = transformed

    def _from(self, first: int, message: MessageShape, answers: tuple[Any, ...]) -> Outcome:
        """What becomes of it by the steps from number ``first``, which has got ``answers`` before."""
        for number, step in enumerate(self._steps[first:], start=first):
            try:
                outcome = _apply(step, message, _Answers(answers))
            except _UnknownYetError as unknown:
                nodes = message.nodes if unknown.keep is None else tuple(unknown.keep)
                return Choice(unknown.node, nodes, partial(self._answered, number, message, answers))
            except Exception as error:
                raise StepError(step, error) from error
            if outcome is None:
                return None
            message, answers = outcome, ()
        return message

    def _answered(self, number: int, message: MessageShape, answers: tuple[Any, ...], answer: Any) -> Outcome:
        return self._from(number, message, (*answers, answer))


def _apply(step: Step, message: MessageShape, ask: _Answers) -> MessageShape | None:
    if step.predicate is not None and step.predicate.test(message, ask) is step.negate:
        return message
    return step.transform.plan(message, ask)


def _shape(record: Record) -> MessageShape:
    """The record as a shape of which everything is constant."""
    return MessageShape(
        record.topic,
        record.key_schema,
        Const(record.key),
        record.value_schema,
        Const(record.value),
        tuple(HeaderShape(header.name, header.schema, Const(header.value)) for header in record.headers),
        Const(record.partition),
        Const(record.timestamp),
    )


def _record(message: MessageShape) -> Record:
    """The record that a shape stands for of which everything is constant."""
    return Record(
        message.topic,
        message.key_schema,
        evaluate(message.key_schema, message.key, {}),
        message.value_schema,
        evaluate(message.value_schema, message.value, {}),
        tuple(
            Header(header.name, header.schema, evaluate(header.schema, header.node, {})) for header in message.headers
        ),
        evaluate(None, message.partition, {}),
        evaluate(None, message.timestamp, {}),
    )
