"""Apache Kafka: one KRaft node, broker and controller in one process, from its jars on Maven Central."""

import base64
import os
import re
import shutil
import socket
import struct
import subprocess
import uuid
from pathlib import Path

from service_kinds.debian import apt_install, ensure_program
from service_kinds.service import HOST, Service, ServiceError, receive_exactly

POM = Path(__file__).with_name("kafka.pom.xml")
OLDEST_JAVA = 17

LOGGING = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c: %m%n
"""

HEAP = ("-Xms128m", "-Xmx512m", "-XX:+UseG1GC", "-XX:+ExitOnOutOfMemoryError")

METADATA = 3
METADATA_VERSION = 4


class Kafka(Service):
    """Kafka's own defaults, but for what a single node and a quick start ask for."""

    name = "kafka"
    default_port = 29092

    def install(self, target: Path) -> None:
        java(self)
        maven = ensure_program(self, "mvn", "maven")
        self.say("fetching Kafka's jars with Maven (50 MB)")
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={target / 'jars'}"]
        self.run([maven, "-B", "-q", "-f", str(POM), *goal], self.install_log, "fetching Kafka's jars")
        (target / "log4j2.properties").write_text(LOGGING)
        shutil.copy(POM, target / "pom.xml")

    def installed(self) -> bool:
        copy = self.software / "pom.xml"
        return copy.exists() and copy.read_bytes() == POM.read_bytes()

    def initialise(self, data: Path) -> None:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        arguments = ["format", f"--cluster-id={cluster_id}", "--config", str(self._write_config(data))]
        self.run([*self._java(), "kafka.tools.StorageTool", *arguments], self.install_log, "formatting the log folder")

    def command(self) -> list[str]:
        return [*self._java(), "kafka.Kafka", str(self._write_config(self.data))]

    def ready(self, connection: socket.socket) -> bool:
        """Asks for metadata: a broker that is registered and unfenced lists itself."""
        client = b"tools/services"
        header = struct.pack(">hhih", METADATA, METADATA_VERSION, 1, len(client)) + client
        no_topics, no_creation = struct.pack(">i", 0), b"\x00"
        request = header + no_topics + no_creation
        connection.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", receive_exactly(connection, 4))
        correlation, _throttle_ms, brokers = struct.unpack_from(">iii", receive_exactly(connection, size))
        return correlation == 1 and brokers == 1

    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def ports(self) -> list[int]:
        return [self.port, self._controller_port()]

    def _controller_port(self) -> int:
        return self.port + 1

    def _java(self) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self.software / 'log4j2.properties'}"
        return [java(self), *HEAP, logging, "-cp", str(self.software / "jars" / "*")]

    def _write_config(self, data: Path) -> Path:
        controller = f"{HOST}:{self._controller_port()}"
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{self.address()},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.address()}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": data,
            "num.partitions": 1,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            # Fifty partitions each by default: their files take seconds to make on first use.
            "offsets.topic.num.partitions": 1,
            "transaction.state.log.num.partitions": 1,
            "share.coordinator.state.topic.num.partitions": 1,
            "group.initial.rebalance.delay.ms": 0,
            "log.cleaner.dedupe.buffer.size": 16 << 20,  # a quarter of the heap by default
        }
        path = self.folder / "server.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        return path


def java(service: Service) -> str:
    """Path of a Java that runs Kafka, Debian's own installed first if there is none; raises ServiceError."""
    for attempt in range(2):
        candidates = [shutil.which("java"), *map(str, Path("/usr/lib/jvm").glob("java-*/bin/java"))]
        for candidate in candidates:
            if candidate and java_version(candidate) >= OLDEST_JAVA:
                return candidate
        if attempt == 0:
            apt_install(service, "default-jre-headless")
    raise ServiceError(f"{service.name}: no Java {OLDEST_JAVA} or newer on PATH or in /usr/lib/jvm; install one")


def java_version(path: str) -> int:
    said = subprocess.run([path, "-version"], capture_output=True, text=True, check=False, env=os.environ).stderr
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else 0
