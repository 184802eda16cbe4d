"""Kafka Connect's runtime: the reference of the REST API, and Debezium's home in the benchmark."""

from pathlib import Path

from service_kinds.jars import JarSet
from service_kinds.java import fetch_jars, holds_jars_of, java

POM = Path(__file__).with_name("connect.pom.xml")


class ConnectJars(JarSet):
    """A worker (`org.apache.kafka.connect.cli.ConnectStandalone`) without connectors: `plugin.path` brings those."""

    name = "connect"

    def install(self, target: Path) -> None:
        java(self)  # a missing one shows before 36 MB are fetched
        self.say("fetching Kafka Connect's jars with Maven (36 MB)")
        fetch_jars(self, POM, target)

    def installed(self) -> bool:
        return holds_jars_of(POM, self.software)
