"""Config providers: what each gives, and what it must not give."""

import os

import pytest

from headwater.config import ConfigError
from headwater.config_provider import ConfigProviderError
from headwater.config_providers import directory, env, file
from headwater.config_providers.allowed_paths import MAX_FILE_BYTES
from headwater.worker.worker_config import read_worker_config

PACKAGE = "org.apache.kafka.common.config.provider"


@pytest.fixture
def secrets(tmp_path):
    """A directory as Kubernetes mounts a secret: links through a directory that is exchanged as a whole."""
    data = tmp_path / "secrets" / "..2026"
    data.mkdir(parents=True)
    (data / "password").write_text("s3cret\n")
    (data / "db.properties").write_text("user = reader\npassword = p\\u00e4ss\nempty =\n")
    (data.parent / "..data").symlink_to("..2026")
    for name in ("password", "db.properties"):
        (data.parent / name).symlink_to(f"..data/{name}")
    (tmp_path / "outside").write_text("key = outside\n")
    return data.parent


def test_environment_variables_that_match(monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", "s3cret")
    monkeypatch.setenv("OTHER", "other")
    provider = env.create({"allowlist.pattern": "SHOP_.*"})
    assert provider.get("", "SHOP_PASSWORD") == "s3cret"
    for key, message in (("OTHER", "allowlist.pattern does not match"), ("SHOP_NOBODY", "has no such variable")):
        with pytest.raises(ConfigProviderError, match=message):
            provider.get("", key)
    with pytest.raises(ConfigProviderError, match="have no path"):
        provider.get("/etc", "SHOP_PASSWORD")
    assert env.create({}).get("", "OTHER") == "other"


def test_entries_of_a_properties_file(secrets):
    provider = file.create({"allowed.paths": str(secrets)})
    path = str(secrets / "db.properties")
    assert [provider.get(path, key) for key in ("user", "password", "empty")] == ["reader", "päss", ""]
    with pytest.raises(ConfigProviderError, match="has no entry 'nobody'"):
        provider.get(path, "nobody")


def test_a_file_that_was_changed_counts_when_it_is_asked_for_next(secrets):
    provider = directory.create({"allowed.paths": str(secrets)})
    assert provider.get(str(secrets), "password") == "s3cret\n"
    fresh = secrets / "..2027"
    fresh.mkdir()
    (fresh / "password").write_text("rotated")
    (secrets / "..fresh").symlink_to("..2027")
    (secrets / "..fresh").rename(secrets / "..data")
    assert provider.get(str(secrets), "password") == "rotated"


@pytest.mark.parametrize("key", ["..", ".", "", "../outside", "/etc/passwd", "a/../../outside", "password\0", "nobody"])
def test_a_key_does_not_lead_out_of_the_directory(secrets, key):
    for provider in (directory.create({"allowed.paths": str(secrets)}), directory.create({})):
        with pytest.raises(ConfigProviderError):
            provider.get(str(secrets), key)


@pytest.mark.parametrize(
    "path",
    [
        "{0}/../outside",
        "{0}/./../outside",
        "/{0}/../outside",
        "{0}x",
        "{0}/link",
        "{0}/links/outside",
        "{0}/links/../../outside",
        "outside",
        "../outside",
        "",
        "\0",
        "/proc/self/environ",
    ],
)
def test_a_path_does_not_lead_out_of_what_is_allowed(secrets, path, monkeypatch):
    monkeypatch.chdir(secrets.parent)
    (secrets / "link").symlink_to(secrets.parent / "outside")
    (secrets / "links").symlink_to(secrets.parent)
    (secrets.parent / "secretsx").write_text("key = x\n")
    provider = file.create({"allowed.paths": f"{secrets},{secrets / 'db.properties'}"})
    with pytest.raises(ConfigProviderError):
        provider.get(path.format(secrets), "key")


def test_allowed_paths_may_be_links_and_single_files(secrets):
    alias = secrets.parent / "alias"
    alias.symlink_to(secrets)
    assert file.create({"allowed.paths": str(alias)}).get(f"{alias}/db.properties", "user") == "reader"
    single = file.create({"allowed.paths": f" {alias}/db.properties "})
    assert single.get(f"/{alias}/../alias/db.properties", "user") == "reader"
    with pytest.raises(ConfigProviderError, match=r"not within the provider's allowed\.paths"):
        single.get(f"{alias}/password", "s3cret")


def test_what_is_no_bounded_readable_text_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder").mkdir()
    provider = directory.create({})
    for key, message in (
        ("pipe", "it is not a regular file"),
        ("folder", "it is not a regular file"),
        ("large", "is larger than 1048576 bytes"),
        ("binary", "is not text in UTF-8"),
        ("nobody", "can't be read: No such file or directory"),
    ):
        with pytest.raises(ConfigProviderError, match=message):
            provider.get(str(tmp_path), key)
    with pytest.raises(ConfigProviderError, match="it is not a regular file"):
        file.create({}).get("/dev/zero", "key")
    (tmp_path / "broken").write_text("a = \\u12\n")
    with pytest.raises(ConfigProviderError, match="is not a properties file: line 1"):
        file.create({}).get(str(tmp_path / "broken"), "a")


@pytest.mark.parametrize("name", [f"{PACKAGE}.EnvVarConfigProvider", "EnvVarConfigProvider", "env"])
def test_a_worker_looks_up_its_own_options(name, monkeypatch):
    monkeypatch.setenv("BROKERS", "broker.example:9092")
    config = read_worker_config(
        {
            "config.providers": "env",
            "config.providers.env.class": name,
            "config.providers.env.param.allowlist.pattern": "BROKERS",
            "bootstrap.servers": "${env:BROKERS}",
            "producer.client.id": "at ${env:BROKERS}",
        }
    )
    assert config.options["bootstrap.servers"] == "broker.example:9092"
    assert config.values["producer.client.id"] == "at broker.example:9092"
    assert config.properties["bootstrap.servers"] == "${env:BROKERS}"
    assert config.warnings == ()


def test_a_workers_error_names_the_reference_and_not_its_value(monkeypatch):
    monkeypatch.setenv("PORT", "s3cret-port")
    with pytest.raises(ConfigError) as caught:
        read_worker_config(
            {"config.providers": "env", "config.providers.env.class": "env", "listeners": "http://${env:PORT}:x"}
        )
    assert "http://${env:PORT}:x" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"config.providers": "env"}, "config.providers.env.class: must be given, because config.providers names env"),
        ({"config.providers": "env, env", "config.providers.env.class": "env"}, "must not be duplicated: env is twice"),
        (
            {"config.providers": "v", "config.providers.v.class": "com.example.Vault"},
            "config.providers.v.class: Failed to find any class that implements ConfigProvider",
        ),
        ({"config.providers.f.param.allowed.paths": "etc"}, "Path 'etc' is not absolute"),
        ({"config.providers.f.param.allowed.paths": "/nowhere"}, "Path '/nowhere' does not exist"),
        ({"config.providers.f.param.allowed.paths": ""}, "name at least one path"),
        ({"config.providers.e.param.allowlist.pattern": "("}, "it is not a regular expression"),
    ],
)
def test_providers_that_cannot_be_made_stop_the_worker(properties, message):
    declared = {"config.providers": "e,f", "config.providers.e.class": "env", "config.providers.f.class": "file"}
    with pytest.raises(ConfigError) as caught:
        read_worker_config({**declared, **properties})
    assert message in str(caught.value)


def test_options_of_providers_that_do_nothing_warn():
    parameter = "config.providers.env.param.allowlist.patern"
    config = read_worker_config(
        {
            "config.providers": "env",
            "config.providers.env.class": "env",
            parameter: "X",
            "config.providers.file.class": "file",
            "bootstrap.servers": "${file:/etc/a:b}",
        }
    )
    assert [warning.message for warning in config.warnings] == [
        "config.providers.file.class has no effect: config.providers names env",
        f"{parameter} is not a known option and has no effect; did you mean allowlist.pattern?",
        "bootstrap.servers holds a reference that stays text: the worker's config.providers are env",
    ]
