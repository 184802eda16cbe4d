"""Latency from commit to consumer: transactions at a pace, each event's arrival noted, at an engine that keeps running.

The clock is the machine's monotonic one, which Python and Java read alike. It starts before COMMIT is sent, so that the
commit itself is part of what is measured. One writer, one table and one partition: the order of commits is the order of
arrivals, and the n-th row is the n-th event.
"""

from __future__ import annotations

import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from bench.broker import Broker
from bench.engine import POLL_SECONDS, Engine
from bench.engines.bare import MESSAGE_BYTES, BareProduce
from bench.engines.limits import bare_producer
from bench.progress import Progress, RunFailedError
from bench.servers.mysql import MySqlServer
from bench.throughput import FAILURES, Result, prepare
from bench.workloads.mysql import MySqlWorkload

DRAIN_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Load:
    """``rate`` events a second (None: as fast as one connection goes) for some seconds, ``rows`` a transaction."""

    name: str
    rate: int | None
    rows: int
    seconds: float


WARM_UP = Load("warm-up", 5000, 10, 5)
LOADS = (Load("idle", 20, 1, 4), Load("5,000/s", 5000, 10, 10), Load("full", None, 100, 2))


def workload(sink: str) -> MySqlWorkload:
    """The outbox that the loads write into."""
    return MySqlWorkload(f"latency-{sink}", f"latency, {sink} sink", 0, 1, sink=sink)


TOPIC = workload("kafka").topic


def run(
    sink: str, engines: Sequence[Engine], repeats: int, server: MySqlServer, say: Callable[[str], None]
) -> Iterator[Result]:
    """Every load's result for every engine, as it comes; into Kafka also the limit's."""
    outbox = workload(sink)
    for repeat in range(repeats):
        for engine in engines:
            yield from _told(_engine_results(outbox, engine, server), outbox, engine.name, repeat, say)
            server.clean_up()
        if sink == "kafka":
            yield from _told(_limit_results(), outbox, BareProduce.name, repeat, say)


def _told(
    results: Sequence[Result], outbox: MySqlWorkload, engine: str, repeat: int, say: Callable[[str], None]
) -> Iterator[Result]:
    for result in results:
        whole = {"workload": outbox.name, "engine": engine, "pair": repeat, **result}
        say(summary(whole))
        yield whole


def _engine_results(outbox: MySqlWorkload, engine: Engine, server: MySqlServer) -> list[Result]:
    try:
        for error in prepare(outbox, [engine], server).values():
            raise error
        return measure(outbox, engine)
    except FAILURES as error:
        return [{"load": load.name, "error": str(error)} for load in LOADS]


def _limit_results() -> list[Result]:
    """The paced loads written straight into the topic: what producer, broker and consumer take by themselves."""
    paced = [load for load in LOADS if load.rate]
    broker = Broker(TOPIC)
    try:
        broker.renew()
        found = _latencies(produce, paced, _ConsumerArrivals(broker), lambda: None)
    except FAILURES as error:
        return [{"load": load.name, "error": str(error)} for load in paced]
    finally:
        broker.close()
    return [_result(load, found[load.name]) for load in paced]


def measure(outbox: MySqlWorkload, engine: Engine) -> list[Result]:
    """One run through all loads. Raises `RunFailedError`."""
    broker = Broker(TOPIC) if outbox.sink == "kafka" else None
    if broker:
        broker.renew()
    started = engine.launch(outbox, arrivals=0 if broker else 2_000_000)
    try:
        arrivals = _ConsumerArrivals(broker) if broker else _SinkArrivals(started.progress)
        found = _latencies(write, LOADS, arrivals, started.check_alive)
    finally:
        started.kill()
        if broker:
            broker.close()
    return [_result(load, found[load.name]) for load in LOADS]


def _result(load: Load, latencies: Sequence[float]) -> Result:
    hundredths = statistics.quantiles(latencies, n=100, method="inclusive")
    return {
        "load": load.name,
        "events": len(latencies),
        "events_per_second": round(len(latencies) / load.seconds),
        "p50_ms": round(hundredths[49], 2),
        "p99_ms": round(hundredths[98], 2),
    }


def _latencies(
    send: Callable[[Load], list[int]],
    loads: Sequence[Load],
    arrivals: _SinkArrivals | _ConsumerArrivals,
    check_alive: Callable[[], None],
) -> dict[str, list[float]]:
    """The latencies in milliseconds of each load's events, which ``send`` writes from a process of its own."""
    writer = multiprocessing.get_context("spawn").Pool(1)  # one process: it never makes a row's id twice
    found: dict[str, list[float]] = {}
    number = 0
    try:
        for load in (WARM_UP, *loads):
            starts = writer.apply(send, (load,))
            first, number = number, number + len(starts)
            deadline = time.monotonic() + DRAIN_SECONDS
            while len(arrivals) < number:
                check_alive()
                if time.monotonic() > deadline:
                    raise RunFailedError(f"{len(arrivals):,} of {number:,} events after {DRAIN_SECONDS} s")
                time.sleep(POLL_SECONDS)
            found[load.name] = [(arrivals[first + n] - start) / 1e6 for n, start in enumerate(starts)]
    finally:
        arrivals.close()
        writer.terminate()
        writer.join()
    return found


def write(load: Load) -> list[int]:
    """Commit transactions at a load's pace; when (ns, monotonic) each row's commit began."""
    with MySqlServer() as server:
        statements = replace(workload("counting"), events=1 << 40, rows=load.rows).inserts()
        if load.rate:  # made before: making them takes as long as half of the pace leaves between two transactions
            transactions = round(load.rate * load.seconds / load.rows)
            statements = chain(list(islice(statements, transactions)), statements)

        def commit() -> int:
            server.execute_together(("BEGIN", next(statements)))
            start = time.monotonic_ns()
            server.execute("COMMIT")
            return start

        return _paced(load, commit)


def produce(load: Load) -> list[int]:
    """Produce messages at a load's pace, as many at once as its transactions have rows; when each was begun."""
    producer, message = bare_producer(), b"x" * MESSAGE_BYTES
    producer.list_topics(TOPIC, DRAIN_SECONDS)  # connects before the first message

    def send() -> int:
        start = time.monotonic_ns()
        for _ in range(load.rows):
            producer.produce(TOPIC, message)
        producer.poll(0)
        return start

    starts = _paced(load, send)
    producer.flush()
    return starts


def _paced(load: Load, transaction: Callable[[], int]) -> list[int]:
    """Call ``transaction``, which gives when it began, at a load's pace; that for each row."""
    starts: list[int] = []
    begin = time.monotonic()
    while time.monotonic() < begin + load.seconds:
        if load.rate:
            time.sleep(max(0.0, begin + len(starts) / load.rate - time.monotonic()))
        starts += [transaction()] * load.rows
    return starts


class _SinkArrivals:
    """Noted by the counting sink."""

    def __init__(self, progress: Progress) -> None:
        self._cells = progress.cells

    def __len__(self) -> int:
        return self._cells[0]

    def __getitem__(self, number: int) -> int:
        return self._cells[Progress.HEAD + number]

    def close(self) -> None:
        pass


class _ConsumerArrivals:
    """Noted by a Kafka consumer in a thread of this process."""

    def __init__(self, broker: Broker) -> None:
        self._times: list[int] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=broker.note_arrivals, args=(self._times, self._ending.is_set))
        self._thread.start()

    def __len__(self) -> int:
        return len(self._times)

    def __getitem__(self, number: int) -> int:
        return self._times[number]

    def close(self) -> None:
        self._ending.set()
        self._thread.join()


def summary(result: Result) -> str:
    """A line of progress."""
    start = f"  {result['workload']:<17}{result['engine']:<21}#{result['pair'] + 1} {result['load']:<8}"
    if "error" in result:
        return f"{start} FAILED: {result['error']}"
    figures = f"p50 {result['p50_ms']:>8.1f} ms  p99 {result['p99_ms']:>8.1f} ms"
    return f"{start} {figures}  ({result['events_per_second']:,} events/s)"
