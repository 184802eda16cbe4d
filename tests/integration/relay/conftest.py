"""An outbox for the relay on each of the databases, and relays on it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.outboxes import AnyOutbox, MongoOutbox, RelayProcess, new_sql_outbox
from tests.sql_databases import KINDS


@pytest.fixture(params=[*KINDS, "mongodb"])
def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyOutbox]:
    """An empty outbox for the relay, in each of the databases."""
    if request.param == "mongodb":
        yield MongoOutbox(request.getfixturevalue("mongodb_url"), request.getfixturevalue("mongodb_database"))
    else:
        with new_sql_outbox(request.param, tmp_path) as made:
            yield made


@pytest.fixture
def topic() -> str:
    """A prefix of topics that only this test uses."""
    return f"relay_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def start_relay(topic: str, kafka_bootstrap: str) -> Iterator[Callable[..., RelayProcess]]:
    """Starts relays on an outbox's URL, to topics that begin with ``topic``; they are killed at the end."""
    started: list[RelayProcess] = []

    def start(url: str, *options: str) -> RelayProcess:
        started.append(RelayProcess(url, f"{topic}.${{routedByValue}}", kafka_bootstrap, *options))
        return started[-1]

    yield start
    for relay in started:
        if relay.status is None:
            relay.kill()
