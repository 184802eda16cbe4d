"""Which twin of a hot module is imported: the compiled one, or its source."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from sysconfig import get_config_var

import pytest

from headwater import compiled

SOURCE = "headwater/sources/mysql/jsonb.py"
NAME = "headwater.sources.mysql.jsonb"
IMPORTS_IT = f"from headwater import compiled; print(compiled.describe()); import {NAME} as m; print(m.__file__)"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with a copy of the package, in which one module has a compiled twin (that can't be loaded)."""
    ignored = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(compiled.PACKAGE, tmp_path / "headwater", ignore=ignored)
    twin = (tmp_path / SOURCE).with_suffix(get_config_var("EXT_SUFFIX"))
    twin.write_bytes(b"no extension module")
    digest = hashlib.sha256((tmp_path / SOURCE).read_bytes()).hexdigest()
    (tmp_path / "headwater" / "compiled.sha256").write_text(f"{digest}  {SOURCE}\n")
    return tmp_path


def run(folder: Path, interpreted: str | None = None) -> tuple[str, ...]:
    """What runs in a process of its own that imports from ``folder``: `describe`'s line, and the module's file."""
    environment = {name: value for name, value in os.environ.items() if name != "HEADWATER_INTERPRETED"}
    if interpreted is not None:
        environment["HEADWATER_INTERPRETED"] = interpreted
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS_IT], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return (*done.stdout.splitlines(), *done.stderr.splitlines()[-1:])


@pytest.mark.parametrize("interpreted", [None, "", "0"])
def test_the_compiled_module_is_preferred(package: Path, interpreted: str | None) -> None:
    described, error = run(package, interpreted)
    assert described == f"compiled: {NAME}"
    assert error.startswith("ImportError")  # it was tried


def test_the_environment_asks_for_the_source(package: Path) -> None:
    assert run(package, "1") == ("interpreted: HEADWATER_INTERPRETED is set", str(package / SOURCE))


def test_an_edited_source_is_never_shadowed_by_what_was_compiled(package: Path) -> None:
    with (package / SOURCE).open("a") as source:
        source.write("# edited\n")
    described, file = run(package)
    assert described.startswith(f"interpreted: {SOURCE} is not what was compiled")
    assert file == str(package / SOURCE)


def test_without_compiled_modules_the_sources_run(package: Path) -> None:
    (package / "headwater" / "compiled.sha256").unlink()
    (package / SOURCE).with_suffix(get_config_var("EXT_SUFFIX")).unlink()
    described, file = run(package)
    assert described.startswith("interpreted: this installation has no compiled modules")
    assert file == str(package / SOURCE)


def test_these_tests_run_what_the_line_says() -> None:
    """So that a run of the tests with HEADWATER_INTERPRETED, and one without, are two."""
    import headwater.sources.mysql.jsonb as module

    assert Path(module.__file__).suffix == (".py" if compiled.describe().startswith("interpreted") else ".so")
