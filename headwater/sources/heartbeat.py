"""Heartbeats: messages in regular intervals, which show that a connector lives where its log is quiet.

Source: ``io.debezium.heartbeat.HeartbeatImpl`` and ``AbstractTopicNamingStrategy`` of Debezium 3.6.
"""

from __future__ import annotations

import time
from dataclasses import replace

from headwater.config import Config, Importance, Option, OptionType, Width, at_least
from headwater.record import Record, struct
from headwater.source import Batch
from headwater.sources.envelope import INT64, STRING

INTERVAL = Option(
    "heartbeat.interval.ms",
    OptionType.INT,
    0,
    "How often a heartbeat is sent while the log is read, in milliseconds, at most twice a second where it is quiet; 0 "
    "sends none.",
    validator=at_least(0),
    label="Connector heartbeat interval (milli-seconds)",
    width=Width.MEDIUM,
)
TOPIC_PREFIX = Option(
    "topic.heartbeat.prefix",
    OptionType.STRING,
    "__debezium-heartbeat",
    "Heartbeats go to the topic of this name, a dot and topic.prefix.",
    Importance.LOW,
    label="Prefix name of heartbeat topic",
    width=Width.MEDIUM,
)
TOPIC_NAME = Option(
    "topic.heartbeat.name",
    OptionType.STRING,
    None,
    "The whole name of the heartbeats' topic, in place of the one made with topic.heartbeat.prefix.",
    Importance.LOW,
    label="Full name of heartbeat topic",
    width=Width.MEDIUM,
)

_KEY = struct("io.debezium.connector.common.ServerNameKey", ("serverName", STRING), version=1)
_VALUE = struct("io.debezium.connector.common.Heartbeat", ("ts_ms", INT64), version=1)


class Heartbeats:
    """The heartbeats of one task, the first of them an interval after its start."""

    def __init__(self, config: Config) -> None:
        self._prefix = config["topic.prefix"]
        self._topic = config[TOPIC_NAME.name] or f"{config[TOPIC_PREFIX.name]}.{self._prefix}"
        self._seconds = config[INTERVAL.name] / 1000
        self._last = time.monotonic()

    def behind(self, batch: Batch) -> Batch:
        """The batch with a heartbeat at its end, where one is due and the log can be resumed from there."""
        now = time.monotonic()
        if not self._seconds or batch.offset is None or now - self._last < self._seconds:
            return batch
        self._last = now
        # Where nothing came, the log is read to its end: of the heartbeat's time.
        event_time = batch.event_time if batch.items else time.time()
        return replace(batch, items=[*batch.items, self._record()], event_time=event_time)

    def _record(self) -> Record:
        value = {"ts_ms": time.time_ns() // 1_000_000}
        return Record(self._topic, _KEY, {"serverName": self._prefix}, _VALUE, value, partition=0)
