"""For a service's own tests: what a transaction wrote into the outbox, and messages delivered once, twice, in a crash.

As pytest fixtures in `headwater.testing.plugin`, which pytest finds by itself.
"""

from headwater.testing.recorder import Recorder, WrittenEvent, record_outbox
from headwater.testing.topic import AsyncTopic, Topic

__all__ = ["AsyncTopic", "Recorder", "Topic", "WrittenEvent", "record_outbox"]
