"""The course service as its users run it: its own process, HTTP, and a real MySQL."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import URL, text

COURSE = {
    "name": "MSA 파헤치기",
    "teacherId": "7ead2ed1-77fa-4d70-bdfd-77e67c513bbd",
    "thumbnail": "msa_course.jpeg",
    "description": "MSA의 모든 것을 가르쳐 드립니다.",
}
COMMAND = [sys.executable, "-m", "examples.course_service"]


@pytest.fixture
def client(mysql_database: URL, published) -> Iterator[httpx.Client]:
    """A client of a service that has just started; it is stopped as a terminal's Ctrl-C would."""
    environment = os.environ | {"DATABASE_URL": mysql_database.render_as_string(hide_password=False)}
    with subprocess.Popen([*COMMAND, "--port", "0"], env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            log = []
            for line in process.stderr:
                log.append(line)
                if started := re.search(r"running on (http://\S+)", line):
                    break
            else:
                pytest.fail("the service did not start:\n" + "".join(log))
            with httpx.Client(base_url=started[1]) as client:
                yield client
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
    assert process.returncode == 0


def create(client: httpx.Client) -> str:
    response = client.post("/courses", json=COURSE)
    assert response.status_code == 201
    return response.json()["courseId"]


def test_a_created_course_can_be_read_and_has_published_its_event(client, published, row_events) -> None:
    course_id = create(client)
    course = client.get(f"/courses/{course_id}").raise_for_status().json()
    now = time.time() * 1000
    assert course == COURSE | {
        "courseId": course_id,
        "posted": False,
        "registeredAt": pytest.approx(now, abs=60_000),
        "lastUpdatedAt": course["registeredAt"],
    }
    [event] = published()
    assert event == {
        "id": event["id"],
        "aggregate_type": "Course",
        "aggregate_id": course_id,
        "type": "CourseCreatedEvent",
        "payload": course,
    }
    kinds = [event for event in row_events() if event[0] != "published"]
    assert sorted(kinds) == [("course", "Write"), ("outbox", "Delete"), ("outbox", "Write")]


def test_posting_and_unposting_publish_the_course_as_it_is_then(client, published) -> None:
    course_id = create(client)
    states = []
    for command in ("post", "unpost"):
        response = client.post(f"/courses/{course_id}/{command}")
        assert (response.status_code, response.json()) == (200, {"courseId": course_id})
        states.append(client.get(f"/courses/{course_id}").json())
    assert [state["posted"] for state in states] == [True, False]
    events = published()[1:]
    assert [event["type"] for event in events] == ["CoursePostedEvent", "CourseUnpostedEvent"]
    assert [event["payload"] for event in events] == states
    assert states[0]["registeredAt"] <= states[0]["lastUpdatedAt"] <= states[1]["lastUpdatedAt"]


def test_an_unknown_course_is_not_found(client, published) -> None:
    for method, path in [("GET", ""), ("POST", "/post"), ("POST", "/unpost")]:
        response = client.request(method, f"/courses/no-such-course{path}")
        assert response.status_code == 404
        assert response.json() == {"detail": "there is no course with id 'no-such-course'"}
    assert published() == []


def test_a_course_that_does_not_fit_is_refused(client, published) -> None:
    assert client.post("/courses", json=COURSE | {"name": "x" * 256}).status_code == 422
    assert client.post("/courses", json={"name": "x"}).status_code == 422
    assert published() == []


def test_an_event_that_can_not_be_written_leaves_the_course_unchanged(client, published, mysql_engine) -> None:
    course_id = create(client)
    with mysql_engine.begin() as connection:
        connection.execute(text("DROP TRIGGER copy"))
        connection.execute(text("DROP TABLE outbox"))
    close = {"connection": "close"}  # the server closes after an error of its own; don't race it to the next request
    assert client.post(f"/courses/{course_id}/post", headers=close).status_code == 500
    assert client.get(f"/courses/{course_id}").json()["posted"] is False


def test_of_requests_at_once_the_last_event_tells_the_final_state(client, published) -> None:
    course_id = create(client)
    with ThreadPoolExecutor(8) as pool:
        commands = ["post", "unpost"] * 20
        list(pool.map(lambda command: client.post(f"/courses/{course_id}/{command}").raise_for_status(), commands))
    events = published()
    assert len(events) == 41
    assert events[-1]["payload"] == client.get(f"/courses/{course_id}").json()


def test_help_tells_how_to_start_it() -> None:
    result = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True)
    assert "python -m examples.course_service" in result.stdout
    assert "DATABASE_URL" in result.stdout


@pytest.mark.parametrize("url", ["nonsense", "postgresql://me:hunter2@localhost/course"])
def test_a_wrong_database_url_is_explained_without_its_password(url: str) -> None:
    result = subprocess.run([*COMMAND, "--database-url", url], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "--database-url" in result.stderr
    assert "hunter2" not in result.stderr
