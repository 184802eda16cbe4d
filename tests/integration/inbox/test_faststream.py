"""FastStream's subscribers with the inbox between Kafka and the handler, on both of its Kafka clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from faststream import AckPolicy, Context, confluent, kafka
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from headwater.inbox import DeadLetters, Retry
from headwater.inbox.faststream import InboxMiddleware
from tests.integration.inbox.conftest import Send
from tests.integration.inbox.libraries import HANDLED, Library, sqlalchemy_async
from tests.sql_databases import new_database
from tests.topic import read_topic

DEADLINE = 60.0


@pytest.fixture
def library(tmp_path: Path):
    with new_database("mysql", tmp_path) as database, sqlalchemy_async(database) as library:
        yield library


Consume = Callable[..., None]


@pytest.fixture(params=[confluent.KafkaBroker, kafka.KafkaBroker], ids=["confluent", "aiokafka"])
def consume(request: pytest.FixtureRequest, library: Library, kafka_bootstrap: str, topic: str) -> Consume:
    """Runs an application until ``enough``: ``consume(check, enough, dead_letters=…)``."""

    async def run(check: Callable[[str], None], enough: Callable[[], bool], **more: Any) -> None:
        middleware = InboxMiddleware(inbox=library.inbox, consumer=topic, retry=Retry(3, 0.01, 0.05), **more)
        broker = request.param(kafka_bootstrap, middlewares=[middleware], logger=None)

        @broker.subscriber(topic, group_id=topic, auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR)
        async def handle(value: str, session: Annotated[AsyncSession, Context()]) -> None:
            await session.execute(insert(HANDLED).values(value=value))
            check(value)

        async with broker:
            await broker.start()
            async with asyncio.timeout(DEADLINE):
                while not await asyncio.to_thread(enough):
                    await asyncio.sleep(0.05)

    return lambda *given, **more: asyncio.run(run(*given, **more))


def test_a_message_is_handled_once(consume: Consume, library: Library, send: Send) -> None:
    failures = iter([True, False])

    def fail_once(value: str) -> None:
        if value == "b" and next(failures):
            raise ValueError("not yet")

    send("a", message_id="1")
    send("a again", message_id="1")
    send("b", message_id="2")
    consume(fail_once, lambda: library.handled() == ["a", "b"])


def test_what_can_not_be_handled_is_a_dead_letter(
    consume: Consume, library: Library, kafka_bootstrap: str, topic: str, send: Send
) -> None:
    def refuse(value: str) -> None:
        if value == "bad":
            raise ValueError("no such course")

    letters = DeadLetters.at(f"kafka://{kafka_bootstrap}", f"{topic}.dead")
    send("bad", "good")
    consume(refuse, lambda: library.handled() == ["good"], dead_letters=letters)
    letters.close()
    [letter] = read_topic(kafka_bootstrap, f"{topic}.dead", bool)
    headers = dict(letter.headers() or ())
    assert (letter.value(), headers["__connect.errors.exception.message"]) == (b"bad", b"no such course")
    assert headers["headwater.errors.attempts"] == b"3"
