"""Google's Protobuf types (dates, times): Debezium's jars have them too old for Confluent's ProtobufConverter."""

from pathlib import Path

from service_kinds.jars import JarSet
from service_kinds.java import fetch_jars, holds_jars_of, java

POM = Path(__file__).with_name("google_types.pom.xml")


class GoogleTypesJars(JarSet):
    """What stands before Debezium's jars on the class path where ProtobufConverter is the reference."""

    name = "google-types"

    def install(self, target: Path) -> None:
        java(self)
        self.say("fetching Google's Protobuf types with Maven (2 MB)")
        fetch_jars(self, POM, target)

    def installed(self) -> bool:
        return holds_jars_of(POM, self.software)
