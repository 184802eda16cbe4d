"""A MongoDB source on a real replica set, run without a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo.database import Database

from headwater.source import Resume
from headwater.sources.mongodb.connector import CONNECTOR
from tests.capture import Capture

Document = dict[str, Any]


@pytest.fixture
def options(mongodb_url: str, mongodb_database: Database[Document]) -> dict[str, str]:
    """A connector's configuration that captures the test's database."""
    return {
        "topic.prefix": "srv",
        "mongodb.connection.string": mongodb_url,
        "database.include.list": mongodb_database.name,
    }


@pytest.fixture
def capture(mongodb_database: Database[Document], options: dict[str, str]) -> Iterator[Callable[..., Capture]]:
    """Starts sources: ``capture(resume, **options)``, with ``_`` for the dots of options that have no dots."""
    captures = []

    def commit_mark(number: int) -> dict[str, Any]:
        mongodb_database.mark.insert_one({"_id": number})
        return {"id": str(number)}

    def start(resume: Resume | None = None, **changed: str) -> Capture:
        names = {name: name if "." in name else name.replace("_", ".") for name in changed}
        given = options | {names[name]: text for name, text in changed.items()}
        source = CONNECTOR.open(CONNECTOR.options.parse({name: text for name, text in given.items() if text}))
        captures.append(Capture(source, commit_mark, resume or Resume()))
        return captures[-1].start()

    yield start
    for one in captures:
        one.source.close()


@pytest.fixture
def stream(capture: Callable[..., Capture]) -> Callable[..., Capture]:
    """Starts a source that is through with its snapshot."""

    def start(resume: Resume | None = None, **changed: str) -> Capture:
        streaming = capture(resume, **changed)
        streaming.snapshot()
        streaming.events.clear()
        return streaming

    return start
