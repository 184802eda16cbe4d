"""Apache Kafka: one KRaft node, broker and controller in one process, from its jars on Maven Central."""

import base64
import socket
import struct
import uuid
from pathlib import Path

from service_kinds.java import fetch_jars, holds_jars_of, java
from service_kinds.service import HOST, Service, receive_exactly

POM = Path(__file__).with_name("kafka.pom.xml")

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
"""Kafka's API key of the Metadata request (protocol guide, Messages)."""
METADATA_VERSION = 4
"""The last version before flexible fields, for the shortest request."""


class Kafka(Service):
    """Kafka's own defaults, but for what a single node and a quick start ask for."""

    name = "kafka"
    default_port = 29092

    def install(self, target: Path) -> None:
        java(self)  # a missing one shows before 50 MB are fetched
        self.say("fetching Kafka's jars with Maven (50 MB)")
        fetch_jars(self, POM, target / "jars")
        (target / "log4j2.properties").write_text(LOGGING)

    def installed(self) -> bool:
        return holds_jars_of(POM, self.software / "jars")

    def initialise(self, data: Path) -> None:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        arguments = ["format", f"--cluster-id={cluster_id}", "--config", str(self._write_config(data))]
        self.run("formatting the log folder", [*self._java(), "kafka.tools.StorageTool", *arguments])

    def command(self) -> list[str]:
        return [*self._java(), "kafka.Kafka", str(self._write_config(self.data))]

    def ready(self, connection: socket.socket) -> bool:
        """Asks for metadata: a broker that is registered and unfenced lists itself."""
        client = b"tools/services"
        correlation_id, no_topics, no_creation = 1, 0, False
        header = struct.pack(">hhih", METADATA, METADATA_VERSION, correlation_id, len(client)) + client
        request = header + struct.pack(">i?", no_topics, no_creation)
        connection.sendall(struct.pack(">i", len(request)) + request)
        _size, _correlation_id, _throttle_ms, brokers = struct.unpack(">iiii", receive_exactly(connection, 16))
        return brokers == 1

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
            # After a crash the controller takes the broker back only once it has missed its heartbeats for so long.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "log.cleaner.dedupe.buffer.size": 16 << 20,  # a quarter of the heap by default
        }
        path = self.home / "server.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        return path
