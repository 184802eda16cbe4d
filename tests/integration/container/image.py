"""Builds and runs the image that a Dockerfile describes, as far as that goes without a container engine.

The instructions make a folder, and commands run in it by chroot, with the user and the environment that the Dockerfile
says. In place of the base images stands this machine: its programs and settings, read-only, with the Python that runs
the tests. It needs root, and Linux.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_ENTER = """
set -e
root=$1 python=$2 volume=$3 mounted=$4 user=$5 folder=$6
shift 6
for shared in bin etc lib lib64 sbin usr; do
    if [ -L "/$shared" ]; then cp --no-dereference "/$shared" "$root/"
    elif [ -d "/$shared" ]; then mkdir -p "$root/$shared" && mount --bind -o ro "/$shared" "$root/$shared"; fi
done
mount --bind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mkdir -p "$root$python"
mount --bind -o ro "$python" "$root$python"
mount -t tmpfs -o mode=755 tmpfs "$root/usr/local"
mkdir "$root/usr/local/bin"
ln -s "$python/bin/python3" "$root/usr/local/bin/python"
if [ -d "$HOME/.cache/pip" ]; then mount --bind "$HOME/.cache/pip" "$root/root/.cache/pip"; fi
if [ -n "$volume" ]; then mount --bind "$volume" "$root$mounted"; fi
exec chroot --userspec="$user" --groups= "$root" env -i --chdir="$folder" "$@"
"""

_BASE = {"PATH": f"{sys.base_prefix}/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
"""The environment of the base image, whose ``python`` is the tests' own (Debian's has that name nowhere else)."""

_MACHINE = re.compile(
    r"PIP_(CERT|INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST)|.*_CA_BUNDLE|SSL_CERT_.*|(http|https|no)_proxy", re.IGNORECASE
)
"""How this machine reaches package indexes: what an engine would hand to a build."""


@dataclass(slots=True)
class Image:
    """A file system, and how it is run. Running it changes it: there is but one container of it at a time."""

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: dict(_BASE))
    user: str = "0:0"
    folder: str = "/"
    volumes: list[str] = field(default_factory=list)
    ports: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)

    def run(
        self,
        command: Sequence[str],
        output: int | IO[bytes],
        environment: Mapping[str, str] | None = None,
        volume: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a command; the process is the command's own, so signals reach it.

        ``environment`` is added to the image's; ``volume`` is the folder that is mounted at the image's volume.
        """
        arguments = [
            self.root,
            sys.base_prefix,
            volume or "",
            self.volumes[0] if volume else "",
            self.user,
            self.folder,
            *(f"{name}={value}" for name, value in {**self.environment, **(environment or {})}.items()),
            *command,
        ]
        script = ["unshare", "--mount", "bash", "-c", _ENTER, "enter", *map(str, arguments)]
        return subprocess.Popen(script, stdout=output, stderr=subprocess.STDOUT)


class Build:
    """One Dockerfile's build; the stages' file systems are in ``folder``, ``arguments`` are over its defaults."""

    def __init__(self, context: Path, folder: Path, **arguments: str) -> None:
        self._context = context
        self._folder = folder
        self._arguments = arguments
        self._stages: dict[str, Image] = {}

    def image(self, instructions: Sequence[tuple[str, str]]) -> Image:
        """The image of the last stage."""
        image = None
        for keyword, text in instructions:
            if keyword == "ARG":
                name, _, default = text.partition("=")
                self._arguments.setdefault(name, default)
            elif keyword == "FROM":
                image = self._begin_stage(text.partition(" AS ")[2] or "last")
            else:
                assert image is not None
                self._change(image, keyword, text)
        assert image is not None
        return image

    def _begin_stage(self, name: str) -> Image:
        root = self._folder / name
        for folder in ("dev", "proc", "tmp", "opt", "root/.cache/pip", "var/lib"):
            (root / folder).mkdir(parents=True)
        return self._stages.setdefault(name, Image(root))

    def _change(self, image: Image, keyword: str, text: str) -> None:
        match keyword:
            case "RUN":
                self._run(image, ["/bin/sh", "-c", text])
            case "COPY":
                self._copy(image, text.split())
            case "ENV":
                for name, _, value in (word.partition("=") for word in shlex.split(text)):
                    image.environment[name] = value.replace("$PATH", image.environment["PATH"])
            case "WORKDIR":
                image.folder = text
                (image.root / text.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "USER":
                image.user = text
            case "VOLUME":
                image.volumes = json.loads(text)
            case "EXPOSE":
                image.ports = text.split()
            case "ENTRYPOINT":
                image.entrypoint = json.loads(text)
            case "CMD":
                image.command = json.loads(text)
            case "HEALTHCHECK":
                image.healthcheck = json.loads(text.partition("CMD")[2])
            case _:
                raise ValueError(f"{keyword} is not known here")

    def _run(self, image: Image, command: Sequence[str]) -> None:
        machine = {name: value for name, value in os.environ.items() if _MACHINE.fullmatch(name)}
        process = image.run(command, subprocess.PIPE, {**machine, **self._arguments, "HOME": "/root"})
        output, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(f"{shlex.join(command)}: status {process.returncode}\n{output.decode()[-8000:]}")

    def _copy(self, image: Image, words: Sequence[str]) -> None:
        *sources, target = words
        source_root = self._context
        if sources[0].startswith("--from="):
            source_root = self._stages[sources.pop(0).removeprefix("--from=")].root
        destination = image.root / image.folder.lstrip("/") / target
        if target.startswith("/"):
            destination = image.root / target.lstrip("/")
        for source in sources:
            path = source_root / source.lstrip("/")
            if path.is_dir():
                shutil.copytree(path, destination, symlinks=True, dirs_exist_ok=True)
            else:
                destination.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, destination)


def read_dockerfile(file: Path) -> list[tuple[str, str]]:
    """(keyword, text) of each instruction, with continued lines joined."""
    lines = [line for line in file.read_text().splitlines() if not line.lstrip().startswith("#")]
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [
        (keyword, rest.strip()) for keyword, _, rest in (line.partition(" ") for line in text.splitlines()) if keyword
    ]


def docker_context(repository: Path, folder: Path) -> Path:
    """A copy of the files that .dockerignore lets into a build's context: those that a ``!`` line names."""
    for line in (repository / ".dockerignore").read_text().splitlines():
        path = repository / line.removeprefix("!")
        if line.startswith("!") and path.is_dir():
            shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif line.startswith("!") and path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder)
    return folder
