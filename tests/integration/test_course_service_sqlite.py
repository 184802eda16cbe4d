"""The course service on SQLite: the same API, and its events as the connector reads them."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from headwater.sources.sqlite.connector import CONNECTOR
from headwater.sources.sqlite.installation import install
from tests.capture import Capture, Event

COURSE = {"name": "MSA 파헤치기", "teacherId": "7ead2ed1", "thumbnail": "msa.jpeg", "description": "MSA의 모든 것"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "course.db"


@pytest.fixture
def client(file: Path) -> Iterator[httpx.Client]:
    command = [sys.executable, "-m", "examples.course_service", "--port", "0"]
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{file}"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            log = []
            for line in process.stderr or ():
                log.append(line)
                if started := re.search(r"running on (http://\S+)", line):
                    break
            else:
                pytest.fail("the service did not start:\n" + "".join(log))
            with httpx.Client(base_url=started[1], timeout=30) as client:
                yield client
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.fixture
def capture(client: httpx.Client, file: Path) -> Iterator[Capture]:
    """The outbox, captured from now on."""
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE mark (id INTEGER PRIMARY KEY)")
    database.isolation_level = None
    install(database, ["outbox", "mark"])

    def mark(number: int) -> dict[str, int]:
        database.execute("INSERT INTO mark VALUES (?)", (number,))
        return {"id": number}

    options = {"topic.prefix": "dbserver1", "database.file": str(file), "snapshot.mode": "no_data"}
    capture = Capture(CONNECTOR.open(CONNECTOR.options.parse(options)), mark).start()
    yield capture
    capture.source.close()
    database.close()


def payload(event: Event) -> dict[str, object]:
    return json.loads(event.row["payload"])


def test_each_change_publishes_the_course_as_it_is_then(client: httpx.Client, capture: Capture) -> None:
    course = client.post("/courses", json=COURSE).raise_for_status().json()["courseId"]
    client.post(f"/courses/{course}/post").raise_for_status()
    events = capture.drain()
    assert {e.topic for e in events} == {"dbserver1.course.outbox"}
    assert [e.operation for e in events] == ["c", "d", "tombstone"] * 2
    created, posted = events[0], events[3]
    assert [e.row["type"] for e in (created, posted)] == ["CourseCreatedEvent", "CoursePostedEvent"]
    assert payload(posted) == client.get(f"/courses/{course}").json()


def test_of_requests_at_once_the_last_event_tells_the_final_state(client: httpx.Client, capture: Capture) -> None:
    course = client.post("/courses", json=COURSE).raise_for_status().json()["courseId"]
    with ThreadPoolExecutor(4) as pool:
        commands = ["post", "unpost"] * 10
        list(pool.map(lambda command: client.post(f"/courses/{course}/{command}").raise_for_status(), commands))
    created = [e for e in capture.drain() if e.operation == "c"]
    assert len(created) == 21
    assert payload(created[-1]) == client.get(f"/courses/{course}").json()
