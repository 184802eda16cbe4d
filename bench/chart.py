"""The plot of the runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from bench.marks import Run, good, median
from bench.report import TITLES

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

COLOURS = {
    "headwater": "#0b6e99",
    "headwater-interpreted": "#7fb8d0",
    "debezium": "#b0553a",
    "debezium-tuned": "#d9a08c",
}
WORKLOADS = (
    *("json-100", "json-1", "plain-100", "plain-1", "kafka-json-100", "kafka-json-1"),
    *("mongodb-200", "mongodb-2k"),
)
"""Those with marks, but for 100 KB, beside which the others could not be seen."""
PANELS = (
    ("events_per_second", "events a second (more is better)"),
    ("cpu_us_per_event", "CPU µs an event (less is better)"),
)


def draw(runs: Sequence[Run], file: Path) -> None:
    """Write a PNG: throughput and CPU of `WORKLOADS`."""
    figure, panels = plt.subplots(len(PANELS), 1, figsize=(10, 8), layout="constrained")
    for panel, (name, title) in zip(panels, PANELS, strict=True):
        _bars(panel, runs, name, title)
    panels[0].legend(frameon=False, ncols=len(COLOURS), loc="lower center", bbox_to_anchor=(0.5, 1.08))
    figure.savefig(file, dpi=110)
    plt.close(figure)


def _bars(panel: Axes, runs: Sequence[Run], figure: str, title: str) -> None:
    workloads = [name for name in WORKLOADS if any(run["workload"] == name for run in runs)]
    width = 0.8 / len(COLOURS)
    for number, (engine, colour) in enumerate(COLOURS.items()):
        values = [median(good(runs, workload=name, engine=engine), figure) or 0 for name in workloads]
        places = [place + (number - len(COLOURS) / 2 + 0.5) * width for place in range(len(workloads))]
        bars = panel.bar(places, values, width, color=colour, label=TITLES[engine])
        panel.bar_label(bars, [_short(value) for value in values], fontsize=7, rotation=90, padding=3)
    panel.margins(y=0.15)
    panel.set_xticks(range(len(workloads)), workloads)
    panel.set_title(title, loc="left", fontsize=10)
    panel.spines[["top", "right"]].set_visible(False)


def _short(value: float) -> str:
    if not value:
        return ""
    return f"{value / 1000:.1f}k" if value >= 1000 else f"{value:.1f}"
