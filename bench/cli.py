"""The command: runs everything, writes the result file after each run, and the tables and the plot at the end."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bench import chart, latency, machine, report, throughput
from bench.engine import Engine
from bench.engines.bare import BareProduce, BareReceive
from bench.engines.debezium import Debezium, TunedDebezium
from bench.engines.headwater import Headwater, HeadwaterInterpreted
from bench.server import MySqlServer
from bench.workload import WORKLOADS, Workload

REPOSITORY = Path(__file__).parents[1]
WORK = REPOSITORY / "build" / "bench"
RESULTS = REPOSITORY / "bench" / "results"
PAGE = REPOSITORY / "docs" / "performance.md"
PLOT = REPOSITORY / "docs" / "images" / "performance.png"
ENGINES: tuple[type[Engine], ...] = (
    *(BareReceive, Headwater, HeadwaterInterpreted, Debezium, TunedDebezium, BareProduce),
)
ALL_ENGINES = ",".join(kind.name for kind in ENGINES)
LATENCIES = {"latency-counting": "counting", "latency-kafka": "kafka"}
NAMES = (*(workload.name for workload in WORKLOADS), *LATENCIES)
LATENCY_REPEATS = 3


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Headwater beside Debezium on one MySQL log, into a counting sink and into Kafka."""


@main.command()
@click.option("--quick", is_flag=True, help="A tenth of the events, one pair: to develop with, not to quote.")
@click.option("--only", default=",".join(NAMES), help=f"Workloads, with commas between: {', '.join(NAMES)}.")
@click.option("--engines", default=ALL_ENGINES, help=f"Engines, with commas between: {ALL_ENGINES}.")
@click.option("--pairs", type=int, help="How often each engine runs each workload.")
@click.option(
    "--resume",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The result FILE of a run that ended early: goes on behind the last workload that it finished.",
)
def run(quick: bool, only: str, engines: str, pairs: int | None, resume: Path | None) -> None:
    """Measure. Only a run of everything, and not a quick one, goes into the documentation.

    Wants MYSQL_URL and KAFKA_BOOTSTRAP_SERVERS: servers that it may use as it likes. It drops the database bench and
    purges the binary log.
    """
    os.environ.pop(
        "PYTHONDONTWRITEBYTECODE", None
    )  # an installed package has its bytecode, and so have the engines here
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # which ends the engines, as Ctrl-C does
    names, wanted = only.split(","), engines.split(",")
    unknown = (set(names) - set(NAMES)) | (set(wanted) - {kind.name for kind in ENGINES})
    if unknown:
        raise click.UsageError(f"there is no {', '.join(sorted(unknown))}")
    contenders = [kind(WORK) for kind in ENGINES if kind.name in wanted]
    chosen = [_scaled(workload, quick=quick, pairs=pairs) for workload in WORKLOADS if workload.name in names]
    repeats = pairs or (1 if quick else LATENCY_REPEATS)
    whole = not quick and pairs is None and set(names) == set(NAMES) and len(contenders) == len(ENGINES)
    file = resume or (RESULTS if whole else WORK) / f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H%M}.json"
    with MySqlServer() as server:
        results = _head(server, chosen, quick=quick)
        if resume is not None:
            earlier = json.loads(resume.read_text())
            if any(earlier[part] != results[part] for part in ("machine", "versions", "settings")):
                raise click.UsageError(f"{resume} is of another machine, other versions or other settings")
            results["runs"] = _finished(earlier["runs"])
            results["workloads"] = {**earlier["workloads"], **results["workloads"]}
            done = {result["workload"] for result in results["runs"]}
            chosen = [workload for workload in chosen if workload.name not in done]
            names = [name for name in names if name not in done]
        for result in _all_runs(chosen, [name for name in names if name in LATENCIES], contenders, repeats, server):
            results["runs"].append(result)
            _write(file, results)
    _finish(file, results, publish=whole)


@main.command(name="report")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def write_report(file: Path) -> None:
    """Write the documentation's table and plot from a result FILE."""
    _finish(file, json.loads(file.read_text()), publish=True)


def _scaled(workload: Workload, *, quick: bool, pairs: int | None) -> Workload:
    events = max(workload.events // 10, 10 * workload.tables) if quick else workload.events
    return replace(workload, events=events, pairs=pairs or (1 if quick else workload.pairs))


def _head(server: MySqlServer, workloads: Sequence[Workload], *, quick: bool) -> dict[str, Any]:
    return {
        "date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC",
        "quick": quick,
        "machine": machine.machine(),
        "versions": machine.versions(server),
        "settings": machine.settings(server),
        "workloads": {workload.name: machine.workload_settings(workload) for workload in workloads},
        "runs": [],
    }


def _finished(runs: Sequence[throughput.Result]) -> list[throughput.Result]:
    """The runs of every workload but the last, which may have ended before its last run."""
    return [result for result in runs if result["workload"] != runs[-1]["workload"]] if runs else []


def _all_runs(
    workloads: Sequence[Workload],
    latencies: Sequence[str],
    engines: Sequence[Engine],
    repeats: int,
    server: MySqlServer,
) -> Iterable[throughput.Result]:
    for workload in workloads:
        taking_part = [engine for engine in engines if engine.takes_part_in(workload)]
        yield from throughput.run(workload, taking_part, server, _say)
    for name in latencies:
        contenders = [engine for engine in engines if engine.has_latency]
        yield from latency.run(LATENCIES[name], contenders, repeats, server, _say)


def _say(line: str) -> None:
    click.echo(f"{dt.datetime.now(dt.UTC):%H:%M:%S} {line}", err=True)


def _write(file: Path, results: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results, indent=1) + "\n")


def _finish(file: Path, results: dict[str, Any], *, publish: bool) -> None:
    file.with_suffix(".md").write_text(report.markdown(results))
    chart.draw(results, PLOT if publish else file.with_suffix(".png"))
    if publish:
        report.update_page(PAGE, results)
    click.echo(report.markdown(results))
    click.echo(f"written: {file}" + (f", {PAGE}, {PLOT}" if publish else ""), err=True)
