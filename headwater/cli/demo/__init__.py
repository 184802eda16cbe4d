"""``headwater demo``: the main job, with nothing but Python.

A SQLite database with an outbox, a connector that reads it, a file of topics that it delivers to, and a consumer that
shows what arrives. All state lies in one folder, so that the demo goes on where it was ended.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from headwater.cli.demo.courses import Courses
    from headwater.cli.demo.screen import Screen
    from headwater.consumer import Consumer

TOPIC = "demo.courses.outbox"
GROUP = "demo"
WAIT_SECONDS = 30.0
PAUSE_SECONDS = 2.0
"""Between two courses, while the demo stays up."""


@click.command()
@click.option("--once", is_flag=True, help="End once the events of one course have shown.")
@click.option("--json", "as_json", is_flag=True, help="Print each message as one JSON line, and nothing else.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("headwater-demo"),
    show_default=True,
    help="Where the database, the topics and the offsets are kept.",
)
def demo(folder: Path, *, once: bool, as_json: bool) -> None:
    """Show the main job: a course is posted in SQLite, and its events arrive in a topic.

    It stays up until Ctrl-C and posts a course every now and then. Started again, even after a kill, it goes on.
    """
    from headwater.cli.demo.courses import OUTBOX, Courses
    from headwater.cli.demo.screen import Screen
    from headwater.cli.run import stop_on_signals
    from headwater.consumer import ConsumerError, IgnoreRebalances
    from headwater.consumers import open_consumer
    from headwater.logs import configure_logs
    from headwater.sources.sqlite.installation import install

    configure_logs([("root", "WARN")])
    stopping = stop_on_signals()
    screen = Screen(as_json=as_json)
    folder.mkdir(parents=True, exist_ok=True)
    courses = Courses(folder / "courses.db")
    install(courses.database, [OUTBOX])
    screen.step(
        f"a course service's database, {folder / 'courses.db'}: tables course and outbox",
        f"triggers record what changes in the outbox: headwater sqlite verify {folder / 'courses.db'}",
    )
    file = _write_configuration(folder)
    screen.step(f"a connector, from the outbox to a file of topics: headwater run {file}")
    if not once:
        screen.step("Ctrl-C ends it; started again, even after a kill, it goes on where it was")
    try:
        with (
            _connector(file, stopping) as check,
            closing(open_consumer(f"local://{_quoted(folder / 'topics.db')}", GROUP)) as consumer,
        ):
            consumer.subscribe([TOPIC], IgnoreRebalances())
            _run(courses, consumer, screen, check, stopping, once=once)
    except ConsumerError as error:
        raise click.ClickException(str(error)) from error


def _run(
    courses: Courses,
    consumer: Consumer,
    screen: Screen,
    check: Callable[[], None],
    stopping: threading.Event,
    *,
    once: bool,
) -> None:
    """Post courses and show what arrives."""
    due: set[str] = set()
    next_course = time.monotonic()
    deadline = next_course + WAIT_SECONDS
    while not stopping.is_set():
        if time.monotonic() >= next_course:
            screen.step("a course is created, then posted: each time the course and its event in one transaction")
            course, created = courses.create()
            due |= {created, courses.post(course)}
            next_course = float("inf") if once else time.monotonic() + PAUSE_SECONDS
        check()
        for message in consumer.poll(0.1, most=100):
            screen.show(message)
            consumer.commit({message.place: message.offset + 1})
            if message.value is None:
                due.discard(json.loads(message.key or b"{}").get("id"))
        if once and not due:
            return
        if once and time.monotonic() > deadline:
            raise click.ClickException(f"the events have not come within {WAIT_SECONDS:.0f} s")


def _write_configuration(folder: Path) -> Path:
    """The connector as `headwater run` takes it."""
    file = folder / "connector.json"
    described = {
        "name": "demo",
        "worker": {
            "bootstrap.servers": f"local://{_quoted(folder / 'topics.db')}",
            "offset.storage.file.filename": str(folder / "state.db"),
            "key.converter": "json",
            "key.converter.schemas.enable": "false",
            "value.converter": "json",
            "value.converter.schemas.enable": "false",
        },
        "config": {
            "connector.class": "sqlite",
            "topic.prefix": "demo",
            "database.file": str(folder / "courses.db"),
            "table.include.list": "courses.outbox",
            "snapshot.mode": "no_data",
        },
    }
    file.write_text(json.dumps(described, indent=2) + "\n")
    return file


def _quoted(path: Path) -> str:
    """A path as an address has it."""
    return str(path).replace("%", "%25").replace("?", "%3F")


@contextmanager
def _connector(file: Path, stopping: threading.Event) -> Iterator[Callable[[], None]]:
    """The connector, in a thread, once it captures; what is given raises what it failed of."""
    from headwater.worker.config_file import read_config_file
    from headwater.worker.single import run_single
    from headwater.worker.worker_config import read_worker_config

    described = read_config_file(file)
    ending, running = threading.Event(), threading.Event()
    failures: list[Exception] = []

    def deliver() -> None:
        try:
            run_single(
                read_worker_config(described.worker),
                described.connector,
                stopping=ending.is_set,
                on_running=running.set,
            )
        except Exception as error:
            failures.append(error)
            running.set()

    def check() -> None:
        if failures:
            raise click.ClickException(str(failures[0]))

    thread = threading.Thread(target=deliver, name="connector")
    thread.start()
    try:
        while not running.wait(0.1) and not stopping.is_set():
            pass
        check()
        yield check
    finally:
        ending.set()
        thread.join()
