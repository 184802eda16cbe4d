"""Debian packages: installed on the machine, or unpacked into a folder that the machine does not know of."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from service_kinds.service import Service, ServiceError

ARCHIVE_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
LOCK_DEADLINE = 600.0
"""Seconds to wait for another apt-get on this machine."""


def ensure_program(service: Service, program: str, *packages: str) -> str:
    """Path of `program`, its `packages` installed on the machine first if it is missing; raises ServiceError."""
    if not shutil.which(program):
        apt_install(service, *packages)
    path = shutil.which(program)
    if not path:
        raise ServiceError(f"{service.name}: installed {' '.join(packages)}, yet there is no {program} on PATH")
    return path


def apt_install(service: Service, *packages: str) -> None:
    """Installs packages on the machine; raises ServiceError if that is not allowed or fails."""
    wanted = " ".join(packages)
    if os.geteuid() != 0:
        raise ServiceError(f"{service.name}: {wanted} is missing; as root: apt-get install {wanted}")
    service.say(f"installing Debian's {wanted}")
    apt(service, "update")
    apt(service, "install", "--yes", "--no-install-recommends", *packages)


def apt(service: Service, *arguments: str, options: tuple[str, ...] = ()) -> None:
    """Runs apt-get quietly; waits while another one holds a lock (DPkg::Lock::Timeout covers only dpkg's)."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    common = ("-q", "-o", "Acquire::Retries=3", "-o", f"DPkg::Lock::Timeout={LOCK_DEADLINE:.0f}")
    deadline = time.monotonic() + LOCK_DEADLINE
    while True:
        already = service.install_log.stat().st_size if service.install_log.exists() else 0
        try:
            service.run(
                ["apt-get", *common, *options, *arguments],
                service.install_log,
                f"apt-get {arguments[0]}",
                environment,
            )
        except ServiceError:
            said = service.install_log.read_bytes()[already:]
            if b"Could not get lock" not in said or time.monotonic() > deadline:
                raise
            time.sleep(1)
        else:
            return


def unpack_unstable(service: Service, package: str, target: Path, *, without: str) -> None:
    """Unpacks a package of Debian's unstable suite, with all it depends on down to libc, into `target`.

    Nothing is installed on the machine: apt works on a state of its own in which nothing is installed but
    `without`, a package whose absence is known to do no harm. Raises ServiceError.
    """
    mirror = archive_mirror(service)
    state = target / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True)
    (state / "sources.list").write_text(f"deb [signed-by={ARCHIVE_KEYS}] {mirror} sid main\n")
    (state / "status").write_text(
        f"Package: {without}\nStatus: install ok installed\nArchitecture: {architecture()}\n"
        "Multi-Arch: allowed\nMaintainer: none\nVersion: 999\nDescription: left out\n"
    )
    options = (
        *("-o", f"Dir::Etc::SourceList={state / 'sources.list'}", "-o", "Dir::Etc::SourceParts=-"),
        *("-o", f"Dir::State::Lists={state / 'lists'}", "-o", f"Dir::State::Status={state / 'status'}"),
        *("-o", f"Dir::State::Extended_States={state / 'extended'}", "-o", f"Dir::Cache={state / 'cache'}"),
        *("-o", "Acquire::Languages=none", "-o", "APT::Sandbox::User=root"),
    )
    apt(service, "update", options=options)
    apt(service, "install", "--yes", "--no-install-recommends", "--download-only", package, options=options)
    for archive in sorted((state / "cache" / "archives").glob("*.deb")):
        service.run(["dpkg-deb", "--extract", str(archive), str(target)], service.install_log, "unpacking")
    shutil.rmtree(state)


def archive_mirror(service: Service) -> str:
    """Address of the Debian archive that this machine's own apt is set up with; raises ServiceError."""
    codename = subprocess.run(
        ["sh", "-c", '. /etc/os-release && echo "$VERSION_CODENAME"'], capture_output=True, text=True, check=True
    ).stdout.strip()
    query = ["apt-get", "indextargets", "--format", "$(REPO_URI)", f"Codename: {codename}", "Created-By: Packages"]
    for attempt in range(2):
        addresses = subprocess.run(query, capture_output=True, text=True, check=False).stdout.split()
        if addresses:
            return addresses[0]
        if attempt == 0:  # nothing is listed until apt has fetched its lists once
            apt(service, "update")
    raise ServiceError(f"{service.name}: apt knows no archive of Debian {codename}; see /etc/apt/sources.list.d")


def architecture() -> str:
    return subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
