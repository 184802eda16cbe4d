"""Connections to a MySQL server: signing in and TLS are PyMySQL's, what Debezium's options ask of them is here."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pymysql
from pymysql.connections import Connection
from pymysql.constants import CR, ER

from headwater.config import Config
from headwater.source import RetriableSourceError, SourceError

_PASSING = {
    CR.CR_CONN_HOST_ERROR,
    CR.CR_SERVER_GONE_ERROR,
    CR.CR_SERVER_LOST,
    ER.CON_COUNT_ERROR,
    ER.SERVER_SHUTDOWN,
    ER.LOCK_WAIT_TIMEOUT,
    ER.LOCK_DEADLOCK,
    ER.NO_SUCH_TABLE,  # dropped or altered while the snapshot was reading: the next one sees it as it is then
    ER.TABLE_DEF_CHANGED,
    ER.QUERY_INTERRUPTED,
    1159,  # ER_NET_READ_INTERRUPTED
    1161,  # ER_NET_WRITE_INTERRUPTED
    3169,  # ER_SESSION_WAS_KILLED
    4031,  # ER_CLIENT_INTERACTION_TIMEOUT
}
_HINTS = {
    CR.CR_SSL_CONNECTION_ERROR: "database.ssl.mode asks for TLS",
    ER.ACCESS_DENIED_ERROR: "check database.user and database.password, and from which hosts the user may connect",
    1227: "the user needs the privileges SELECT, RELOAD, SHOW DATABASES, REPLICATION SLAVE, REPLICATION CLIENT",
}
_CERTIFICATE_HINT = (
    "database.ssl.ca must name the PEM file of the authority that signed the server's certificate, "
    "and verify_identity also asks that the certificate has the host's name"
)


def source_error(error: Exception, doing: str) -> SourceError | RetriableSourceError:
    """A driver's error as the source's: retriable where waiting may help, else with a hint where one is known."""
    number = error.args[0] if error.args else None
    text = f"{doing}: {error}"
    if isinstance(getattr(error, "original_exception", error), ssl.SSLCertVerificationError):
        return SourceError(f"{text} ({_CERTIFICATE_HINT})")
    if isinstance(error, OSError) or number in _PASSING or isinstance(error, pymysql.InterfaceError):
        return RetriableSourceError(text)
    hint = _HINTS.get(number) if isinstance(number, int) else None
    return SourceError(f"{text} ({hint})" if hint else text)


_NO_PUBLIC_KEY = b"not allowed"
"""In place of the server's key: without TLS, whoever answers for the server could hand out a key of their own and so
learn the password. The driver asks for no key then, and fails to encrypt with this one."""


@contextlib.contextmanager
def driver_errors(doing: str) -> Iterator[None]:
    """Turn what the driver raises inside into the source's errors."""
    try:
        yield
    except (pymysql.MySQLError, OSError) as error:
        raise source_error(error, doing) from error


def _tls(config: Config) -> ssl.SSLContext | None:
    """What ``database.ssl.mode`` asks of TLS; None for a connection without it. Raises `SourceError`."""
    mode = config["database.ssl.mode"].lower()
    if mode in ("disabled", "disable"):
        return None
    if mode not in ("verify_ca", "verify_identity"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
    try:
        context = ssl.create_default_context(cafile=config["database.ssl.ca"])
    except OSError as error:
        raise SourceError(f"database.ssl.ca: {config['database.ssl.ca']!r} can't be read: {error}") from error
    context.check_hostname = mode == "verify_identity"
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # the certificates that MySQL makes for itself do not pass it
    return context


def connect(config: Config, *, program: str = "headwater", timeout_ms: int | None = None) -> Connection[Any]:
    """A new connection in autocommit mode, its text as utf8mb4.

    ``timeout_ms`` is how long to wait for the server where that is not ``connect.timeout.ms``.
    Raises `RetriableSourceError` where the server can't be reached, `SourceError` where it refuses.
    """
    host, port = config["database.hostname"], config["database.port"]
    doing = f"connecting to MySQL at {host}:{port} as {config['database.user']!r}"
    allowed = config["database.allowPublicKeyRetrieval"]
    try:
        with driver_errors(doing):
            seconds = max(1, (timeout_ms or config["connect.timeout.ms"]) // 1000)
            return _open(config, program, None if allowed else _NO_PUBLIC_KEY, seconds)
    except ValueError as error:
        if allowed:
            raise
        raise SourceError(
            f"{doing}: Public Key Retrieval is not allowed: use TLS (database.ssl.mode=required) "
            "or set database.allowPublicKeyRetrieval=true"
        ) from error


def _open(config: Config, program: str, public_key: bytes | None, seconds: int) -> Connection[Any]:
    tls = _tls(config)
    try:
        return _sign_in(config, program, public_key, seconds, tls)
    except pymysql.OperationalError as error:
        if error.args[0] != CR.CR_SSL_CONNECTION_ERROR or config["database.ssl.mode"].lower() != "preferred":
            raise
        return _sign_in(config, program, public_key, seconds, None)  # the server has no TLS


def _sign_in(
    config: Config, program: str, public_key: bytes | None, seconds: int, tls: ssl.SSLContext | None
) -> Connection[Any]:
    """Given a context, the driver ends with CR_SSL_CONNECTION_ERROR, before it sends a name, where there is no TLS."""
    connection: Connection[Any] = Connection(
        host=config["database.hostname"],
        port=config["database.port"],
        user=config["database.user"],
        password=config["database.password"] or "",
        charset="utf8mb4",
        autocommit=True,
        connect_timeout=seconds,
        read_timeout=seconds,
        program_name=program,
        server_public_key=public_key,
        ssl=tls,
        ssl_disabled=tls is None,
    )
    connection._read_timeout = None  # type: ignore[attr-defined]  # noqa: SLF001 - a statement may take its time
    _notice_a_lost_peer(socket_of(connection))
    return connection


def _notice_a_lost_peer(sock: socket.socket) -> None:
    """A statement may take its time, but a host that is gone must end the wait: within a minute, not two hours."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000)


# What the driver has no public way for.


def send_command(connection: Connection[Any], command: int, payload: bytes) -> None:
    """Send a command of the protocol; whoever sent it reads the answer."""
    connection._execute_command(command, payload)  # type: ignore[attr-defined]  # noqa: SLF001


def socket_of(connection: Connection[Any]) -> socket.socket:
    """The socket, or TLS socket, of a connection that has signed in."""
    found: socket.socket = connection._sock  # type: ignore[attr-defined]  # noqa: SLF001
    return found


def drop(connection: Connection[Any]) -> None:
    """Close the socket without a word to the server, in whatever state the protocol is."""
    connection._force_close()  # type: ignore[attr-defined]  # noqa: SLF001
