"""Runs a workload: loads the log once, then has each engine in turn read it, pair after pair."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException
from pymongo.errors import PyMongoError
from pymysql import MySQLError

from bench.broker import Broker
from bench.engine import Engine
from bench.meter import Measurement, Meter
from bench.progress import RunFailedError
from bench.server import Server
from bench.workload import ServerT, Workload

Result = dict[str, Any]
"""One run: workload, engine, pair, and either what `Measurement` has or ``error``."""
TIMEOUT_SECONDS = 180
FAILURES = (RunFailedError, TimeoutError, KafkaException, MySQLError, PyMongoError)
"""What ends one run and not the benchmark."""


def run(
    workload: Workload[ServerT], engines: Sequence[Engine], server: ServerT, say: Callable[[str], None]
) -> Iterator[Result]:
    """Every run's result, as it comes."""
    unprepared = prepare(workload, engines, server)
    start = time.monotonic()
    workload.load(server)
    say(f"{workload.name}: {workload.events:,} rows written in {time.monotonic() - start:.0f} s")
    broker = Broker(workload.topic) if workload.sink == "kafka" else None
    for pair in range(workload.pairs):
        for engine in engines if pair % 2 == 0 else reversed(engines):  # drift hits all alike
            result: Result = {"workload": workload.name, "engine": engine.name, "pair": pair}
            try:
                if engine.base in unprepared:
                    raise unprepared[engine.base]
                result |= asdict(measure(workload, engine, server, broker))
            except FAILURES as error:
                result["error"] = str(error)
            say(summary(result))
            yield result
    if broker:
        broker.remove()
        broker.close()
    server.clean_up()


def prepare(workload: Workload[ServerT], engines: Sequence[Engine], server: ServerT) -> dict[Path, RunFailedError]:
    """Empty tables, and every engine's start position behind them; what failed, by the engines' base."""
    workload.create(server)
    failed = {}
    for engine in {engine.base: engine for engine in reversed(engines)}.values():
        shutil.rmtree(engine.base, ignore_errors=True)
        try:
            engine.prime(replace(workload, sink="counting"), server)
        except RunFailedError as error:
            failed[engine.base] = error
    return failed


def measure(workload: Workload[Any], engine: Engine, server: Server, broker: Broker | None) -> Measurement:
    """One run. Raises `RunFailedError`."""
    if not engine.delivers:
        broker = None
    if broker:
        broker.renew()
    started = engine.launch(workload)
    progress = started.progress
    try:
        events = broker.events if broker else lambda: progress.events
        size = broker.bytes_per_event if broker else lambda: progress.bytes / progress.events
        meter = Meter(started, server.pid, broker.pid if broker else 0, events)
        return meter.run(workload.events, size, TIMEOUT_SECONDS)
    finally:
        started.kill()


def summary(result: Result) -> str:
    """A line of progress."""
    start = f"  {result['workload']:<15}{result['engine']:<23}#{result['pair'] + 1} "
    if "error" in result:
        return f"{start}FAILED: {result['error']}"
    return (
        f"{start}{result['events_per_second']:>8,}/s ({result['events_per_second_warm']:>8,} warm) "
        f"{result['cpu_us_per_event']:>6.2f} µs CPU ({result['cpu_us_per_event_warm']:>6.2f} warm) "
        f"server {result['server_cpu_us_per_event']:>5.2f}  first {result['first_event_seconds']:.2f} s  "
        f"{result['memory_mb']:>6.0f} MB  {result['bytes_per_event']:.0f} B  "
        f"others {result['other_cores']:.2f}"
    )
