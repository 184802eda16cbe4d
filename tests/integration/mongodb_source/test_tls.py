"""TLS with a server that wants a certificate of its clients too, from Java's stores and from PEM files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headwater.config import ConfigError
from headwater.source import RetriableSourceError, SourceError
from tests.capture import Capture
from tests.certificates import Authority
from tests.mongod import ReplicaSet

Start = Callable[..., Capture]
PASSWORD = "s3cret"


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with stores in both forms."""
    folder = tmp_path_factory.mktemp("stores")
    authority = Authority()
    (folder / "trusted.pem").write_bytes(authority.pem)
    authority.write_trust_store(folder / "trusted.p12", PASSWORD)
    client = authority.sign("client.example")
    client.write_pem(folder / "own.pem")
    client.write_store(folder / "own.p12", PASSWORD)
    authority.sign("127.0.0.1").write_pem(folder / "server.pem")
    authority.sign("elsewhere.example").write_pem(folder / "elsewhere.pem")
    return folder


def tls_server(program: str, folder: Path, stores: Path, certificate: str) -> ReplicaSet:
    files = (f"--tlsCertificateKeyFile={stores / certificate}", f"--tlsCAFile={stores / 'trusted.pem'}")
    return ReplicaSet(program, folder, "--tlsMode=preferTLS", *files)


@pytest.fixture(scope="module")
def server(mongod_program: str, stores: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    with tls_server(mongod_program, tmp_path_factory.mktemp("server"), stores, "server.pem") as running:
        yield running


def options(url: str, stores: Path, trusted: str | None = "trusted.p12", own: str | None = "own.p12") -> dict[str, str]:
    found = {
        "mongodb.connection.string": url,
        "mongodb.ssl.enabled": "true",
        "mongodb.server.selection.timeout.ms": "3000",
    }
    for store, file in (("truststore", trusted), ("keystore", own)):
        if file is not None:
            name = f"mongodb.ssl.{store}"
            is_pem = file.endswith(".pem")
            found |= {name: str(stores / file), f"{name}.type": "pem" if is_pem else "PKCS12"}
            found |= {} if is_pem else {f"{name}.password": PASSWORD}
    return found


@pytest.mark.parametrize(("trusted", "own"), [("trusted.p12", "own.p12"), ("trusted.pem", "own.pem")])
def test_both_sides_show_who_they_are(capture: Start, server: ReplicaSet, stores: Path, trusted: str, own: str) -> None:
    source = capture(None, **options(server.url, stores, trusted, own))
    source.snapshot()
    assert source.offset is not None


def test_the_string_may_ask_for_it(capture: Start, server: ReplicaSet, stores: Path) -> None:
    given = options(f"{server.url}&tls=true", stores) | {"mongodb.ssl.enabled": "false"}
    assert capture(None, **given).offset is not None


def test_a_server_that_is_not_trusted(capture: Start, server: ReplicaSet, stores: Path) -> None:
    with pytest.raises(SourceError, match=r"certificate can't be checked: .*mongodb\.ssl\.truststore") as raised:
        capture(None, **options(server.url, stores, trusted=None))
    assert not isinstance(raised.value, RetriableSourceError)


def test_a_client_that_shows_nothing(capture: Start, server: ReplicaSet, stores: Path) -> None:
    with pytest.raises(SourceError, match=r"connecting|listing|reading"):
        capture(None, **options(server.url, stores, own=None))


def test_a_certificate_of_another_host(capture: Start, mongod_program: str, stores: Path, tmp_path: Path) -> None:
    with tls_server(mongod_program, tmp_path, stores, "elsewhere.pem") as server:
        with pytest.raises(SourceError, match="certificate can't be checked"):
            capture(None, **options(server.url, stores))
        allowed = options(server.url, stores) | {"mongodb.ssl.invalid.hostname.allowed": "true"}
        assert capture(None, **allowed).offset is not None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"mongodb.ssl.truststore.password": "wr0ng"}, r"truststore .*is mongodb\.ssl\.truststore\.password right"),
        ({"mongodb.ssl.keystore.password": "wr0ng"}, r"keystore .*is mongodb\.ssl\.keystore\.password right"),
        ({"mongodb.ssl.keystore": "{stores}/none"}, r"keystore .*No such file"),
        ({"mongodb.ssl.keystore": "{stores}/trusted.p12"}, "has no private key"),
        ({"mongodb.ssl.truststore": "{stores}/trusted.pem"}, r"truststore\.type=PKCS12\?"),
        ({"mongodb.ssl.truststore": "{stores}/none", "mongodb.ssl.truststore.type": "PEM"}, "No such file"),
    ],
)
def test_a_store_that_can_not_be_read_is_named(
    capture: Start, server: ReplicaSet, stores: Path, changed: dict[str, str], reason: str
) -> None:
    given = {name: text.format(stores=stores) for name, text in changed.items()}
    with pytest.raises(SourceError, match=reason) as raised:
        capture(None, **options(server.url, stores) | given)
    assert "wr0ng" not in str(raised.value)
    assert not isinstance(raised.value, RetriableSourceError)


def test_another_kind_of_store_is_refused_with_what_converts_it(
    capture: Start, server: ReplicaSet, stores: Path
) -> None:
    with pytest.raises(ConfigError, match=r"mongodb\.ssl\.keystore\.type: .* keytool -importkeystore"):
        capture(None, **options(server.url, stores) | {"mongodb.ssl.keystore.type": "JKS"})
