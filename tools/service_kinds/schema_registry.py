"""A schema registry: Apicurio, which speaks the API of Confluent's beside its own, from Maven Central."""

import socket
import tarfile
from pathlib import Path

from service_kinds.java import fetch_jars, holds_jars_of, java
from service_kinds.service import HOST, Service

POM = Path(__file__).with_name("schema_registry.pom.xml")

CONFLUENT_API = "/apis/ccompat/v7"
HEAP = ("-Xms64m", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class SchemaRegistry(Service):
    """Apicurio's own defaults: schemas are kept in memory, and every one is compatible until a subject says more."""

    name = "schema-registry"
    default_port = 28081

    def install(self, target: Path) -> None:
        java(self)  # a missing one shows before 140 MB are fetched
        self.say("fetching Apicurio Registry with Maven (140 MB)")
        fetch_jars(self, POM, target)
        (archive,) = target.glob("*.tar.gz")
        with tarfile.open(archive) as files:
            files.extractall(target, filter="data")
        archive.unlink()

    def installed(self) -> bool:
        return holds_jars_of(POM, self.software)

    def initialise(self, data: Path) -> None:
        """Nothing: there are no files."""

    def command(self) -> list[str]:
        (runner,) = self.software.glob("*-runner.jar")
        listener = (f"-Dquarkus.http.host={HOST}", f"-Dquarkus.http.port={self.port}")
        return [java(self), *HEAP, *listener, "-jar", str(runner)]

    def ready(self, connection: socket.socket) -> bool:
        """Asks for the subjects."""
        request = f"GET {CONFLUENT_API}/subjects HTTP/1.1\r\nHost: {HOST}:{self.port}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        return connection.recv(64).startswith(b"HTTP/1.1 200 ")

    def address(self) -> str:
        return f"http://{HOST}:{self.port}{CONFLUENT_API}"
