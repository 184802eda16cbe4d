"""The marks that Headwater has set itself, and whether a result meets them.

A factor is against Debezium, pair by pair, median of the pairs; against its defaults and against its best tuning. No
mark asks for more than `LIMIT_SHARE` of what the limit readers reach.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

Run = dict[str, Any]
LIMIT_SHARE = 0.85
MOST_FOR_AVRO = 1.5
"""How many times JSON's CPU Avro may take."""
STEADY = 4750
"""How many of 5,000 events a second the writer must have reached for the latency to say something."""
OURS = "headwater"
PEERS = ("debezium", "debezium-tuned")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the table; ``met`` None where a run that it needs is missing."""

    mark: str
    asked: str
    measured: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class Factor:
    """How many times better than Debezium: in CPU time an event, and in events a second."""

    workload: str
    cpu: float
    throughput: float


FACTORS = (
    Factor("json-100", 5, 3),
    Factor("plain-100", 8, 4),
    Factor("json-1", 5, 3),
    Factor("plain-1", 5, 3),
    Factor("router", 5, 3),
    Factor("unwrap", 5, 3),
    Factor("five-transforms", 5, 3),
    Factor("avro", 5, 3),
    Factor("kafka-json-100", 5, 3),
    Factor("kafka-json-1", 5, 3),
    Factor("mongodb-200", 5, 4),
    Factor("mongodb-2k", 5, 4),
    Factor("mongodb-100k", 5, 4),
)


def verdicts(runs: Sequence[Run]) -> list[Verdict]:
    """All marks."""
    found = [verdict for factor in FACTORS for verdict in _factor_verdicts(factor, runs)]
    for workload in ("json-100", "kafka-json-100"):
        found.append(_below(f"{workload}: memory, worker and one task", "memory_mb", 80, "MB", runs, workload=workload))
        found.append(_below(f"{workload}: first event", "first_event_seconds", 1, "s", runs, workload=workload))
    found.append(_at_least_as_fast("router", "json-100", runs))
    found.append(_little_more_cpu("avro", "json-100", runs))
    return [*found, *(_latency_verdict(sink, runs) for sink in ("counting", "kafka"))]


def good(runs: Iterable[Run], **about: str) -> list[Run]:
    """The runs that succeeded and match."""
    return [run for run in runs if "error" not in run and all(run.get(key) == value for key, value in about.items())]


def median(runs: Sequence[Run], figure: str) -> float | None:
    """Of a figure over runs; None without any."""
    return statistics.median(run[figure] for run in runs) if runs else None


def pair_ratio(runs: Sequence[Run], workload: str, over: str, under: str, figure: str) -> float | None:
    """Median over the pairs of one engine's figure divided by another's."""
    upper = {run["pair"]: run[figure] for run in good(runs, workload=workload, engine=over)}
    lower = {run["pair"]: run[figure] for run in good(runs, workload=workload, engine=under)}
    ratios = [upper[pair] / lower[pair] for pair in upper.keys() & lower.keys() if lower[pair]]
    return statistics.median(ratios) if ratios else None


def _factor_verdicts(factor: Factor, runs: Sequence[Run]) -> list[Verdict]:
    found = []
    for peer in PEERS:
        cpu = pair_ratio(runs, factor.workload, peer, OURS, "cpu_us_per_event")
        rate = pair_ratio(runs, factor.workload, OURS, peer, "events_per_second")
        limit_cpu, limit_rate = _limit(runs, factor.workload)
        peer_cpu = median(good(runs, workload=factor.workload, engine=peer), "cpu_us_per_event")
        peer_rate = median(good(runs, workload=factor.workload, engine=peer), "events_per_second")
        most_cpu = peer_cpu * LIMIT_SHARE / limit_cpu if peer_cpu and limit_cpu else None
        most_rate = limit_rate * LIMIT_SHARE / peer_rate if peer_rate and limit_rate else None
        found.append(_times(f"{factor.workload}: less CPU than {peer}", factor.cpu, most_cpu, cpu))
        found.append(_times(f"{factor.workload}: throughput over {peer}", factor.throughput, most_rate, rate))
    return found


def _at_least_as_fast(workload: str, other: str, runs: Sequence[Run]) -> Verdict:
    """Of two workloads, by their medians."""
    ratio = _median_ratio(workload, other, "events_per_second", runs)
    return _ratio_verdict(f"{workload}: throughput over {other}", "1×", ratio, met=ratio is not None and ratio >= 1)


def _little_more_cpu(workload: str, other: str, runs: Sequence[Run]) -> Verdict:
    """Of two workloads, by their medians."""
    ratio = _median_ratio(workload, other, "cpu_us_per_event", runs)
    asked = f"at most {MOST_FOR_AVRO:g}×"
    return _ratio_verdict(
        f"{workload}: CPU over {other}", asked, ratio, met=ratio is not None and ratio <= MOST_FOR_AVRO
    )


def _median_ratio(over: str, under: str, figure: str, runs: Sequence[Run]) -> float | None:
    """Headwater's median in one workload divided by that in another; None where one is missing."""
    upper, lower = (median(good(runs, workload=each, engine=OURS), figure) for each in (over, under))
    return upper / lower if upper is not None and lower else None


def _ratio_verdict(mark: str, asked: str, ratio: float | None, *, met: bool) -> Verdict:
    if ratio is None:
        return Verdict(mark, asked, "no runs", None)
    return Verdict(mark, asked, f"{ratio:.2f}×", met)


def _latency_verdict(sink: str, runs: Sequence[Run]) -> Verdict:
    about = {"workload": f"latency-{sink}", "load": "5,000/s"}
    limit = median(good(runs, engine="limit-produce", **about), "p99_ms") or 0
    verdict = _below(f"p99 at 5,000 events/s, {sink} sink", "p99_ms", max(20, limit / LIMIT_SHARE), "ms", runs, **about)
    rate = median(good(runs, engine=OURS, **about), "events_per_second")
    if rate is not None and rate < STEADY:
        return replace(verdict, measured=f"{verdict.measured} at only {rate:,.0f} events/s", met=None)
    return verdict


def _limit(runs: Sequence[Run], workload: str) -> tuple[float | None, float | None]:
    """(CPU µs an event, events a second) that no engine can better: reading and, into Kafka, producing."""
    limits = [good(runs, workload=workload, engine=name) for name in ("limit-read", "limit-produce")]
    cpu = [value for limit in limits if (value := median(limit, "cpu_us_per_event")) is not None]
    rates = [value for limit in limits if (value := median(limit, "events_per_second")) is not None]
    return sum(cpu) if cpu else None, min(rates) if rates else None


def _times(mark: str, factor: float, most: float | None, measured: float | None) -> Verdict:
    asked = factor if most is None else min(factor, most)
    text = f"{factor:g}×" if asked == factor else f"{asked:.1f}× (85 % of the limit; else {factor:g}×)"
    if measured is None:
        return Verdict(mark, text, "no runs", None)
    return Verdict(mark, text, f"{measured:.1f}×", measured >= asked)


def _below(mark: str, figure: str, most: float, unit: str, runs: Sequence[Run], **about: str) -> Verdict:
    measured = median(good(runs, engine=OURS, **about), figure)
    if measured is None:
        return Verdict(mark, f"< {most:.3g} {unit}", "no runs", None)
    return Verdict(mark, f"< {most:.3g} {unit}", f"{measured:.3g} {unit}", measured < most)
