"""What a result was measured with: machine, versions, settings."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import confluent_kafka
import orjson

from bench.engines.debezium import Debezium, TunedDebezium, jars, java_version, newest_java
from bench.engines.headwater import Headwater
from bench.server import MySqlServer
from bench.workload import Workload

SERVER_VARIABLES = (
    "binlog_row_image",
    "binlog_row_metadata",
    "gtid_mode",
    "binlog_checksum",
    "sync_binlog",
    "innodb_flush_log_at_trx_commit",
    "innodb_buffer_pool_size",
)


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


def versions(server: MySqlServer) -> dict[str, str]:
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
        "mysql": str(server.query("SELECT VERSION()")[0]),
    }


def settings(server: MySqlServer) -> dict[str, dict[str, str]]:
    """The connector's, what each engine adds to them, and the server's."""
    names = ", ".join(f"'{name}'" for name in SERVER_VARIABLES)
    connector = Headwater(Path()).connector(server, "(the workload's)")
    return {
        "connector": {**connector, "database.password": "[hidden]"},
        "debezium": {"java": " ".join(Debezium.java_options)},
        "debezium-tuned": {
            "java": " ".join(TunedDebezium.java_options),
            **TunedDebezium.options,
            **TunedDebezium.worker_options,
        },
        "mysql": dict(server.rows(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})")),
    }


def workload_settings(workload: Workload) -> dict[str, object]:
    """What a workload is, for the result file."""
    return {
        "title": workload.title,
        "events": workload.events,
        "rows": workload.rows,
        "tables": workload.tables,
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
