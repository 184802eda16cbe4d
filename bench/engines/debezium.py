"""Debezium: its embedded engine with a consumer that counts, or Kafka Connect's standalone runtime."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bench.engine import Engine, converters, write_properties
from bench.server import NAME, Server
from bench.servers.mongodb import MongoDbServer
from bench.servers.mysql import MySqlServer
from bench.workload import ServerT, Workload
from bench.workloads.mongodb import COLLECTION
from bench.workloads.mysql import PRIMER

REPOSITORY = Path(__file__).parents[2]
SOURCE = Path(__file__).with_name("CountingEngine.java")
LOGGING = Path(__file__).with_name("log4j2.properties")
PRIME_SECONDS = 240
PLUGIN_JARS = (
    *("antlr4-runtime", "debezium-api", "debezium-config", "debezium-connect-plugins", "debezium-connector-binlog"),
    *("debezium-connector-common", "debezium-connector-mysql", "debezium-ddl-parser", "debezium-openlineage-api"),
    *("debezium-storage-file", "debezium-storage-kafka", "debezium-util"),
    *("mysql-binlog-connector-java", "mysql-connector-j", "sketches-java"),
)


class Debezium(Engine):
    """Defaults, of Debezium, of Kafka Connect and of the Java virtual machine."""

    name = "debezium"
    java_options: Sequence[str] = ()
    options: Mapping[str, str] = {}
    """Of every connector."""
    server_options: Mapping[type[Server], Mapping[str, str]] = {}
    """Of a server's connector."""
    worker_options: Mapping[str, str] = {}

    @property
    def state_of(self) -> str:
        return "debezium"

    @property
    def java(self) -> str:
        """The Java that the machine runs by default."""
        return "java"

    def prime(self, workload: Workload[ServerT], server: ServerT) -> None:
        """MongoDB's connector takes a time to start from; MySQL's must have run, and stored an offset."""
        self.base.mkdir(parents=True)
        connector = workload.connector(server)
        if isinstance(server, MongoDbServer):
            now = server.time()
            connector["capture.start.op.time"] = str(now.time << 32 | now.inc)
        if isinstance(server, MySqlServer):
            self._run_until_an_event(workload, server, connector)
        self._write_connector(connector)

    def _run_until_an_event(self, workload: Workload[Any], server: MySqlServer, connector: Mapping[str, str]) -> None:
        """Keep the offset and the schema history: Debezium stores an offset only once there was an event."""
        tables = f"{connector['table.include.list']},{PRIMER}"
        self._write_connector({**connector, "table.include.list": tables, "offset.flush.interval.ms": "0"})
        run = self.launch(workload)

        def came() -> bool:
            server.execute(f"INSERT INTO {PRIMER} VALUES ()")
            time.sleep(0.25)
            return run.progress.events > 0

        try:
            run.wait_until("a first event", came, PRIME_SECONDS)
            run.stop()
        finally:
            run.kill()
        for name in ("offsets", "history"):
            (run.folder / name).rename(self.base / name)

    def _write_connector(self, connector: Mapping[str, str]) -> None:
        write_properties(self.base / "connector.properties", {"name": NAME, **connector})

    def command(self, workload: Workload[Any], run: Path) -> tuple[Sequence[str], Mapping[str, str]]:
        offsets = {"offset.storage.file.filename": str(run / "offsets")}
        options = {**self.options, **self.server_options.get(workload.server, {})}
        if workload.server is MySqlServer:
            options["schema.history.internal"] = "io.debezium.storage.file.history.FileSchemaHistory"
            options["schema.history.internal.file.filename"] = str(run / "history")
        connector = run / "connector.properties"
        with connector.open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in options.items())
        if workload.sink == "counting":
            with connector.open("a") as file:
                engine = {"offset.storage": "org.apache.kafka.connect.storage.FileOffsetBackingStore", **offsets}
                engine |= converters(workload)
                file.writelines(f"{name}={value}\n" for name, value in engine.items())
            path = f"{classes()}:{jars('debezium')}/*"
            program = ["CountingEngine", str(connector), str(run / "progress"), "avro" if workload.avro else "json"]
        else:
            worker = {
                "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
                "listeners": "http://127.0.0.1:0",
                "plugin.path": str(plugin_path()),
                "plugin.discovery": "service_load",
                **converters(workload),
                **offsets,
                **self.worker_options,
            }
            properties = write_properties(run / "worker.properties", worker)
            path = f"{jars('connect')}/*"
            program = ["org.apache.kafka.connect.cli.ConnectStandalone", str(properties), str(connector)]
        logging = f"-Dlog4j2.configurationFile={LOGGING}"
        return [self.java, *self.java_options, logging, "-cp", path, *program], {}


class TunedDebezium(Debezium):
    """The best settings that were found: see ``docs/performance.md``."""

    name = "debezium-tuned"
    java_options = ("-XX:+UseParallelGC",)
    options = {  # noqa: RUF012 - constant
        "max.batch.size": "8192",
        "max.queue.size": "32768",
        "poll.interval.ms": "10",
        "record.processing.threads": "2",
    }
    server_options = {  # noqa: RUF012 - constant
        MongoDbServer: {
            "capture.scope": "collection",
            "capture.target": f"{NAME}.{COLLECTION}",
            "filters.match.mode": "literal",
        }
    }
    worker_options = {"producer.batch.size": "262144"}  # noqa: RUF012 - constant

    @property
    def java(self) -> str:
        return newest_java()


@cache
def jars(name: str) -> Path:
    """The folder of a set of jars; fetched if need be."""
    command = [str(REPOSITORY / "tools" / "services"), "jars", name]
    return Path(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


@cache
def plugin_path() -> Path:
    """A folder for ``plugin.path`` with the jars of Debezium's MySQL connector, as its release has them."""
    folder = REPOSITORY / "build" / "bench" / "plugins"
    plugin = folder / "debezium-connector-mysql"
    if not plugin.exists():
        plugin.mkdir(parents=True)
        for pattern in PLUGIN_JARS:
            for jar in jars("debezium").glob(f"{pattern}-[0-9]*.jar"):
                shutil.copy(jar, plugin)
    return folder


@cache
def classes() -> Path:
    """The folder of the compiled ``CountingEngine.java``."""
    compiled = REPOSITORY / "build" / "bench" / hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    if not compiled.exists():
        subprocess.run(
            ["javac", "--release", "17", "-cp", f"{jars('debezium')}/*", "-d", str(compiled), str(SOURCE)], check=True
        )
    return compiled


@cache
def newest_java() -> str:
    """The newest Java on the machine."""
    candidates = [str(shutil.which("java")), *map(str, Path("/usr/lib/jvm").glob("*/bin/java"))]
    return max(candidates, key=lambda path: int(java_version(path).split(".")[0]))


@cache
def java_version(path: str) -> str:
    """As in 17.0.15; ``0`` if it doesn't say."""
    said = subprocess.run([path, "-version"], stderr=subprocess.PIPE, text=True, check=False).stderr
    found = re.search(r'version "([0-9.]+)', said)
    return found[1] if found else "0"
