"""Turns result files into the tables of ``docs/performance.md``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.marks import PEERS, Run, good, median, verdicts

BEGIN = "<!-- bench:begin, written by `make bench` -->"
END = "<!-- bench:end -->"
PLOT = "![Throughput and CPU time of Headwater and Debezium](images/performance.png)"
TITLES = {
    "headwater": "Headwater",
    "headwater-interpreted": "Headwater, interpreted",
    "debezium": "Debezium",
    "debezium-tuned": "Debezium, tuned",
    "limit-read": "*limit: reading*",
    "limit-produce": "*limit: produce()*",
}
SAME_SIZE = 0.02
"""How far mean sizes may be apart: version numbers and time stamps have other lengths."""

Results = Mapping[str, Any]
"""What a result file has: date, machine, versions, settings, workloads, runs."""


def combined(files: Sequence[Results]) -> list[Results]:
    """The files with each workload in one of them only: the last that has it."""
    last = {name: number for number, results in enumerate(files) for name in _measured(results)}
    parts: list[Results] = []
    for number, results in enumerate(files):
        names = [name for name in _measured(results) if last[name] == number]
        runs = [run for run in results["runs"] if run["workload"] in names]
        workloads = {name: results["workloads"][name] for name in names if name in results["workloads"]}
        if names:
            parts.append({**results, "workloads": workloads, "runs": runs})
    return parts


def _measured(results: Results) -> dict[str, None]:
    """The workloads that were run, latencies among them."""
    return dict.fromkeys(run["workload"] for run in results["runs"])


def all_runs(parts: Iterable[Results]) -> list[Run]:
    """Of all parts."""
    return [run for results in parts for run in results["runs"]]


def markdown(parts: Sequence[Results]) -> str:
    """All tables. Each part says when and with what it was measured."""
    runs = all_runs(parts)
    texts = [
        *(_head(results, names=len(parts) > 1) for results in parts),
        "### The marks",
        _table(("mark", "asked", "measured", "met"), _mark_rows(runs)),
        "### Throughput, CPU, memory",
        *(text for results in parts for text in _throughput(results)),
        "### Latency, commit to consumer",
        _table(
            ("sink", "load", "engine", "p50 ms", "p99 ms", "events/s", "runs"),
            _latency_rows(runs),
            text=3,
        ),
        "### Equal work",
        "\n".join(f"- {line}" for results in parts for line in equal_work(results)),
        "### Machine, versions, settings",
        *(_facts(results) for results in parts),
    ]
    return "\n\n".join(texts) + "\n"


def update_page(page: Path, parts: Sequence[Results]) -> None:
    """Write the plot's link and the tables between the markers of a page."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{PLOT}\n\n{markdown(parts)}\n{END}{after}")


def equal_work(results: Results) -> list[str]:
    """For each workload whether all engines delivered the same number of events of the same size."""
    lines = []
    for name in results["workloads"]:
        runs = [run for run in good(results["runs"], workload=name) if not run["engine"].startswith("limit-")]
        if not runs or "bytes_per_event" not in runs[0]:
            continue
        events, sizes = {run["events"] for run in runs}, [run["bytes_per_event"] for run in runs]
        same = len(events) == 1 and max(sizes) <= min(sizes) * (1 + SAME_SIZE)
        count = f"{events.pop():,}" if len(events) == 1 else "**different numbers of**"
        sizes_text = (
            f"{min(sizes):,.0f} to {max(sizes):,.0f} B" if max(sizes) - min(sizes) > 1 else f"{sizes[0]:,.0f} B"
        )
        lines.append(
            f"{name}: {'equal' if same else '**not equal**'}: {count} events of {sizes_text} in {len(runs)} runs"
        )
    return lines


def _head(results: Results, *, names: bool) -> str:
    machine = results["machine"]
    failed = sum("error" in run for run in results["runs"])
    quick = " **A quick run: too short to be quoted.**" if results["quick"] else ""
    build = results["versions"]["headwater"].partition(":")[0]
    of = f": {', '.join(_measured(results))}" if names else ""
    return (
        f"{results['date']}{of}. {machine['processors']} processors ({machine['processor']}), {machine['memory']}, "
        f"{machine['system']}. Headwater {build}. Medians; {len(results['runs'])} runs, {failed} of them failed.{quick}"
    )


def _mark_rows(runs: Sequence[Run]) -> Iterator[Sequence[str]]:
    words = {True: "yes", False: "**no**", None: "not measured"}
    for verdict in verdicts(runs):
        yield verdict.mark, verdict.asked, verdict.measured, words[verdict.met]


def _throughput(results: Results) -> Iterator[str]:
    columns = (
        *("engine", "events/s", "warm half", "CPU µs/event", "warm half", "CPU s in all"),
        *("server µs", "broker µs", "first event s", "memory MB", "runs"),
    )
    for name, workload in results["workloads"].items():
        runs = [run for run in results["runs"] if run["workload"] == name]
        yield f"**{name}**: {workload['title']}; {workload['events']:,} events, {workload['sink']} sink."
        yield _table(columns, (_throughput_row(engine, runs) for engine in TITLES if _has(runs, engine=engine)))


def _has(runs: Iterable[Run], **about: str) -> bool:
    return any(all(run.get(key) == value for key, value in about.items()) for run in runs)


def _throughput_row(engine: str, runs: Sequence[Run]) -> Sequence[str]:
    ran = good(runs, engine=engine)
    figures = (
        ("events_per_second", ",.0f"),
        ("events_per_second_warm", ",.0f"),
        ("cpu_us_per_event", ".2f"),
        ("cpu_us_per_event_warm", ".2f"),
        ("cpu_seconds_total", ".2f"),
        ("server_cpu_us_per_event", ".2f"),
        ("broker_cpu_us_per_event", ".2f"),
        ("first_event_seconds", ".2f"),
        ("memory_mb", ",.0f"),
    )
    return TITLES[engine], *(_figure(ran, name, form) for name, form in figures), _count(runs, engine=engine)


def _latency_rows(runs: Sequence[Run]) -> Iterator[Sequence[str]]:
    loads = dict.fromkeys((run["workload"], run["load"]) for run in runs if "load" in run)
    for workload, load in loads:
        for engine in ("headwater", *PEERS, "limit-produce"):
            about = {"workload": workload, "load": load, "engine": engine}
            ran = good(runs, **about)
            if not _has(runs, **about):
                continue
            figures = (_figure(ran, name, form) for name, form in (("p50_ms", ",.1f"), ("p99_ms", ",.1f")))
            rate = _figure(ran, "events_per_second", ",.0f")
            yield workload.removeprefix("latency-"), load, TITLES[engine], *figures, rate, _count(runs, **about)


def _figure(runs: Sequence[Run], name: str, form: str) -> str:
    value = median(runs, name)
    return "–" if value is None else format(value, form)


def _count(runs: Sequence[Run], **about: str) -> str:
    """How many runs there are, and how many failed."""
    tried = [run for run in runs if all(run.get(key) == value for key, value in about.items())]
    failed = sum("error" in run for run in tried)
    return f"{len(tried)}, **{failed} failed**" if failed else str(len(tried))


def _facts(results: Results) -> str:
    versions = ", ".join(f"{name} {value}" for name, value in results["versions"].items())
    lines = [f"{results['date']}: {versions}."]
    for name, values in results["settings"].items():
        shown = ", ".join(f"`{option}={value}`" for option, value in values.items() if value)
        lines.append(f"- {name}: {shown or 'defaults'}")
    return "\n\n".join((lines[0], "\n".join(lines[1:])))


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], text: int = 1) -> str:
    """A Markdown table; all columns but the first ``text`` are numbers."""
    rule = [":--" if number < text else "--:" for number in range(len(columns))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, rule, *rows))
