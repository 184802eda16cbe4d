"""References in configurations become what Kafka's own config providers make of them."""

import os
import random
import subprocess
from pathlib import Path

import pytest

from headwater.config import ConfigError
from headwater.worker.config_providers import read_config_providers
from tests.conformance import reference

SOURCE = Path(__file__).with_name("ConfigReferences.java")
PATTERN = "SHOP_.*|A"
FRAGMENTS = ["${", "}", "$", ":", "env", "file", "dir", "/", "{0}", "A", "SHOP_USER", "{0}/db.properties", "user", " "]
WHOLE = ["${env:A}", "${env:SHOP_USER}", "${file:{0}/db.properties:user}", "${dir:{0}:password}", "${vault:a:b}"]

CASES = [
    *WHOLE,
    *(f"a{first}{second}z" for first in WHOLE for second in WHOLE),
    "${env::A}",
    "${env:OTHER}",
    "${env:SHOP_NOBODY}",
    "${env:/etc:A}",
    "${file:{0}/db.properties:nobody}",
    "${file:{0}/db.properties:a:b}",
    "${file:{0}/db.properties:e\u00e9}",
    "${file:{0}/nobody:user}",
    "${file:{0}/../outside:key}",
    "${file://{0}/./db.properties:user}",
    "${file:/{0}/../{1}/db.properties:user}",
    "${file:user}",
    "${file:{0}:user}",
    "${dir:{0}:sub}",
    "${dir:{0}/sub:inner}",
    "${dir:{0}:sub/inner}",
    "${dir:{0}/password:x}",
    "${dir:password}",
    "${env:A:}",
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """What the providers may give, and more."""
    folder = tmp_path / "secrets"
    (folder / "sub").mkdir(parents=True)
    (folder / "db.properties").write_text("user = reader\na\\:b: colon\ne\u00e9=\\u20ac\n")
    (folder / "password").write_text("s3cret\n")
    (folder / "sub" / "inner").write_text("inner")
    (tmp_path / "outside").write_text("key = outside\n")
    for name, value in {"A": "one", "SHOP_USER": "${env:A}", "OTHER": "other"}.items():
        monkeypatch.setenv(name, value)
    return folder


def test_references_become_what_java_makes_of_them(folder, report):
    rng = random.Random(3)
    mixed = ["".join(rng.choices(FRAGMENTS, k=rng.randrange(3, 12))) for _ in range(2000)]
    values = [value.replace("{0}", str(folder)).replace("{1}", folder.name) for value in (*CASES, *mixed)]
    java = by_java(folder, values)
    ours = by_headwater(folder, values)
    replaced = 0
    for value, theirs, mine in zip(values, java, ours, strict=True):
        if mine is None:
            # Kafka Connect leaves such a reference as it stands, or refuses it as we do.
            assert theirs is None or "${" in theirs, value
        else:
            assert mine == theirs, value
            replaced += mine != value
    assert replaced > len(WHOLE) ** 2
    report(f"{len(values)} values, {replaced} of them with references that have a value")


def by_headwater(folder, values):
    """None where the references are refused."""
    references, warnings = read_config_providers(
        ["env", "file", "dir"],
        {
            "config.providers.env.class": "EnvVarConfigProvider",
            "config.providers.env.param.allowlist.pattern": PATTERN,
            "config.providers.file.class": "FileConfigProvider",
            "config.providers.file.param.allowed.paths": str(folder),
            "config.providers.dir.class": "DirectoryConfigProvider",
            "config.providers.dir.param.allowed.paths": str(folder),
        },
    )
    assert warnings == []

    def resolve(value):
        try:
            return references.resolve({"o": value})["o"]
        except ConfigError:
            return None

    return [resolve(value) for value in values]


def by_java(folder, values):
    """None where Kafka's providers raise an exception."""
    options = ["-Dfile.encoding=UTF-8", "-Dorg.apache.logging.log4j.level=OFF", "-cp", f"{reference.jars()}/*"]
    answer = subprocess.run(
        ["java", *options, str(SOURCE), str(folder), PATTERN],
        input="\n".join(value.encode().hex() for value in values),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    lines = answer.stdout.splitlines()
    return [None if line == "error" else bytes.fromhex(line).decode() for line in lines]
