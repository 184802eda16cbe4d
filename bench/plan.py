"""Micro-benchmark of the plan: bytes that a server sent to Kafka messages, microseconds of the main thread an event.

    make bench-plan

Prints, for each case of `bench.plan_cases`, the messages being made, and the same with Producer.produce() into
librdkafka's queue (no broker: the queue is emptied between the runs), beside the floor that produce() alone sets. Each
figure is the median of several runs. The design's throwaway experiment is printed for comparison; it ran on another
log (MariaDB's) and another machine, with an envelope of 902 bytes.
"""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable

import confluent_kafka

from bench.plan_cases import Case, cases
from headwater import __version__, compiled
from headwater.sink import Message

EVENTS, BYTES, RUNS = 40_000, 100_000_000, 5
"""How long a run is: so many events, or so many bytes of messages where they are large."""
DESIGN = """\
the design's experiment (MySQL, 20 rows a transaction / 1 row; another log and machine)
  generated function per table, fused: 4.0 / 5.8    floor, Producer.produce() alone: 1.2"""


def measure(run: Callable[[], None], events: int, after: Callable[[], None] = lambda: None) -> float:
    """Median microseconds of this thread's CPU time an event."""
    times = []
    for _ in range(RUNS):
        start = time.thread_time()
        run()
        times.append(time.thread_time() - start)
        after()
    return statistics.median(times) / events * 1e6


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


def measure_case(case: Case) -> tuple[int, float, float, float]:
    """Bytes of a message, then µs: made, made and produced, produced."""
    sample = case.run()
    size = len(sample[0][3] or b"")
    calls = max(1, min(EVENTS, BYTES // size) // case.events)
    kafka = producer()
    produce = kafka.produce

    def make() -> None:
        for _ in range(calls):
            case.run()

    def send(messages: list[Message]) -> None:
        for _, topic, key, value, found, _, _ in messages:
            produce(topic, value, key, headers=found) if found else produce(topic, value, key)

    def make_and_produce() -> None:
        for _ in range(calls):
            send(case.run())

    def produce_alone() -> None:
        for _ in range(calls):
            send(sample)

    def empty() -> None:
        kafka.purge(in_queue=True, in_flight=True, blocking=True)
        while len(kafka):
            kafka.poll(0.1)

    events = calls * case.events
    return size, measure(make, events), measure(make_and_produce, events, empty), measure(produce_alone, events, empty)


def main() -> None:
    """Print the table."""
    print(f"headwater {__version__}, {compiled.describe()}")
    print(f"Python {platform.python_version()}, {platform.machine()}, librdkafka {confluent_kafka.libversion()[0]}")
    print(f"{EVENTS:,} events a run or {BYTES // 1_000_000} MB, median of {RUNS} runs\n")
    print(f"{'µs of the main thread an event':<42}{'bytes':>8}{'plan':>8}{'plan and produce()':>20}{'produce()':>11}")
    for headers in (True, False):
        print("with __debezium.context headers (default)" if headers else "extended.headers.enabled=false")
        for case in cases(headers=headers):
            size, plan, both, alone = measure_case(case)
            print(f"  {case.title:<40}{size:>8,}{plan:>8.2f}{both:>20.2f}{alone:>11.2f}")
    print(DESIGN)


if __name__ == "__main__":
    sys.exit(main())
