"""The main job, running: a course is posted, and its events arrive in Kafka by way of MySQL's log.

    make demo-mysql            stays up for trying things, until Ctrl-C
    make demo-mysql ONCE=1     ends once the events have shown: status 0, or 1 with the reason

Everything is real: MySQL, Kafka, the course service of examples/course_service, and a Headwater worker that gets its
connector by the REST API, as Kafka Connect would.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pymysql
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient

ROOT = Path(__file__).parent.parent
TOPIC = "dbserver1.course.outbox"
WAIT_SECONDS = 60
COURSE = {
    "name": "Taking microservices apart",
    "teacherId": "7ead2ed1-77fa-4d70-bdfd-77e67c513bbd",
    "thumbnail": "msa_course.jpeg",
    "description": "Everything about events.",
}


class DemoError(Exception):
    """Why the demo can't go on."""


def step(text: str) -> None:
    """Say what happens next."""
    click.secho(f"\n▸ {text}", bold=True)


def free_port(wanted: int) -> int:
    """``wanted``, or another port where that one is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_services() -> dict[str, str]:
    """MySQL and Kafka, and where they listen."""
    subprocess.run([ROOT / "tools" / "services", "up", "mysql", "kafka"], check=True)
    exports = subprocess.run([ROOT / "tools" / "services", "env"], check=True, capture_output=True, text=True).stdout
    return dict(word.split("=", 1) for line in exports.splitlines() for word in shlex.split(line) if "=" in word)


def call(url: str, body: object = None, method: str | None = None) -> Any:
    """A JSON request and its answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        raise DemoError(f"{request.get_method()} {url}: {error.code} {error.read().decode()}") from error
    return json.loads(text) if text else None


def wait_for(what: str, url: str, process: subprocess.Popen[bytes], logs: Path) -> None:
    """Until ``url`` answers."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise DemoError(f"{what} ended with status {process.returncode}:\n{logs.read_text()[-3000:]}")
        with contextlib.suppress(OSError):
            call(url)
            return
        time.sleep(0.1)
    raise DemoError(f"{what} did not answer within {WAIT_SECONDS} s; its log is {logs}")


@contextlib.contextmanager
def running(what: str, command: list[str], logs: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the demo, ended with it."""
    with logs.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                click.secho(f"{what} did not end by itself", fg="yellow")


def fresh_database(mysql_url: str) -> None:
    """The course service's database, empty."""
    url = urlsplit(mysql_url)
    connection = pymysql.connect(
        host=url.hostname, port=url.port or 3306, user=url.username, password=url.password or ""
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS course")
        cursor.execute("CREATE DATABASE course")


def connector(mysql_url: str) -> dict[str, object]:
    """What is sent to POST /connectors."""
    url = urlsplit(mysql_url)
    return {
        "name": "outbox-connector",
        "config": {
            "connector.class": "io.debezium.connector.mysql.MySqlConnector",
            "tasks.max": "1",
            "database.hostname": url.hostname,
            "database.port": str(url.port),
            "database.user": url.username,
            "database.password": url.password,
            "database.server.id": "184054",
            "topic.prefix": "dbserver1",
            "table.include.list": "course.outbox",
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "key.converter.schemas.enable": "false",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
        },
    }


def consume_from_now(bootstrap: str) -> Consumer:
    """A consumer at the topic's present end."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "demo", "enable.auto.commit": False})
    metadata = AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=30)
    partitions = list(metadata.topics[TOPIC].partitions) if TOPIC in metadata.topics else [0]
    ends = []
    for number in partitions:
        partition = TopicPartition(TOPIC, number)
        partition.offset = consumer.get_watermark_offsets(partition, timeout=30)[1] if TOPIC in metadata.topics else 0
        ends.append(partition)
    consumer.assign(ends)
    return consumer


def show(message: Message) -> str:
    """Print one message; its kind."""
    key = message.key()
    value = message.value()
    click.secho(f"\n  {message.topic()}  partition {message.partition()}  offset {message.offset()}", fg="cyan")
    click.echo(f"  key     {key.decode() if key else None}")
    if value is None:
        click.echo("  value   null (the tombstone: a compacted topic may forget the key)")
        return "tombstone"
    event = json.loads(value)
    source, operation = event["source"], event["op"]
    names = {"c": "create", "d": "delete", "u": "update", "r": "read"}
    click.echo(f"  op      {operation} ({names[operation]})   at {source['file']}:{source['pos']}")
    for image in ("before", "after"):
        if event[image] is not None:
            click.echo(f"  {image}")
            for name, column in event[image].items():
                click.echo(f"    {name:<15} {column}")
    return str(operation)


def read_events(consumer: Consumer, expected: list[str]) -> None:
    """Show messages until the expected kinds have come, in their order."""
    deadline = time.monotonic() + WAIT_SECONDS
    missing = list(expected)
    while missing:
        if time.monotonic() > deadline:
            raise DemoError(f"these events have not come within {WAIT_SECONDS} s: {missing}")
        message = consumer.poll(0.2)
        if message is None or message.error():
            continue
        if show(message) == missing[0]:
            missing.pop(0)


def wait_running(worker: str) -> None:
    """Until the connector's task captures."""
    deadline = time.monotonic() + WAIT_SECONDS
    status = None
    while time.monotonic() < deadline:
        status = call(f"{worker}/connectors/outbox-connector/status")
        states = [task["state"] for task in status["tasks"]]
        if states == ["RUNNING"]:
            return
        if "FAILED" in states:
            break
        time.sleep(0.1)
    raise DemoError(f"the connector's task does not run: {json.dumps(status, indent=2)}")


def demo(*, once: bool, folder: Path) -> None:
    """Start all, post a course, show its events."""
    step("MySQL and Kafka")
    services = start_services()
    bootstrap, mysql_url = services["KAFKA_BOOTSTRAP_SERVERS"], services["MYSQL_URL"]
    fresh_database(mysql_url)
    worker_port, course_port = free_port(8083), free_port(8000)
    worker, courses = f"http://127.0.0.1:{worker_port}", f"http://127.0.0.1:{course_port}"
    properties = folder / "worker.properties"
    properties.write_text(
        f"bootstrap.servers={bootstrap}\nlisteners={worker}\noffset.storage.file.filename={folder / 'worker.db'}\n"
    )
    worker_command = [sys.executable, "-m", "headwater", "worker", str(properties)]
    service_command = [sys.executable, "-m", "examples.course_service", "--port", str(course_port)]
    logs = folder / "worker.log", folder / "course_service.log"
    with (
        running("the worker", worker_command, logs[0]) as worker_process,
        running("the course service", service_command, logs[1], DATABASE_URL=mysql_url) as service_process,
    ):
        step(f"the course service on {courses}, a Headwater worker on {worker}")
        wait_for("the course service", f"{courses}/openapi.json", service_process, logs[1])
        wait_for("the worker", worker, worker_process, logs[0])
        consumer = consume_from_now(bootstrap)
        step("POST /connectors: MySQL's binlog to Kafka, table course.outbox")
        call(f"{worker}/connectors", connector(mysql_url))
        wait_running(worker)
        step("POST /courses, then POST /courses/{id}/post: the course and its event in one transaction")
        course = call(f"{courses}/courses", COURSE)["courseId"]
        call(f"{courses}/courses/{course}/post", {})
        click.echo(f"  course {course} is posted")
        step(f"what is now in Kafka (topic {TOPIC})")
        read_events(consumer, ["c", "d", "tombstone"] * 2)
        if not once:
            stay(consumer, courses, worker, course, folder)
        consumer.close()


def stay(consumer: Consumer, courses: str, worker: str, course: str, folder: Path) -> None:
    """Show what comes, until Ctrl-C."""
    step("It stays up. Try, in another terminal:")
    click.echo(f"  curl -X POST {courses}/courses/{course}/unpost")
    click.echo(f"  curl {worker}/connectors/outbox-connector/status")
    click.echo(f"  less {folder}/worker.log")
    click.secho("\n  Ctrl-C stops the demo; tools/services down stops MySQL and Kafka.", fg="yellow")
    while True:
        message = consumer.poll(0.5)
        if message is not None and not message.error():
            show(message)


def main() -> int:
    """Run the demo; 0 when the events have shown, 1 when they have not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--once", action="store_true", help="end once the events have shown")
    once = parser.parse_args().once
    with tempfile.TemporaryDirectory(prefix="headwater-demo-") as folder:
        try:
            demo(once=once, folder=Path(folder))
        except KeyboardInterrupt:
            click.echo("\nstopped")
        except (DemoError, subprocess.CalledProcessError, OSError) as error:
            click.secho(f"\nthe demo failed: {error}", fg="red", err=True)
            for name in ("worker.log", "course_service.log"):
                path = Path(folder) / name
                if path.exists() and path.stat().st_size:
                    click.echo(f"\n--- {name}\n{path.read_text()[-3000:]}", err=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
