"""What the benchmark says of its runs: its verdicts are only worth something if they can be no."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import report
from bench.marks import pair_ratio, verdicts


def throughput(engine: str, pair: int, cpu: float, rate: float, **more: Any) -> dict[str, Any]:
    figures = {
        "events": 1000,
        "bytes_per_event": 1000.0,
        "events_per_second": rate,
        "events_per_second_warm": rate,
        "cpu_us_per_event": cpu,
        "cpu_us_per_event_warm": cpu,
        "cpu_seconds_total": 1.0,
        "server_cpu_us_per_event": 1.0,
        "broker_cpu_us_per_event": 0.0,
        "first_event_seconds": 0.5,
        "memory_mb": 70.0,
    }
    return {"workload": "json-100", "engine": engine, "pair": pair, **figures, **more}


def failed(engine: str, pair: int) -> dict[str, Any]:
    return {"workload": "json-100", "engine": engine, "pair": pair, "error": "ended with status 1"}


def results(*runs: dict[str, Any]) -> dict[str, Any]:
    return {
        "date": "2026-01-01",
        "quick": False,
        "machine": {"processors": "2", "processor": "p", "memory": "8 GB", "system": "Linux"},
        "versions": {"headwater": "1.0, compiled: headwater.x"},
        "settings": {"mysql": {"gtid_mode": "ON"}},
        "workloads": {"json-100": {"title": "the outbox", "events": 1000, "sink": "counting"}},
        "runs": list(runs),
    }


def verdict(name: str, *runs: dict[str, Any]) -> Any:
    return next(found for found in verdicts(runs) if found.mark == name)


def test_a_factor_is_the_median_of_the_pairs_not_of_the_runs() -> None:
    """A machine that was ten times slower in one pair was so for both."""
    runs = [
        *(throughput("headwater", 0, 10, 1000), throughput("debezium", 0, 60, 100)),
        *(throughput("headwater", 1, 100, 100), throughput("debezium", 1, 700, 10)),
        *(throughput("headwater", 2, 10, 1000), throughput("debezium", 2, 80, 100)),
    ]
    assert pair_ratio(runs, "json-100", "debezium", "headwater", "cpu_us_per_event") == 7


@pytest.mark.parametrize(("cpu", "met"), [(10.0, True), (10.1, False)])
def test_a_mark_is_met_or_not(cpu: float, met: bool) -> None:
    runs = (throughput("headwater", 0, cpu, 1000), throughput("debezium", 0, 50, 100))
    assert verdict("json-100: less CPU than debezium", *runs).met is met


def test_a_mark_asks_for_no_more_than_85_percent_of_the_limit() -> None:
    runs = (
        throughput("headwater", 0, 10, 1000),
        throughput("debezium", 0, 40, 500),
        throughput("limit-read", 0, 8.5, 1700),
    )
    cpu = verdict("json-100: less CPU than debezium", *runs)
    rate = verdict("json-100: throughput over debezium", *runs)
    assert (cpu.met, cpu.asked) == (True, "4.0× (85 % of the limit; else 5×)")
    assert (rate.met, rate.asked) == (False, "2.9× (85 % of the limit; else 3×)")


def test_a_mark_without_a_good_run_is_not_measured() -> None:
    runs = (failed("headwater", 0), throughput("debezium", 0, 40, 500))
    assert verdict("json-100: less CPU than debezium", *runs).met is None
    assert verdict("json-100: first event", *runs).met is None


def test_a_latency_at_less_than_the_load_is_not_measured() -> None:
    run = {"workload": "latency-kafka", "engine": "headwater", "pair": 0, "load": "5,000/s", "p99_ms": 3.0}
    assert verdict("p99 at 5,000 events/s, kafka sink", {**run, "events_per_second": 5000}).met is True
    assert verdict("p99 at 5,000 events/s, kafka sink", {**run, "events_per_second": 3000}).met is None


def test_a_failed_run_shows() -> None:
    text = report.markdown([results(throughput("debezium", 0, 40, 500), failed("debezium", 1))])
    assert "2 runs, 1 of them failed" in text
    assert "| 2, **1 failed** |" in text


def test_unequal_work_shows() -> None:
    same = results(throughput("headwater", 0, 1, 1), throughput("debezium", 0, 1, 1, bytes_per_event=1019.0))
    longer = results(throughput("headwater", 0, 1, 1), throughput("debezium", 0, 1, 1, bytes_per_event=1021.0))
    fewer = results(throughput("headwater", 0, 1, 1), throughput("debezium", 0, 1, 1, events=999))
    assert "json-100: equal" in report.equal_work(same)[0]
    assert "**not equal**" in report.equal_work(longer)[0]
    assert "**not equal**" in report.equal_work(fewer)[0]


def test_only_what_is_between_the_markers_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    for _ in range(2):
        report.update_page(page, [results(throughput("headwater", 0, 10, 1000))])
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith(f"{report.END}\nafter\n")
    assert "old" not in text
    assert text.count("### The marks") == 1


def on_mongodb(run: dict[str, Any]) -> dict[str, Any]:
    return {**run, "workload": "mongodb-200"}


def test_files_are_reported_together_each_with_its_date() -> None:
    workload = {"title": "documents", "events": 1000, "sink": "counting"}
    mysql = results(throughput("headwater", 0, 10, 1000), throughput("debezium", 0, 50, 100))
    mongodb = results(on_mongodb(throughput("headwater", 0, 10, 1000)), on_mongodb(throughput("debezium", 0, 50, 100)))
    mongodb |= {"date": "2026-02-02", "workloads": {"mongodb-200": workload}}
    text = report.markdown(report.combined([mysql, mongodb]))
    assert "2026-01-01: json-100. 2 processors" in text
    assert "2026-02-02: mongodb-200. 2 processors" in text
    assert "| json-100: less CPU than debezium | 5× | 5.0× | yes |" in text
    assert "| mongodb-200: less CPU than debezium | 5× | 5.0× | yes |" in text


def test_of_a_workload_in_two_files_the_last_counts_alone() -> None:
    old, new = (results(throughput("headwater", 0, cpu, 1000)) for cpu in (10, 20))
    assert report.combined([old, new]) == [new]
    kept = on_mongodb(throughput("headwater", 0, 10, 1000))
    partly, _ = report.combined([{**old, "runs": [*old["runs"], kept]}, new])
    assert partly["runs"] == [kept]
    assert partly["workloads"] == {}
