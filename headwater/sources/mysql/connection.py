"""Connections to a MySQL server: signing in and TLS are PyMySQL's, what Debezium's options ask of them is here."""

from __future__ import annotations

import contextlib
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
    1159,  # ER_NET_READ_INTERRUPTED
    1161,  # ER_NET_WRITE_INTERRUPTED
    3169,  # ER_SESSION_WAS_KILLED
    4031,  # ER_CLIENT_INTERACTION_TIMEOUT
}
_HINTS = {
    ER.ACCESS_DENIED_ERROR: "check database.user and database.password, and from which hosts the user may connect",
    1227: "the user needs the privileges SELECT, RELOAD, SHOW DATABASES, REPLICATION SLAVE, REPLICATION CLIENT",
}


def source_error(error: Exception, doing: str) -> SourceError | RetriableSourceError:
    """A driver's error as the source's: retriable where waiting may help, else with a hint where one is known."""
    number = error.args[0] if error.args else None
    text = f"{doing}: {error}"
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


def _tls(config: Config) -> dict[str, Any]:
    """PyMySQL's arguments for ``database.ssl.mode``."""
    mode = config["database.ssl.mode"].lower()
    if mode in ("disabled", "disable"):
        return {"ssl_disabled": True}
    context = ssl.create_default_context(cafile=config["database.ssl.ca"])
    context.check_hostname = mode == "verify_identity"
    if mode not in ("verify_ca", "verify_identity"):
        context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}


def connect(config: Config, *, program: str = "headwater") -> Connection[Any]:
    """A new connection in autocommit mode, its text as utf8mb4.

    Raises `RetriableSourceError` where the server can't be reached, `SourceError` where it refuses.
    """
    host, port = config["database.hostname"], config["database.port"]
    doing = f"connecting to MySQL at {host}:{port} as {config['database.user']!r}"
    allowed = config["database.allowPublicKeyRetrieval"]
    try:
        with driver_errors(doing):
            connection = _open(config, program, None if allowed else _NO_PUBLIC_KEY)
    except ValueError as error:
        if allowed:
            raise
        raise SourceError(
            f"{doing}: Public Key Retrieval is not allowed: use TLS (database.ssl.mode=required) "
            "or set database.allowPublicKeyRetrieval=true"
        ) from error
    if config["database.ssl.mode"].lower() not in ("disabled", "disable", "preferred") and not _encrypted(connection):
        connection.close()
        raise SourceError(
            f"MySQL at {host}:{port} offers no TLS, which database.ssl.mode={config['database.ssl.mode']} asks for"
        )
    return connection


def _open(config: Config, program: str, public_key: bytes | None) -> Connection[Any]:
    return Connection(
        host=config["database.hostname"],
        port=config["database.port"],
        user=config["database.user"],
        password=config["database.password"] or "",
        charset="utf8mb4",
        autocommit=True,
        connect_timeout=max(1, config["connect.timeout.ms"] // 1000),
        read_timeout=None,
        program_name=program,
        server_public_key=public_key,
        **_tls(config),
    )


def _encrypted(connection: Connection[Any]) -> bool:
    return isinstance(_socket(connection), ssl.SSLSocket)


def _socket(connection: Connection[Any]) -> Any:
    return connection._sock  # type: ignore[attr-defined]  # noqa: SLF001
