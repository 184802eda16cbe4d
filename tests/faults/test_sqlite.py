"""A connector on SQLite killed at any moment, and its writers too: what its database's journal says is what arrives.

Writers keep a journal in the database, a row for each change in the transaction of the change: so it says what was
committed, whoever is killed.
"""

from __future__ import annotations

import contextlib
import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headwater.consumer import IgnoreRebalances
from headwater.consumers import open_consumer
from headwater.sources.sqlite.installation import install
from tests.faults import sqlite_writer
from tests.faults.conftest import Extent
from tests.faults.ledger import Key, Step
from tests.faults.sqlite_writer import TABLE, WRITERS
from tests.faults.verdict import Verdict
from tests.worker_process import wait_until

START_SECONDS = 2.5
"""About what a connector takes to start: a moment in between hits any stage of it."""


class Writers:
    """Processes that write to a database without rest; `kill` ends one and starts another."""

    def __init__(self, file: Path, dice: random.Random) -> None:
        self._file = file
        self._dice = dice
        self._processes = [self._start(number) for number in range(WRITERS)]

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, sqlite_writer.__file__, str(self._file), str(number), str(self._dice.random())]
        )

    def kill(self) -> None:
        """In whatever transaction it is."""
        number = self._dice.randrange(WRITERS)
        self._processes[number].kill()
        self._processes[number].wait()
        self._processes[number] = self._start(number)

    def stop(self) -> None:
        """End them all."""
        for process in self._processes:
            process.kill()
            process.wait()


class Told:
    """What has arrived, read while it comes: (operation, note) of each row in the order of its partition."""

    def __init__(self, address: str, topic: str) -> None:
        self.by_key: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
        self.count = 0
        self._ending = threading.Event()
        self._consumer = open_consumer(address, f"faults-{uuid.uuid4()}")
        self._consumer.subscribe([topic], IgnoreRebalances())
        self._thread = threading.Thread(target=self._read, name="told")
        self._thread.start()

    def _read(self) -> None:
        while not self._ending.is_set():
            for message in self._consumer.poll(0.1, 1000):
                if message.value is not None:
                    value = json.loads(message.value)
                    row = value["before" if value["op"] == "d" else "after"]
                    self.by_key[row["id"]].append((value["op"], row["note"]))
                    self.count += 1
        self._consumer.close()

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()


@pytest.fixture(params=["local", "kafka"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the connector delivers; the consumers' address."""
    if request.param == "local":
        return f"local://{tmp_path / 'topics.db'}"
    return f"kafka://{request.getfixturevalue('kafka_bootstrap')}"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "bank.db"
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(f"CREATE TABLE {TABLE} (id INTEGER PRIMARY KEY, note TEXT NOT NULL UNIQUE)")
    database.execute("CREATE TABLE journal (id INTEGER PRIMARY KEY, account INTEGER, op TEXT, note TEXT)")
    database.isolation_level = None
    install(database, [TABLE])
    yield path
    database.close()


def test_killed_at_any_moment(
    file: Path,
    address: str,
    tmp_path: Path,
    dice: random.Random,
    extent: Extent,
    report: Callable[[int, Verdict], None],
) -> None:
    """Nothing is lost, each row's changes come in their order; into a file of topics, nothing comes twice."""
    prefix = f"faults_{uuid.uuid4().hex[:8]}"
    config = tmp_path / "connector.json"
    config.write_text(json.dumps(_configuration(file, address, prefix, tmp_path)))
    log = tmp_path / "run.log"

    def start() -> subprocess.Popen[bytes]:
        with log.open("ab") as out:
            return subprocess.Popen([sys.executable, "-m", "headwater", "run", config], stdout=out, stderr=out)

    process = start()
    wait_until("the start position to be stored", lambda: _has_position(tmp_path / "state.db"))
    told = Told(address, f"{prefix}.bank.{TABLE}")
    writers = Writers(file, dice)
    try:
        for number in range(extent.sqlite_kills):
            if number == 0 or dice.random() < 0.3:
                time.sleep(dice.uniform(0, START_SECONDS))
            else:
                _wait_for_more(told, process)
                time.sleep(dice.uniform(0, 0.2))
            assert process.poll() is None, log.read_text()[-4000:]
            process.kill()
            process.wait()
            if dice.random() < 0.5:
                writers.kill()
            process = start()
        writers.stop()
        due = _journal(file)
        wait_until("the last changes", lambda: all(_last_arrived(told.by_key.get(k, []), v) for k, v in due.items()))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        writers.stop()
        process.kill()
        process.wait()
        told.stop()
    verdict = _judge(due, told.by_key)
    report(extent.sqlite_kills, verdict)
    verdict.assert_complete()
    if address.startswith("local://"):
        assert verdict.repeated == 0


def _has_position(state_file: Path) -> bool:
    """Whether the task is RUNNING: what commits from now on is delivered."""
    if not state_file.exists():
        return False
    with contextlib.closing(sqlite3.connect(state_file)) as database, contextlib.suppress(sqlite3.OperationalError):
        return database.execute("SELECT 1 FROM offsets").fetchone() is not None
    return False


def _wait_for_more(told: Told, process: subprocess.Popen[bytes]) -> None:
    seen = told.count
    wait_until("more changes", lambda: told.count > seen or process.poll() is not None)


def _configuration(file: Path, address: str, prefix: str, folder: Path) -> dict[str, dict[str, str]]:
    is_local = address.startswith("local://")
    return {
        "worker": {
            "bootstrap.servers": f"{address}?partitions=3" if is_local else address.removeprefix("kafka://"),
            "offset.storage.file.filename": str(folder / "state.db"),
            "offset.flush.interval.ms": "100",
            "key.converter": "json",
            "key.converter.schemas.enable": "false",
            "value.converter": "json",
            "value.converter.schemas.enable": "false",
        },
        "config": {
            "connector.class": "sqlite",
            "topic.prefix": prefix,
            "database.file": str(file),
            "snapshot.mode": "no_data",
        },
    }


def _journal(file: Path) -> dict[int, list[tuple[str, str]]]:
    """The changes of each row, in the order of their commits: numbers are given under SQLite's one lock."""
    found: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    database = sqlite3.connect(file)
    for account, operation, note in database.execute("SELECT account, op, note FROM journal ORDER BY id"):
        found[account].append((operation, note))
    database.close()
    return found


def _last_arrived(arrived: list[tuple[str, str]], due: list[tuple[str, str]]) -> bool:
    return due[-1] in arrived


def _judge(due: dict[int, list[tuple[str, str]]], arrived: dict[int, list[tuple[str, str]]]) -> Verdict:
    """Compare: first arrivals must be what is due, in its order; what comes again must go on in that order too."""
    verdict = Verdict()
    for row in due.keys() | arrived.keys():
        expected, came = due.get(row, []), arrived.get(row, [])
        key = Key(TABLE, row)
        verdict.received += len(came)
        places = {change: place for place, change in enumerate(expected)}
        assert len(places) == len(expected), "each change has a note of its own"
        verdict.lost += [(key, _step(change, 0)) for change in expected if change not in set(came)]
        verdict.repeated += sum(count - 1 for count in Counter(came).values())
        reached = -1
        for change in came:
            place = places.get(change)
            if place is None:
                verdict.foreign.append((key, change))  # type: ignore[arg-type]
            elif place > reached + 1:
                verdict.misplaced.append((key, change))  # type: ignore[arg-type]
            reached = max(reached, place if place is not None else reached)
    return verdict


def _step(change: tuple[str, str], number: int) -> Step:
    return Step(number, change[0], 0)
