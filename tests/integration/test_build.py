"""The package's own build: compiled where a C compiler is, and a valid wheel in any case."""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from sysconfig import get_config_var

import pytest

ROOT = Path(__file__).parents[2]
SETUP = (ROOT / "setup.py").read_text()
HOT = "headwater/sources/little_endian.py"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of what the package is built from, nothing compiled in it, and little to compile, which takes long."""
    compiled = shutil.ignore_patterns("*.so", "*.sha256", "__pycache__")
    shutil.copytree(ROOT / "headwater", tmp_path / "headwater", ignore=compiled)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "setup.py").write_text(re.sub(r"HOT = \[.*?\]", f"HOT = [{HOT!r}]", SETUP, count=1, flags=re.DOTALL))
    return tmp_path


def build(sources: Path, **environment: str) -> tuple[Path, str]:
    """The wheel that pip builds, and what is said meanwhile."""
    wheels = sources / "wheels"
    command = [sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", "--no-build-isolation", "-w", wheels, sources]
    done = subprocess.run(
        command,
        env=os.environ | environment,
        cwd=sources,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    (wheel,) = wheels.iterdir()
    return wheel, done.stdout


def run(wheel: Path) -> list[str]:
    """`headwater version` of a wheel, which is imported from the folder it is unpacked to."""
    folder = wheel.parent / "unpacked"
    zipfile.ZipFile(wheel).extractall(folder)
    command = [sys.executable, "-m", "headwater", "version"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.splitlines()


def test_where_a_compiler_is_the_wheel_has_the_modules_compiled_and_as_sources(sources: Path) -> None:
    wheel, said = build(sources)
    assert "compiled with mypyc" in said
    names = zipfile.ZipFile(wheel).namelist()
    assert HOT in names
    assert HOT.replace(".py", get_config_var("EXT_SUFFIX")) in names
    assert run(wheel)[1] == "compiled: headwater.sources.little_endian"


@pytest.mark.parametrize(
    ("environment", "reason", "tag"),
    [
        ({"HEADWATER_COMPILE": "0"}, "HEADWATER_COMPILE=0", "py3-none-any"),
        ({"CC": "no-such-compiler"}, "there is no C compiler 'no-such-compiler'", "py3-none-any"),
        ({"CC": "false"}, "compiling its hot modules failed", ""),
    ],
)
def test_without_a_working_compiler_the_wheel_is_pure_and_a_line_says_why(sources, environment, reason, tag) -> None:
    wheel, said = build(sources, **environment)
    (line,) = {line.strip() for line in said.splitlines() if "headwater: runs interpreted" in line}
    assert reason in line
    assert tag in wheel.name
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith((".so", ".sha256"))]
    assert run(wheel)[1].startswith("interpreted: ")


def test_pip_install_into_an_empty_environment_is_enough_for_the_demo(sources: Path, tmp_path_factory) -> None:
    wheel, _ = build(sources, HEADWATER_COMPILE="0")
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder / "venv")
    programs = folder / "venv" / "bin"
    install = [sys.executable, "-m", "pip", "--python", programs / "python", "install", "--quiet", wheel]
    subprocess.run(install, check=True, timeout=300)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    demo = [programs / "headwater", "demo", "--once", "--json"]
    for start in (0, 6):
        done = subprocess.run(
            demo, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert [line["offset"] for line in lines] == list(range(start, start + 6))
        assert [line["value"] and line["value"]["op"] for line in lines] == ["c", "d", None] * 2
    assert (folder / "headwater-demo").is_dir()
