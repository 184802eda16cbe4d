"""FastStream's subscribers with the inbox between Kafka and the handler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from faststream import AckPolicy, Context
from faststream.confluent import KafkaBroker
from sqlalchemy import URL, insert
from sqlalchemy.ext.asyncio import AsyncSession

from headwater.inbox import DeadLetters, Retry
from headwater.inbox.faststream import InboxMiddleware
from tests.integration.inbox.conftest import Send
from tests.integration.inbox.libraries import HANDLED, Library, sqlalchemy_async
from tests.topic import read_topic

DEADLINE = 60.0


@pytest.fixture
def library(mysql_database: URL):
    with sqlalchemy_async(mysql_database) as library:
        yield library


async def consume(
    library: Library, kafka: str, topic: str, check: Callable[[str], None], enough: Callable[[], bool], **more: Any
) -> None:
    """Run an application until ``enough``."""
    middleware = InboxMiddleware(inbox=library.inbox, consumer=topic, retry=Retry(3, 0.01, 0.05), **more)
    broker = KafkaBroker(kafka, middlewares=[middleware], logger=None)

    @broker.subscriber(topic, group_id=topic, auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR)
    async def handle(value: str, session: Annotated[AsyncSession, Context()]) -> None:
        await session.execute(insert(HANDLED).values(value=value))
        check(value)

    async with broker:
        await broker.start()
        async with asyncio.timeout(DEADLINE):
            while not await asyncio.to_thread(enough):
                await asyncio.sleep(0.05)


def test_a_message_is_handled_once(library: Library, kafka_bootstrap: str, topic: str, send: Send) -> None:
    failures = iter([True, False])

    def fail_once(value: str) -> None:
        if value == "b" and next(failures):
            raise ValueError("not yet")

    send("a", message_id="1")
    send("a again", message_id="1")
    send("b", message_id="2")
    asyncio.run(consume(library, kafka_bootstrap, topic, fail_once, lambda: library.handled() == ["a", "b"]))


def test_what_can_not_be_handled_is_a_dead_letter(
    library: Library, kafka_bootstrap: str, topic: str, send: Send
) -> None:
    def refuse(value: str) -> None:
        if value == "bad":
            raise ValueError("no such course")

    letters = DeadLetters.at(f"kafka://{kafka_bootstrap}", f"{topic}.dead")
    send("bad", "good")
    enough = lambda: library.handled() == ["good"]  # noqa: E731
    asyncio.run(consume(library, kafka_bootstrap, topic, refuse, enough, dead_letters=letters))
    letters.close()
    [letter] = read_topic(kafka_bootstrap, f"{topic}.dead", bool)
    headers = dict(letter.headers() or ())
    assert (letter.value(), headers["__connect.errors.exception.message"]) == (b"bad", b"no such course")
    assert headers["headwater.errors.attempts"] == b"3"
