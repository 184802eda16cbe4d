"""The registry's client against servers that answer what a registry may: signing in, failover and refusals."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from headwater.converter import RetriableConversionError
from headwater.converters.avro.converter import create
from headwater.converters.schema_registry.client import Connection, RegistryClient
from headwater.converters.schema_registry.registry import (
    IncompatibleSchemaError,
    NotRegisteredError,
    Registered,
    RegistryError,
    SchemaType,
)
from headwater.record import Schema, Type
from tests.certificates import Authority
from tests.registry_server import Registry, serving


@pytest.fixture
def registries() -> Iterator[list[Registry]]:
    """Three servers; what each answers is for the test to say."""
    with ExitStack() as stack:
        yield [stack.enter_context(serving([(200, b'{"id": 7}')])) for _ in range(3)]


def client(*urls: str, retries: int = 0, authorization: str | None = None, normalize: bool = False) -> RegistryClient:
    return RegistryClient(Connection(urls, authorization, retries=retries, first_wait=0.001), normalize=normalize)


def test_a_schema_is_registered_under_its_subject(registries: list[Registry]) -> None:
    assert client(registries[0].url + "/path/", normalize=True).register("a/b c", '"int"') == 7
    ((path, authorization, body),) = registries[0].asked
    assert path == "/path/subjects/a%2Fb%20c/versions?normalize=true"
    assert authorization is None
    assert json.loads(body) == {"schema": '"int"'}


def test_the_latest_schema(registries: list[Registry]) -> None:
    registries[0].answers = [(200, b'{"subject": "s", "version": 1, "id": 3, "schema": "\\"int\\""}')]
    assert client(registries[0].url).latest("s") == Registered(3, '"int"')


def test_a_url_may_hold_name_and_password(registries: list[Registry]) -> None:
    url = f"http://anna:s%40crab@127.0.0.1:{registries[0].port}"
    client(url, authorization="Bearer other").register("s", '"int"')
    assert registries[0].asked[0][1] == "Basic YW5uYTpzQGNyYWI="


def test_a_server_that_is_down_is_left_for_the_next_one(registries: list[Registry]) -> None:
    registries[0].answers = [(503, b"")]
    asking = client(registries[0].url, "http://127.0.0.1:1", registries[1].url)
    assert [asking.register("s", '"int"') for _ in range(2)] == [7, 7]
    assert [len(registry.asked) for registry in registries] == [1, 2, 0]


def test_all_are_asked_again(registries: list[Registry]) -> None:
    registries[0].answers = [(503, b""), (429, b""), (200, b'{"id": 9}')]
    assert client(registries[0].url, retries=2).register("s", '"int"') == 9
    registries[1].answers = [(503, b"tired")]
    with pytest.raises(RegistryError, match="answers 503: tired"):
        client(registries[1].url, retries=2).register("s", '"int"')
    assert len(registries[1].asked) == 3


@pytest.mark.parametrize(
    ("status", "content", "error", "reason"),
    [
        (409, b'{"error_code": 409, "message": "not backward"}', IncompatibleSchemaError, "answers 409: not backward"),
        (404, b'{"error_code": 40401, "message": "no subject"}', NotRegisteredError, "no subject"),
        (404, b"<html>", RegistryError, "answers 404: <html>"),
        (401, b'{"error_code": 401, "message": "who?"}', RegistryError, "set basic.auth.credentials.source"),
        (307, b"", RegistryError, "answers 307"),
        (200, b"<html>", RegistryError, "no JSON, is it a schema registry"),
        (200, b'{"id": "7"}', RegistryError, "has no schema's id"),
        (200, b"[]", RegistryError, "has no schema's id"),
    ],
)
def test_refusals(
    registries: list[Registry], status: int, content: bytes, error: type[RegistryError], reason: str
) -> None:
    registries[0].answers = [(status, content)]
    with pytest.raises(error, match=reason) as raised:
        client(f"http://anna:secret@127.0.0.1:{registries[0].port}").register("s", '"int"')
    assert type(raised.value) is error
    assert "secret" not in str(raised.value)


def test_a_refusal_is_not_asked_for_again(registries: list[Registry]) -> None:
    registries[0].answers = [(409, b'{"error_code": 409, "message": "no"}')]
    with pytest.raises(IncompatibleSchemaError):
        client(registries[0].url, registries[1].url, retries=3).register("s", '"int"')
    assert [len(registry.asked) for registry in registries] == [1, 0, 0]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def server_tls(authority: Authority, folder: Path, host: str, *, asks_clients: bool = False) -> ssl.SSLContext:
    """What a server needs to speak TLS as ``host``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.sign(host).write_pem(folder / "server.pem"))
    if asks_clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=authority.pem.decode())
    return context


def write_to(registry: Registry, **options: str) -> bytes | None:
    """A message of a converter with that registry; options' names have _ for a dot."""
    named = {name.replace("_", "."): value for name, value in options.items()}
    converter = create({"schema.registry.url": registry.url, "max.retries": "0", **named}, is_key=False)
    return converter.convert("t", Schema(Type.STRING), "a")


def test_the_authority_of_a_server_is_trusted_by_file_or_in_place(authority: Authority, tmp_path: Path) -> None:
    trusted = tmp_path / "authority.pem"
    trusted.write_bytes(authority.pem)
    with serving([(200, b'{"id": 7}')], server_tls(authority, tmp_path, "127.0.0.1")) as registry:
        assert write_to(registry, schema_registry_ssl_truststore_location=str(trusted)) is not None
        assert write_to(registry, schema_registry_ssl_truststore_certificates=authority.pem.decode()) is not None
        with pytest.raises(RetriableConversionError, match="CERTIFICATE_VERIFY_FAILED"):
            write_to(registry)
        assert len(registry.asked) == 2


def test_a_certificate_must_be_for_its_host_unless_that_is_not_wanted(authority: Authority, tmp_path: Path) -> None:
    certificates = {"schema_registry_ssl_truststore_certificates": authority.pem.decode()}
    with serving([(200, b'{"id": 7}')], server_tls(authority, tmp_path, "elsewhere")) as registry:
        with pytest.raises(RetriableConversionError, match="IP address mismatch"):
            write_to(registry, **certificates)
        assert write_to(registry, **certificates, schema_registry_ssl_endpoint_identification_algorithm="") is not None


def test_a_registry_may_ask_for_a_certificate(authority: Authority, tmp_path: Path) -> None:
    certificates = {"schema_registry_ssl_truststore_certificates": authority.pem.decode()}
    keystore = authority.sign("client").write_pem(tmp_path / "client.pem")
    with serving([(200, b'{"id": 7}')], server_tls(authority, tmp_path, "127.0.0.1", asks_clients=True)) as registry:
        assert write_to(registry, **certificates, schema_registry_ssl_keystore_location=str(keystore)) is not None
        with pytest.raises(RetriableConversionError, match="can't be asked"):
            write_to(registry, **certificates)


@pytest.mark.parametrize(
    ("options", "authorization"),
    [
        (
            {"basic_auth_credentials_source": "USER_INFO", "basic_auth_user_info": "anna:s@crab"},
            "Basic YW5uYTpzQGNyYWI=",
        ),
        ({"bearer_auth_credentials_source": "STATIC_TOKEN", "bearer_auth_token": "t0ken"}, "Bearer t0ken"),
        ({}, None),
    ],
)
def test_it_signs_in_over_tls(
    authority: Authority, tmp_path: Path, options: dict[str, str], authorization: str | None
) -> None:
    certificates = {"schema_registry_ssl_truststore_certificates": authority.pem.decode()}
    with serving([(200, b'{"id": 7}')], server_tls(authority, tmp_path, "127.0.0.1")) as registry:
        assert write_to(registry, **certificates, **options) == b"\0\0\0\0\7\2a"
        assert [each[1] for each in registry.asked] == [authorization]


def test_another_type_of_schema_is_told_apart(registries: list[Registry]) -> None:
    asking = RegistryClient(Connection([registries[0].url], retries=0), SchemaType.PROTOBUF)
    asking.register("s", "message A {}")
    assert json.loads(registries[0].asked[0][2]) == {"schema": "message A {}", "schemaType": "PROTOBUF"}
    registries[0].answers = [(200, b'{"id": 3, "schema": "\\"int\\""}')]
    with pytest.raises(IncompatibleSchemaError, match="is AVRO, not PROTOBUF"):
        asking.latest("s")
