"""A consumer as a process of its own: ``headwater inbox run tests.faults.consumer:subscription``.

What it reads and where it writes is in the environment. Its handler writes a row for each message, so that one that is
handled twice, or in the wrong order, shows.
"""

from __future__ import annotations

import os

from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, insert
from sqlalchemy.orm import Session, sessionmaker

from headwater.inbox import Message, Retry, Subscription
from headwater.inbox.sqlalchemy import Inbox, inbox_table

METADATA = MetaData()
HANDLED = Table(
    "handled",
    METADATA,
    Column("n", Integer, primary_key=True),
    Column("aggregate", String(20), nullable=False),
    Column("step", Integer, nullable=False),
)
INBOX = inbox_table(METADATA)


def handle(session: Session, message: Message) -> None:
    """The aggregate is the key, its step the value."""
    assert message.key is not None
    assert message.value is not None
    session.execute(insert(HANDLED).values(aggregate=message.key.decode(), step=int(message.value)))


if "FAULTS_DATABASE" in os.environ:
    subscription = Subscription(
        broker=f"kafka://{os.environ['FAULTS_KAFKA']}",
        topics=[os.environ["FAULTS_TOPIC"]],
        group=os.environ["FAULTS_TOPIC"],
        inbox=Inbox(INBOX, sessionmaker(create_engine(os.environ["FAULTS_DATABASE"]))),
        handler=handle,
        retry=Retry(attempts=1, first_wait=0.05, longest_wait=1.0),  # an error that counts ends it, and shows
        options={"session.timeout.ms": "6000", "heartbeat.interval.ms": "1000"},
    )
