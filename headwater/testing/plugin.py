"""The pytest plugin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def outbox_recorder() -> Callable[..., Any]:
    """`headwater.testing.record_outbox`: ``with outbox_recorder(engine, OUTBOX_TABLE) as outbox: …``."""
    from headwater.testing.recorder import record_outbox

    return record_outbox


@pytest.fixture
def topic_of() -> Callable[..., Any]:
    """A topic in memory for a subscription: a `headwater.testing.Topic`, an `AsyncTopic` for an async handler."""
    from headwater.testing.topic import AsyncTopic, Topic

    return lambda subscription: (AsyncTopic if subscription.is_async else Topic)(subscription)
