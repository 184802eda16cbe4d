"""What a result was measured with: machine, versions, settings."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import confluent_kafka
import orjson

from bench.engines.debezium import Debezium, TunedDebezium, jars, java_version, newest_java
from bench.server import Server
from bench.workload import Workload


def machine() -> dict[str, str]:
    """Processor, memory, system."""
    cpus = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", cpus)
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    return {
        "processor": model[1] if model else platform.machine(),
        "processors": str(os.cpu_count()),
        "memory": f"{int(memory[1]) / 2**20:.0f} GB" if memory else "unknown",
        "system": f"{platform.system()} {platform.release()}",
    }


def versions(servers: Iterable[Server]) -> dict[str, str]:
    """Of all that took part."""
    return {
        "headwater": _headwater_version({}),
        "headwater-interpreted": _headwater_version({"HEADWATER_INTERPRETED": "1"}),
        "python": platform.python_version(),
        "librdkafka": confluent_kafka.libversion()[0],
        "orjson": orjson.__version__,
        "debezium": _jar_version("debezium", "debezium-embedded"),
        "kafka-connect": _jar_version("connect", "connect-runtime"),
        "java (debezium)": java_version("java"),
        "java (debezium-tuned)": java_version(newest_java()),
        **{server.name: server.version() for server in servers},
    }


def settings(servers: Iterable[Server]) -> dict[str, dict[str, str]]:
    """What each engine adds to the connectors' configurations, these, and the servers'."""
    found = {"debezium": _added(Debezium), "debezium-tuned": _added(TunedDebezium)}
    for server in servers:
        connector = server.connector()
        hidden = {name: "[hidden]" for name in connector if name.endswith("password")}
        tuned = TunedDebezium.server_options.get(type(server), {})
        found[f"{server.name} connector"] = {**connector, **hidden}
        found[f"{server.name} connector, debezium-tuned"] = dict(tuned)
        found[server.name] = server.settings()
    return {name: values for name, values in found.items() if values}


def _added(engine: type[Debezium]) -> dict[str, str]:
    return {"java": " ".join(engine.java_options), **engine.options, **engine.worker_options}


def workload_settings(workload: Workload[Any]) -> dict[str, object]:
    """What a workload is, for the result file."""
    return {
        "title": workload.title,
        "events": workload.events,
        "rows": workload.rows,
        "schemas": workload.schemas,
        "sink": workload.sink,
        "pairs": workload.pairs,
    }


def _headwater_version(environment: dict[str, str]) -> str:
    """As in ``0.1.0, compiled: …``."""
    command = [sys.executable, "-m", "headwater", "version"]
    said = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ).stdout
    return ", ".join(said.split("\n")).strip(", ").removeprefix("headwater ")


def _jar_version(jar_set: str, name: str) -> str:
    jar = next(jars(jar_set).glob(f"{name}-[0-9]*.jar"))
    return jar.stem.removeprefix(f"{name}-")
