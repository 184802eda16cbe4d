"""Signing in to a real MySQL: TLS in all its modes, passwords with and without it, and what is said of a failure."""

import socket
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pymysql
import pytest
import sqlalchemy

from headwater.config import Config
from headwater.source import Resume, RetriableSourceError, SourceError
from headwater.sources.mysql.connection import connect, socket_of
from headwater.sources.mysql.connector import CONNECTOR, OPTIONS

PASSWORD = "correct-horse-battery"
CLIENT_SSL = 0x0800


def administrator(url: sqlalchemy.URL) -> pymysql.Connection:
    return pymysql.connect(host=url.host, port=url.port or 3306, user=url.username, password=url.password or "")


@pytest.fixture
def user(mysql_url: sqlalchemy.URL) -> Iterator[str]:
    """A user just made: the server has no hash of the password yet, so that a full caching_sha2 sign-in is needed."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    server = administrator(mysql_url)
    with server, server.cursor() as cursor:
        cursor.execute(f"CREATE USER {name} IDENTIFIED WITH caching_sha2_password BY '{PASSWORD}'")
        yield name
        cursor.execute(f"DROP USER {name}")


@pytest.fixture
def authority(mysql_url: sqlalchemy.URL) -> str:
    """The certificate authority that the server made for itself."""
    server = administrator(mysql_url)
    with server, server.cursor() as cursor:
        cursor.execute("SELECT CONCAT(@@datadir, @@ssl_ca)")
        return cursor.fetchone()[0]


@pytest.fixture
def without_tls(mysql_url: sqlalchemy.URL) -> Iterator[int]:
    """A port on which the server seems to offer no TLS: what stands between strikes the offer out of its greeting."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_strike_tls, args=(listener, (mysql_url.host, mysql_url.port)))
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _strike_tls(listener: socket.socket, server_address: tuple[str, int]) -> None:
    pumps = []
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            break
        server = socket.create_connection(server_address)
        greeting = bytearray(server.recv(4096))
        capabilities = greeting.index(0, 5) + 1 + 4 + 8 + 1  # behind version, thread, salt and a filler
        greeting[capabilities + 1] &= ~(CLIENT_SSL >> 8)
        client.sendall(greeting)
        for source, target in ((client, server), (server, client)):
            pumps.append(threading.Thread(target=_pump, args=(source, target)))
            pumps[-1].start()
    for pump in pumps:
        pump.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with source, suppress(OSError):  # the other end may be gone already
        while data := source.recv(4096):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def config(url: sqlalchemy.URL, user: str, **options: str) -> Config:
    named = {name.replace("_", "."): text for name, text in options.items()}
    return OPTIONS.parse(
        {
            "topic.prefix": "srv",
            "database.hostname": str(url.host),
            "database.port": str(url.port or 3306),
            "database.user": user,
            "database.password": PASSWORD,
            "database.server.id": "1",
            "connect.timeout.ms": "5000",
        }
        | named
    )


def cipher(parsed: Config) -> str:
    """The connection's cipher as the server tells it: empty without TLS."""
    with closing(connect(parsed)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        return cursor.fetchone()[1]


def test_tls_is_used_where_the_server_has_it(mysql_url, user):
    assert cipher(config(mysql_url, user))
    assert cipher(config(mysql_url, user, database_ssl_mode="required"))


def test_no_tls_where_it_is_disabled(mysql_url, user):
    retrieval = {"database_allowPublicKeyRetrieval": "true"}
    assert cipher(config(mysql_url, user, database_ssl_mode="disabled", **retrieval)) == ""


def test_without_tls_the_public_key_is_taken_only_where_that_is_allowed(mysql_url, user):
    with pytest.raises(SourceError, match=r"database\.allowPublicKeyRetrieval=true") as caught:
        connect(config(mysql_url, user, database_ssl_mode="disabled"))
    assert not isinstance(caught.value, RetriableSourceError)
    assert cipher(config(mysql_url, user))  # the server has the password's hash from here on: no key is needed
    assert cipher(config(mysql_url, user, database_ssl_mode="disabled")) == ""


def test_preferred_goes_on_without_tls(mysql_url, user, without_tls):
    port = {"database_port": str(without_tls), "database_allowPublicKeyRetrieval": "true"}
    assert cipher(config(mysql_url, user, database_ssl_mode="preferred", **port)) == ""


def test_required_refuses_to_go_on_without_tls(mysql_url, user, without_tls):
    port = {"database_port": str(without_tls), "database_allowPublicKeyRetrieval": "true"}
    with pytest.raises(SourceError, match=r"database\.ssl\.mode asks for TLS") as caught:
        connect(config(mysql_url, user, database_ssl_mode="required", **port))
    assert not isinstance(caught.value, RetriableSourceError)


def test_certificate_is_checked_against_the_authority(mysql_url, user, authority):
    assert cipher(config(mysql_url, user, database_ssl_mode="verify_ca", database_ssl_ca=authority))
    with pytest.raises(SourceError, match=r"database\.ssl\.ca must name") as caught:
        connect(config(mysql_url, user, database_ssl_mode="verify_ca"))
    assert not isinstance(caught.value, RetriableSourceError)


def test_identity_is_checked_against_the_host(mysql_url, user, authority):
    with pytest.raises(SourceError, match="verify_identity also asks") as caught:
        connect(config(mysql_url, user, database_ssl_mode="verify_identity", database_ssl_ca=authority))
    assert not isinstance(caught.value, RetriableSourceError)


def test_authority_that_can_not_be_read_is_named(mysql_url, user, tmp_path):
    (tmp_path / "empty.pem").write_text("")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(SourceError, match=rf"database\.ssl\.ca: .*{name}") as caught:
            connect(config(mysql_url, user, database_ssl_mode="verify_ca", database_ssl_ca=str(tmp_path / name)))
        assert not isinstance(caught.value, RetriableSourceError)


def test_wrong_password_is_not_shown(mysql_url, user):
    with pytest.raises(SourceError, match=r"check database\.user and database\.password") as caught:
        connect(config(mysql_url, user, database_password="wrong-secret"))
    assert not isinstance(caught.value, RetriableSourceError)
    assert "wrong-secret" not in str(caught.value)


def test_server_that_can_not_be_reached_is_worth_another_try(mysql_url, user):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with pytest.raises(RetriableSourceError, match=rf"connecting to MySQL at .*:{port}"):
        connect(config(mysql_url, user, database_port=str(port)))


def test_server_that_takes_connections_and_says_nothing_is_worth_another_try(mysql_url, user):
    """A proxy without its server, a firewall: waiting for a greeting would never end."""
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as pool:
        port = str(silent.getsockname()[1])
        parsed = config(mysql_url, user, database_port=port, connect_timeout_ms="1000")
        signing_in = pool.submit(connect, parsed)
        try:
            error = signing_in.exception(timeout=20)
        finally:
            silent.accept()[0].close()
    assert isinstance(error, RetriableSourceError)


@pytest.mark.parametrize("mode", ["disabled", "required"])
def test_a_host_that_is_gone_is_noticed_within_a_minute(mysql_url, user, mode):
    options = {"database_ssl_mode": mode, "database_allowPublicKeyRetrieval": "true"}
    with closing(connect(config(mysql_url, user, **options))) as connection:
        tcp = {
            name: socket_of(connection).getsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_{name}"))
            for name in ("KEEPIDLE", "KEEPINTVL", "KEEPCNT", "USER_TIMEOUT")
        }
        assert socket_of(connection).getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert tcp["KEEPIDLE"] + tcp["KEEPINTVL"] * tcp["KEEPCNT"] <= 60
    assert tcp["USER_TIMEOUT"] <= 60_000


def test_missing_privilege_is_named(mysql_url, user):
    source = CONNECTOR.open(config(mysql_url, user))
    with closing(source), pytest.raises(SourceError, match="the user needs the privileges SELECT, RELOAD"):
        source.start(Resume())
