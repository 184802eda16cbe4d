"""Compiles the hot modules with mypyc where that can be done; all else of the build stands in pyproject.toml.

The sources are installed in any case: with HEADWATER_COMPILE=0, without a C compiler, or when compiling fails, a line
says so and the package runs interpreted. Otherwise `headwater/compiled.sha256` tells what was compiled, which
`headwater.compiled` compares with the sources that it finds at run time.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from sysconfig import get_config_var, get_path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HOT = [
    "headwater/converters/avro/binary.py",
    "headwater/converters/decimal_text.py",
    "headwater/converters/protobuf/wire.py",
    "headwater/java_double.py",
    "headwater/sources/little_endian.py",
    "headwater/sources/mongodb/bson.py",
    "headwater/sources/mongodb/change_event.py",
    "headwater/sources/mongodb/extended_json.py",
    "headwater/sources/mongodb/reply.py",
    "headwater/sources/mysql/binlog.py",
    "headwater/sources/mysql/decimals.py",
    "headwater/sources/mysql/events.py",
    "headwater/sources/mysql/gtid.py",
    "headwater/sources/mysql/jsonb.py",
    "headwater/sources/mysql/log_reader.py",
    "headwater/sources/mysql/packed_datetime.py",
    "headwater/sources/mysql/position.py",
    "headwater/sources/mysql/texts.py",
]
"""What runs for every row and gains by being compiled."""

LIBRARY = "headwater.hot"
"""The extension module that holds all of them; each has a small one of its own, which leads to it."""
DIGESTS = Path("headwater", "compiled.sha256")

log = logging.getLogger("headwater.setup")


def obstacle() -> str | None:
    """Why nothing can be compiled here; None where it can."""
    if os.environ.get("HEADWATER_COMPILE") == "0":
        return "HEADWATER_COMPILE=0"
    if sys.implementation.name != "cpython":
        return f"mypyc compiles for CPython, this is {sys.implementation.name}"
    if find_spec("mypyc") is None:
        return "mypy is not installed"
    compiler = os.environ.get("CC") or str(get_config_var("CC") or "cc")
    if shutil.which(compiler.split()[0]) is None:
        return f"there is no C compiler {compiler.split()[0]!r} (Debian: apt-get install gcc libc6-dev)"
    if not Path(get_path("include"), "Python.h").exists():
        return "Python's C headers are missing (Debian: apt-get install python3-dev)"
    return None


def module_name(source: str) -> str:
    """``headwater/a/b.py`` as ``headwater.a.b``."""
    return source.removesuffix(".py").replace("/", ".")


class CompileHot(build_ext):
    """mypyc's extension modules of `HOT`; none where compiling fails."""

    def run(self) -> None:
        """Compile. The C sources are made only here, because the other commands look at the extensions too."""
        if self.inplace:
            remove_compiled()
        digests = "".join(f"{digest(source)}  {source}\n" for source in HOT)
        try:
            self.distribution.ext_modules = translate()
            self.swig_opts = None  # as it was before the first finalize_options, which splits it
            self.finalize_options()
            super().run()
        except (Exception, SystemExit) as error:  # SystemExit is mypyc's answer to code that it can't compile
            log.warning("headwater: runs interpreted, compiling its hot modules failed: %s", error)
            self.extensions = []  # not the distribution's: the wheel's layout has been settled by them
            return
        (DIGESTS if self.inplace else Path(self.build_lib, DIGESTS)).write_text(digests)
        log.warning("headwater: %d hot module(s) compiled with mypyc %s", len(HOT), version("mypy"))


def translate() -> list[Extension]:
    """The hot modules as C. Checking types is left to `make check`; here mypy only finds them out."""
    from mypyc.build import mypycify

    options = ["--config-file=", "--follow-imports=silent", "--ignore-missing-imports"]
    extensions: list[Extension] = mypycify([*options, *HOT], group_name=LIBRARY, debug_level="0")
    for extension in extensions:
        extension.extra_compile_args.append("-fvisibility=hidden")
    return extensions


def digest(source: str) -> str:
    """What tells one text of a module from another."""
    return hashlib.sha256(Path(source).read_bytes()).hexdigest()


def remove_compiled() -> None:
    """Of this Python, everything that was compiled in place: a module may have left `HOT`."""
    DIGESTS.unlink(missing_ok=True)
    for compiled in Path("headwater").rglob(f"*{get_config_var('EXT_SUFFIX')}"):
        compiled.unlink()


reason = obstacle()
if reason:
    log.warning("headwater: runs interpreted, its hot modules are not compiled: %s", reason)
setup(
    # Placeholders for `CompileHot`: a wheel with extensions is one for this platform and Python, without it is for all.
    ext_modules=[] if reason else [Extension(module_name(source), [source]) for source in HOT],
    cmdclass={"build_ext": CompileHot},
)
