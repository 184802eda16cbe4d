"""A worker that delivers a load from a database to Kafka, and what can be done to it."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults import processes
from tests.faults.database import Database
from tests.faults.deliveries import READ, Deliveries
from tests.faults.ledger import Key, Step
from tests.faults.load import Load
from tests.faults.verdict import Verdict, judge
from tests.worker_process import WorkerProcess, wait_until

CONNECTOR = "faults"
AHEAD = 1000
"""How many steps the writers may be ahead of what has arrived: more than one restart can be behind."""
LINGER_SECONDS = 0.2
"""How long messages wait in the producer: an offset that is stored before they are safe shows when it is killed."""
GRACEFUL_SECONDS = 30
"""What a drain may take on a machine that is busy with other things."""


@dataclass
class Scene:
    """Everything in its place, and the writers at work."""

    worker: WorkerProcess
    load: Load
    deliveries: Deliveries
    config: dict[str, str]
    captured_from: float | None = None
    """A monotonic time at which the connector was RUNNING for the first time."""
    _uncaptured: int = 0
    """How much was written before that: only a part of it is in the log that is read."""

    def has_room(self) -> bool:
        """Whether the writers may go on: until something is captured they write freely, then not far ahead of it."""
        return self.captured_from is None or self.load.ledger.size - self._uncaptured - self.deliveries.distinct < AHEAD

    def create_connector(self) -> None:
        """Create the connector; comes back before its task runs."""
        answer = self.worker.request("POST", "/connectors", {"name": CONNECTOR, "config": self.config})
        assert answer.status_code == 201, answer.text

    @property
    def worker_pid(self) -> int:
        """The worker's process."""
        assert self.worker.process is not None
        return self.worker.process.pid

    def wait_running(self, not_task: int | None = None) -> int:
        """Until the task is RUNNING, in another process than ``not_task``; gives its process."""
        self.worker.wait_for_answer()

        def other_task() -> int | None:
            task = processes.task(self.worker_pid)
            return task if task != not_task else None

        wait_until("a new process of the task", other_task)
        self.worker.wait_running(CONNECTOR)
        if self.captured_from is None:
            self._uncaptured = self.load.ledger.size
            self.captured_from = time.monotonic()
        task = other_task()
        assert task is not None, self.worker.task(CONNECTOR)
        return task

    def wait_delivered(self, steps: int) -> None:
        """Until so many more steps of the log have arrived."""
        target = self.deliveries.distinct + steps
        self._wait(f"{steps} more steps", lambda: self.deliveries.distinct >= target)

    def wait_for_a_moment_in_the_stream(self, dice: random.Random) -> None:
        """Messages arrive together, so a moment at which some have is followed by a random one up to the next."""
        self.wait_delivered(dice.randrange(AHEAD))
        time.sleep(dice.uniform(0, LINGER_SECONDS))

    def wait_snapshot(self, rows: int) -> None:
        """Until so many rows of a snapshot have arrived."""
        self._wait(f"{rows} rows of the snapshot", lambda: self.deliveries.reads >= rows)

    def _wait(self, what: str, condition: Callable[[], bool]) -> None:
        """Until then, while the writers and the reader do their part."""

        def checked() -> bool:
            self.load.check()
            self.deliveries.check()
            return condition()

        wait_until(what, checked)

    def live_through(self, times: int, disturb: Callable[[], None], dice: random.Random) -> None:
        """Create the connector; so many faults, the first in the snapshot or soon after it, and none ends the task."""
        self.create_connector()
        task = self.wait_running()
        self.wait_snapshot(dice.randrange(self.load.rows))
        disturb()
        for _ in range(times - 1):
            self.wait_for_a_moment_in_the_stream(dice)
            disturb()
        self.wait_delivered(AHEAD)
        assert self.wait_running() == task

    def end_worker(self, end: Callable[[int], None]) -> int:
        """End the worker's process by what ``end`` does to it; its exit status."""
        process = self.worker.process
        assert process is not None
        end(process.pid)
        return process.wait(2 * GRACEFUL_SECONDS)

    def finish(self) -> Verdict:
        """End the writers, wait until everything has arrived, drain the worker, and judge what came."""
        self.wait_running()
        self.load.stop()
        self._wait_for_last_steps()
        assert self.worker.stop() == 0, self.worker.log_text()
        self.deliveries.read_to_end()
        assert self.captured_from is not None
        assert self.deliveries.streaming is not None
        return judge(
            self.load.ledger,
            self.deliveries.arrivals,
            captured_from=self.captured_from,
            read_until=self.deliveries.streaming,
        )

    def _wait_for_last_steps(self) -> None:
        """Until each key's last step has arrived, as far as it does: what is lost is the verdict's to say."""
        missing = [
            (key, history.steps[-1])
            for key, history in self.load.ledger.histories.items()
            if history.steps[-1].operation != "t" or history.times[-1] > (self.captured_from or 0)
        ]  # what was deleted before the snapshot is not told of

        def arrived() -> bool:
            while missing and self._has_arrived(*missing[-1]):
                missing.pop()
            return not missing

        with contextlib.suppress(TimeoutError):
            self._wait("the last steps", arrived)

    def _has_arrived(self, key: Key, step: Step) -> bool:
        arrivals = self.deliveries.arrivals.get(key, ())
        return any(arrival.step in (step, step._replace(operation=READ)) for arrival in arrivals)


def connector_config(database: Database, prefix: str) -> dict[str, str]:
    """A connector for the load's tables."""
    return {
        **database.connector(),
        "topic.prefix": prefix,
        "producer.override.linger.ms": str(int(LINGER_SECONDS * 1000)),
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "key.converter.schemas.enable": "false",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
    }
