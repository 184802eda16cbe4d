"""Java and Maven, installed from Debian where they are missing."""

import re
import shutil
import subprocess
from pathlib import Path

from service_kinds.debian import install_packages
from service_kinds.installation import Installation, ServiceError

OLDEST_JAVA = 17


def java(installation: Installation) -> str:
    """Path of a Java that is new enough, installed first if there is none; raises ServiceError."""
    path = find_java()
    if not path:
        install_packages(installation, "default-jre-headless")
        path = find_java()
    if not path:
        raise ServiceError(f"{installation.name}: Debian's own Java is older than {OLDEST_JAVA}; install a newer one")
    return path


def find_java() -> str | None:
    """Path of a Java that is new enough, if the machine has one."""
    candidates = [shutil.which("java"), *map(str, sorted(Path("/usr/lib/jvm").glob("java-*/bin/java")))]
    return next((path for path in candidates if path and java_version(path) >= OLDEST_JAVA), None)


def java_version(path: str) -> int:
    """Feature release of a Java (17 for 17.0.15); 0 if it names none."""
    said = subprocess.run([path, "-version"], stderr=subprocess.PIPE, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else 0


def fetch_jars(installation: Installation, pom: Path, target: Path) -> None:
    """Copies the dependencies that a Maven project declares, and its `pom`, into `target`; raises ServiceError."""
    if not shutil.which("mvn"):
        install_packages(installation, "maven")
    options = ["--batch-mode", "--quiet", "--strict-checksums", "--file", str(pom)]
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={target}"]
    installation.run("fetching jars", ["mvn", *options, *goal])
    shutil.copy(pom, target / pom.name)


def holds_jars_of(pom: Path, folder: Path) -> bool:
    """Whether `fetch_jars` has filled the folder, and the project has not changed since."""
    copy = folder / pom.name
    return copy.exists() and copy.read_bytes() == pom.read_bytes()
