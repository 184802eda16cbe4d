"""Kafka Connect itself for tests: a standalone worker as a process of its own, with two of Debezium's connectors and
Confluent's converters."""

from __future__ import annotations

import socket
import subprocess
import urllib.request
import zipfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError

from tests.conformance import reference
from tests.worker_process import DEADLINE, wait_until

COMMON_JARS = (
    "debezium-api",
    "debezium-config",
    "debezium-connect-plugins",
    "debezium-connector-common",
    "debezium-openlineage-api",
    "debezium-util",
    "sketches-java",
)
CONNECTORS = {
    "debezium-connector-mysql": (
        "antlr4-runtime",
        "debezium-connector-binlog",
        "debezium-connector-mysql",
        "debezium-ddl-parser",
        "debezium-storage-file",
        "debezium-storage-kafka",
        "mysql-binlog-connector-java",
        "mysql-connector-j",
    ),
    "debezium-connector-mongodb": (
        "bson",
        "bson-record-codec",
        "debezium-connector-mongodb",
        "mongodb-driver-core",
        "mongodb-driver-sync",
    ),
}
"""The jars that these connectors are delivered with; the others would take longer to load."""

REGISTRY_JARS = ("common-utils", "failureaccess", "guava", "kafka-schema-registry-client", "kafka-schema-serializer")
CONFLUENT_CONVERTERS = {
    "io.confluent.connect.avro.AvroConverter": (
        *("avro", "kafka-avro-serializer", "kafka-connect-avro-converter", "kafka-connect-avro-data"),
        *REGISTRY_JARS,
    ),
    "io.confluent.connect.protobuf.ProtobufConverter": (
        *("kafka-connect-protobuf-converter", "kafka-protobuf-provider", "kafka-protobuf-serializer"),
        *("kafka-protobuf-types", "protobuf-java", "protobuf-java-util", "wire-schema-jvm", "wire-runtime-jvm"),
        *("kotlin-stdlib", "okio-jvm", "proto-google-common-protos"),
        *REGISTRY_JARS,
    ),
}
NOT_COMPARED = "io.confluent.connect.json.JsonSchemaConverter"
"""A converter of ours whose jars are not among Debezium's."""

LOGGING = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c: %m%n
"""


class ConnectProcess:
    """One worker; `start` returns at once. Its state and its log stay in ``folder``."""

    def __init__(self, folder: Path, bootstrap: str, **properties: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = folder / "connect.log"
        self._folder = folder
        settings = {
            "bootstrap.servers": bootstrap,
            "listeners": self.url,
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "offset.storage.file.filename": folder / "offsets",
            "offset.flush.interval.ms": 1000,
            "plugin.path": self._plugins(),
            "plugin.discovery": "service_load",
            **properties,
        }
        self._properties = folder / "connect.properties"
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        self._logging = folder / "log4j2.properties"
        self._logging.write_text(LOGGING)

    def _plugins(self) -> Path:
        plugins = self._folder / "plugins"
        for connector, names in CONNECTORS.items():
            folder = plugins / connector
            folder.mkdir(parents=True)
            _link_jars(folder, (*COMMON_JARS, *names))
        for converter, names in CONFLUENT_CONVERTERS.items():
            folder = plugins / converter
            folder.mkdir()
            _link_jars(folder, names)
            # the manifest that this version of the converter lacks, as `connect-plugin-path sync-manifests` adds it
            with zipfile.ZipFile(folder / "manifest.jar", "w") as manifest:
                manifest.writestr("META-INF/services/org.apache.kafka.connect.storage.Converter", converter)
        return plugins

    def start(self) -> Self:
        """Start the process."""
        options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "java",
                    *options,
                    f"-Dlog4j2.configurationFile={self._logging}",
                    "-cp",
                    f"{reference.connect_jars()}/*",
                    "org.apache.kafka.connect.cli.ConnectStandalone",
                    str(self._properties),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def wait_for_answer(self) -> None:
        """Until the worker says that it is healthy. Raises RuntimeError with the log where it ends before that."""

        def healthy() -> bool:
            if self._process.poll() is not None:
                raise RuntimeError(f"Kafka Connect ended with status {self._process.returncode}:\n{self.log_text()}")
            try:
                with urllib.request.urlopen(f"{self.url}/health") as answer:
                    return bool(answer.status == 200)
            except (URLError, ConnectionError):
                return False

        wait_until("Kafka Connect's REST API", healthy)

    def log_text(self) -> str:
        """The end of what the worker wrote."""
        return self.log.read_text()[-8000:]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(DEADLINE)


def _link_jars(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        (jar,) = reference.jars().glob(f"{name}-[0-9]*.jar")
        (folder / jar.name).symlink_to(jar)


def free_port() -> int:
    """A port that nobody listens on; Kafka Connect doesn't say which one it took for port 0."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
