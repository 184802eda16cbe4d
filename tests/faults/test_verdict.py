"""The judge of the fault tests finds what is wrong: without that a count of 0 says nothing."""

from __future__ import annotations

import pytest

from tests.faults.deliveries import Arrival
from tests.faults.ledger import Key, Ledger, Step
from tests.faults.verdict import Verdict, judge

KEY = Key("account", 1)
BEFORE, RUNNING, READ, AFTER = 0.0, 1.0, 2.0, 3.0
CREATE, UPDATE, DELETE = Step(1, "c", 10), Step(2, "u", 11), Step(3, "d", 11)
HISTORY = (CREATE, UPDATE, DELETE, DELETE.tombstone)


def judged(*steps: Step, committed: float = AFTER) -> Verdict:
    """The verdict on the arrival of ``steps`` where `HISTORY` was committed."""
    ledger = Ledger()
    ledger.commit([(KEY, step) for step in (CREATE, UPDATE, DELETE)], before=committed)
    arrivals = [Arrival(step, ("binlog.000001", step.number, 0)) for step in steps]
    return judge(ledger, {KEY: arrivals}, captured_from=RUNNING, read_until=READ)


def read(image: Step) -> Step:
    """A snapshot's message of the row as ``image`` left it."""
    return image._replace(operation="r")


def test_everything_once() -> None:
    verdict = judged(*HISTORY)
    verdict.assert_complete()
    assert (verdict.sent, verdict.received, verdict.repeated) == (4, 4, 0)


def test_a_repetition_that_runs_forward() -> None:
    verdict = judged(CREATE, UPDATE, CREATE, UPDATE, *HISTORY[2:])
    verdict.assert_complete()
    assert (verdict.sent, verdict.received, verdict.repeated) == (4, 6, 2)


@pytest.mark.parametrize("missing", HISTORY)
def test_a_step_that_is_missing(missing: Step) -> None:
    verdict = judged(*(step for step in HISTORY if step != missing))
    assert verdict.lost == [(KEY, missing)]
    assert verdict.sent == 4


def test_a_key_that_is_missing() -> None:
    assert [step for _, step in judged().lost] == [*HISTORY]


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param((UPDATE, CREATE, *HISTORY[2:]), id="the first time"),
        pytest.param((*HISTORY, CREATE, DELETE), id="a gap in a repetition"),
        pytest.param((*HISTORY, read(CREATE)), id="a snapshot behind the log"),
    ],
)
def test_steps_out_of_order(steps: tuple[Step, ...]) -> None:
    assert judged(*steps).misplaced


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(UPDATE._replace(transaction=99), id="of another transaction"),
        pytest.param(Step(4, "c", 12), id="of no transaction"),
        pytest.param(read(CREATE._replace(transaction=99)), id="in a snapshot"),
        pytest.param(Step(0, "t", 0), id="a tombstone without a delete"),
    ],
)
def test_a_change_that_was_rolled_back(step: Step) -> None:
    assert len(judged(step, *HISTORY).foreign) == 1


def test_a_snapshot_tells_of_what_was_committed_before_it() -> None:
    judged(read(UPDATE), DELETE, DELETE.tombstone, committed=BEFORE).assert_complete()
    judged(DELETE, DELETE.tombstone, committed=BEFORE).assert_complete()
    judged(committed=BEFORE).assert_complete()
    assert judged(read(CREATE), DELETE, DELETE.tombstone, committed=BEFORE).lost
    assert judged(read(UPDATE), DELETE, DELETE.tombstone, committed=AFTER).lost
