"""Debian packages: installed on the machine, or unpacked into a folder that the machine does not know of."""

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from service_kinds.installation import Installation, ServiceError

ARCHIVE_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
LOCK_DEADLINE = 600.0
"""Seconds to wait for another apt-get on this machine."""
LOCK_POLL_INTERVAL = 1.0


def install_packages(installation: Installation, *packages: str) -> None:
    """Installs packages on the machine; raises ServiceError if that fails or is not allowed."""
    wanted = " ".join(packages)
    if os.geteuid() != 0:
        raise ServiceError(f"{installation.name}: missing on this machine; as root, apt-get install {wanted}")
    installation.say(f"installing {wanted} from Debian")
    apt_get(installation, "update")
    apt_get(installation, "install", "--yes", "--no-install-recommends", *packages)


def unpack(
    installation: Installation, package: str, target: Path, *, suite: str | None = None, without: Sequence[str]
) -> None:
    """Unpacks a package of a suite (the machine's own unless one is named) with all it depends on into `target`.

    apt works on a state of its own, in which nothing is installed but `without`: packages that are left out
    because what is run does not need them, or finds them on the machine. The machine's own packages are not
    touched. Raises ServiceError.
    """
    suite = suite or codename()
    state = target / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True)
    (state / "sources").write_text(f"deb [signed-by={ARCHIVE_KEYS}] {archive(installation)} {suite} main\n")
    (state / "status").write_text("\n".join(map(status_of, without)))
    settings = {
        "Dir::Etc::SourceList": state / "sources",
        "Dir::Etc::SourceParts": "-",
        "Dir::State": state,
        "Dir::State::Status": state / "status",
        "Dir::Cache": state / "cache",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",
    }
    options = [f"--option={name}={value}" for name, value in settings.items()]
    apt_get(installation, *options, "update")
    apt_get(installation, *options, "install", "--yes", "--no-install-recommends", "--download-only", package)
    for deb in sorted((state / "cache" / "archives").glob("*.deb")):
        installation.run("unpacking", ["dpkg-deb", "--extract", str(deb), str(target)])
    shutil.rmtree(state)


def apt_get(installation: Installation, *arguments: str) -> None:
    """Runs apt-get, again while another one holds a lock that DPkg::Lock::Timeout does not cover."""
    options = ("-q", "-o", "Acquire::Retries=3", "-o", f"DPkg::Lock::Timeout={LOCK_DEADLINE:.0f}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    deadline = time.monotonic() + LOCK_DEADLINE
    while True:
        try:
            installation.run("apt-get", ["apt-get", *options, *arguments], environment)
        except ServiceError as error:
            if "Could not get lock" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(LOCK_POLL_INTERVAL)
        else:
            return


def archive(installation: Installation) -> str:
    """Address of the Debian archive that this machine's own apt uses; raises ServiceError if it has none."""
    filters = ("Created-By: Packages", f"Codename: {codename()}")
    query = ("apt-get", "indextargets", "--format=$(REPO_URI)", *filters)
    addresses = output_of(*query).split()
    if not addresses:  # apt lists nothing before its first update
        apt_get(installation, "update")
        addresses = output_of(*query).split()
    if not addresses:
        raise ServiceError(
            f"{installation.name}: apt has no source for Debian {codename()}; add one in /etc/apt/sources.list.d"
        )
    return addresses[0]


def codename() -> str:
    """Name of the machine's release, such as bookworm."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "")


def status_of(package: str) -> str:
    """A dpkg status file (deb-control(5)) in which any version of `package` counts as installed."""
    architecture = output_of("dpkg", "--print-architecture").strip()
    return (
        f"Package: {package}\nStatus: install ok installed\nArchitecture: {architecture}\n"
        "Multi-Arch: allowed\nVersion: 999\nMaintainer: none\nDescription: left out\n"
    )


def output_of(*command: str) -> str:
    """What a command prints; raises ServiceError where the machine is not of Debian's family."""
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    except FileNotFoundError as error:
        raise ServiceError(
            f"{command[0]} is missing: servers are installed from Debian's packages; "
            "on another system run them yourself and set their variables (tools/services --help)"
        ) from error


def library_path(software: Path) -> dict[str, str]:
    """The environment in which programs that `unpack` put into `software` find its libraries."""
    folders = sorted(software.glob("usr/lib/*-linux-gnu")) + sorted(software.glob("lib/*-linux-gnu"))
    return {"LD_LIBRARY_PATH": ":".join(map(str, folders))}
