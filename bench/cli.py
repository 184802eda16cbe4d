"""The command: runs everything, writes the result file after each run, and the tables and the plot at the end."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bench import chart, latency, machine, report, throughput
from bench.engine import Engine
from bench.engines.bare import BareProduce, BareRead
from bench.engines.debezium import Debezium, TunedDebezium
from bench.engines.headwater import Headwater, HeadwaterInterpreted
from bench.server import Server
from bench.servers.mysql import MySqlServer
from bench.workload import Workload
from bench.workloads import WORKLOADS
from bench.workloads.mysql import MySqlWorkload

REPOSITORY = Path(__file__).parents[1]
WORK = REPOSITORY / "build" / "bench"
RESULTS = REPOSITORY / "bench" / "results"
PAGE = REPOSITORY / "docs" / "performance.md"
PLOT = REPOSITORY / "docs" / "images" / "performance.png"
ENGINES: tuple[type[Engine], ...] = (
    *(BareRead, Headwater, HeadwaterInterpreted, Debezium, TunedDebezium, BareProduce),
)
ALL_ENGINES = ",".join(kind.name for kind in ENGINES)
LATENCIES = {"latency-counting": "counting", "latency-kafka": "kafka"}
NAMES = (*(workload.name for workload in WORKLOADS), *LATENCIES)
LATENCY_REPEATS = 3


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Headwater beside Debezium on one log of a real server, into a counting sink and into Kafka."""


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
    """Measure. A run of everything, and not a quick one, goes into the documentation; parts go there by `report`.

    Wants MYSQL_URL, MONGODB_URL, KAFKA_BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL, what its workloads need: servers that
    it may use as it likes. It drops the database bench and purges MySQL's binary log.
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
    quotable = not quick and pairs is None and len(contenders) == len(ENGINES)
    whole = quotable and set(names) == set(NAMES)
    file = resume or (RESULTS if quotable else WORK) / f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H%M}.json"
    with ExitStack() as stack:
        servers = {kind: stack.enter_context(kind()) for kind in _kinds(chosen, names)}
        results = _head(servers.values(), chosen, quick=quick)
        if resume is not None:
            earlier = json.loads(resume.read_text())
            if any(earlier[part] != results[part] for part in ("machine", "versions", "settings")):
                raise click.UsageError(f"{resume} is of another machine, other versions or other settings")
            results["runs"] = _finished(earlier["runs"])
            results["workloads"] = {**earlier["workloads"], **results["workloads"]}
            done = {result["workload"] for result in results["runs"]}
            chosen = [workload for workload in chosen if workload.name not in done]
            names = [name for name in names if name not in done]
        for result in _all_runs(chosen, [name for name in names if name in LATENCIES], contenders, repeats, servers):
            results["runs"].append(result)
            _write(file, results)
    _write_tables(file, results)
    click.echo(report.markdown([results]))
    if whole:
        _publish([results])


@main.command(name="report")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE..."
)
def write_report(files: Sequence[Path]) -> None:
    """Write the documentation's tables and plot from result FILEs.

    Each says when and with what it was measured. Of a workload that several files have, the last of them counts.
    """
    measured = [json.loads(file.read_text()) for file in files]
    for file, results in zip(files, measured, strict=True):
        _write_tables(file, results)
    _publish(report.combined(measured))


def _scaled(workload: Workload[Any], *, quick: bool, pairs: int | None) -> Workload[Any]:
    fewest = 10 * workload.tables if isinstance(workload, MySqlWorkload) else workload.rows
    events = max(workload.events // 10, fewest) if quick else workload.events
    return replace(workload, events=events, pairs=pairs or (1 if quick else workload.pairs))


def _kinds(workloads: Iterable[Workload[Any]], names: Iterable[str]) -> Iterable[type[Server]]:
    """The servers that are needed, each once; the latencies are MySQL's."""
    kinds = [workload.server for workload in workloads]
    return dict.fromkeys([*kinds, MySqlServer] if set(names) & set(LATENCIES) else kinds)


def _head(servers: Collection[Server], workloads: Sequence[Workload[Any]], *, quick: bool) -> dict[str, Any]:
    return {
        "date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC",
        "quick": quick,
        "machine": machine.machine(),
        "versions": machine.versions(servers),
        "settings": machine.settings(servers),
        "workloads": {workload.name: machine.workload_settings(workload) for workload in workloads},
        "runs": [],
    }


def _finished(runs: Sequence[throughput.Result]) -> list[throughput.Result]:
    """The runs of every workload but the last, which may have ended before its last run."""
    return [result for result in runs if result["workload"] != runs[-1]["workload"]] if runs else []


def _all_runs(
    workloads: Sequence[Workload[Any]],
    latencies: Sequence[str],
    engines: Sequence[Engine],
    repeats: int,
    servers: Mapping[type[Server], Any],
) -> Iterable[throughput.Result]:
    for workload in workloads:
        taking_part = [engine for engine in engines if engine.takes_part_in(workload)]
        yield from throughput.run(workload, taking_part, servers[workload.server], _say)
    for name in latencies:
        contenders = [engine for engine in engines if engine.has_latency]
        yield from latency.run(LATENCIES[name], contenders, repeats, servers[MySqlServer], _say)


def _say(line: str) -> None:
    click.echo(f"{dt.datetime.now(dt.UTC):%H:%M:%S} {line}", err=True)


def _write(file: Path, results: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results, indent=1) + "\n")


def _write_tables(file: Path, results: report.Results) -> None:
    """Beside the result file."""
    tables = file.with_suffix(".md")
    tables.write_text(report.markdown([results]))
    _say(f"written: {file}, {tables}")


def _publish(parts: Sequence[report.Results]) -> None:
    """Into the documentation."""
    chart.draw(report.all_runs(parts), PLOT)
    report.update_page(PAGE, parts)
    _say(f"written: {PAGE}, {PLOT}")
