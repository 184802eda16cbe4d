"""Micro-benchmark of the plan: recorded log bytes of an outbox table to Kafka messages, microseconds of the main
thread an event.

    make bench-plan

Prints, for 20 rows and 1 row a transaction, the planned function alone, and with Producer.produce() into librdkafka's
queue (no broker: the queue is emptied between the runs), beside the floor that produce() alone sets. Each figure is the
median of several runs. The design's throwaway experiment is printed for comparison; it ran on another log (MariaDB's)
and another machine, with an envelope of 902 bytes.
"""

from __future__ import annotations

import base64
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import confluent_kafka

from headwater import __version__, compiled
from headwater.converters import json as json_converter
from headwater.converters import simple_header
from headwater.plan import Converters, Plan, plan
from headwater.sink import Message
from headwater.sources.envelope import context_headers
from headwater.sources.mysql.events import read_rows_head
from headwater.sources.mysql.shapes import ShapeOptions, table_shapes
from headwater.sources.mysql.table import Column, Table
from headwater.sources.mysql.table_map import TableMap
from headwater.sources.mysql.types import ValueOptions

DATA = Path(__file__).parent / "data"
EVENTS, RUNS = 40_000, 5
DESIGN = {"generated function per table, fused": (4.0, 5.8), "floor: Producer.produce() alone": (1.2, 1.2)}
TEXT = {"charset": "utf8mb4", "nullable": False}
TABLE = Table(
    "bench",
    "outbox",
    (
        Column("id", "char", length=36, **TEXT),
        *(Column(name, "varchar", length=255, **TEXT) for name in ("aggregate_type", "aggregate_id", "type")),
        Column("payload", "json", nullable=False),
        Column("timestamp", "timestamp", nullable=False, length=0, default="CURRENT_TIMESTAMP", expression=True),
    ),
    key=("id",),
    primary_key=("id",),
)


def load(rows: int, *, headers: bool) -> tuple[Plan, tuple[object, ...]]:
    """The plan for a recorded event, and the arguments that the source passes for it."""
    recorded = json.loads((DATA / f"outbox-{rows}.json").read_text())
    table_map = TableMap.parse(base64.b64decode(recorded["table_map"]))
    body = base64.b64decode(recorded["write_rows"])
    options = ShapeOptions(
        prefix="bench",
        values=ValueOptions(),
        tombstones=True,
        headers=context_headers("bench", "mysql", 0, "0") if headers else (),
        captures_column=lambda *_: True,
    )
    converter = json_converter.create({"schemas.enable": "false"}, is_key=False)
    converters = Converters(converter, converter, simple_header.create({}, is_key=False))
    planned = plan(table_shapes(TABLE, table_map.physical, options).create, converters)
    _, columns, bitmaps = read_rows_head(body, 0, len(body), version=2)
    first = bitmaps + (columns + 7) // 8
    gtid = "c70788c5-e60c-11f1-be6e-02fc00000001:17"
    arguments = (body, first, len(body), 1, gtid, "binlog.000001", 10941, 17, 1_795_308_197_165_997)
    return planned, arguments


def measure(run: Callable[[], None], after: Callable[[], None] = lambda: None) -> float:
    """Median microseconds of this thread's CPU time an event."""
    times = []
    for _ in range(RUNS):
        start = time.thread_time()
        run()
        times.append(time.thread_time() - start)
        after()
    return statistics.median(times) / EVENTS * 1e6


def producer() -> confluent_kafka.Producer:
    """A producer without a broker, its queue large enough for a run."""
    return confluent_kafka.Producer(
        {
            "bootstrap.servers": "127.0.0.1:1",
            "queue.buffering.max.messages": EVENTS * 2,
            "queue.buffering.max.kbytes": 1 << 20,
            "delivery.report.only.error": True,
            "log_level": 0,
        },
        logger=None,
    )


def measure_rows(rows: int, *, headers: bool) -> dict[str, float]:
    """The figures for one recorded event."""
    planned, arguments = load(rows, headers=headers)
    function, calls = planned.function, EVENTS // rows
    sample = function(*arguments)
    kafka = producer()
    produce = kafka.produce

    def decode_and_encode() -> None:
        for _ in range(calls):
            function(*arguments)

    def send(messages: list[Message]) -> None:
        for _, topic, key, value, found, *_ in messages:
            produce(topic, value, key, headers=found) if found else produce(topic, value, key)

    def with_produce() -> None:
        for _ in range(calls):
            send(function(*arguments))

    def produce_alone() -> None:
        for _ in range(calls):
            send(sample)

    def empty() -> None:
        kafka.purge(in_queue=True, in_flight=True, blocking=True)
        while len(kafka):
            kafka.poll(0.1)

    size = len(sample[0][3] or b"")
    return {
        "bytes a message": size,
        "plan": measure(decode_and_encode),
        "plan and produce()": measure(with_produce, empty),
        "produce() alone": measure(produce_alone, empty),
    }


def main() -> None:
    """Print the table."""
    print(f"headwater {__version__}, {compiled.describe()}")
    print(f"Python {platform.python_version()}, {platform.machine()}, librdkafka {confluent_kafka.libversion()[0]}")
    print(f"{EVENTS:,} events a run, median of {RUNS} runs\n")
    print(f"{'µs of the main thread an event':<44}{'20 rows':>10}{'1 row':>10}")
    for headers in (True, False):
        figures = [measure_rows(rows, headers=headers) for rows in (20, 1)]
        title = "with __debezium.context headers (default)" if headers else "extended.headers.enabled=false"
        print(f"{title}, {figures[0]['bytes a message']} B")
        for name in ("plan", "plan and produce()", "produce() alone"):
            print(f"  {name:<42}{figures[0][name]:>10.2f}{figures[1][name]:>10.2f}")
    print("the design's experiment (another log and machine)")
    for name, (twenty, one) in DESIGN.items():
        print(f"  {name:<42}{twenty:>10.2f}{one:>10.2f}")


if __name__ == "__main__":
    sys.exit(main())
