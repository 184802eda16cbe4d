"""Errors of relational databases that say something of the moment, and nothing of what was asked."""

from __future__ import annotations

from collections.abc import Iterator

_SQLSTATE_CLASSES = ("08", "40", "53", "57P")
"""No connection, transaction ended (deadlock, serialization), no resources, server is going down.

Source: PostgreSQL's documentation, appendix A.
"""
_MYSQL_CODES = {
    1020,  # ER_CHECKREAD, as MariaDB ends a transaction that read what has changed since
    1040,  # ER_CON_COUNT_ERROR
    1053,  # ER_SERVER_SHUTDOWN
    1205,  # ER_LOCK_WAIT_TIMEOUT
    1213,  # ER_LOCK_DEADLOCK
    1290,  # ER_OPTION_PREVENTS_STATEMENT: read-only, as after a failover
    1792,  # ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
    1836,  # ER_READ_ONLY_MODE
    1927,  # ER_CONNECTION_KILLED
    2002,  # CR_CONNECTION_ERROR
    2003,  # CR_CONN_HOST_ERROR
    2006,  # CR_SERVER_GONE_ERROR
    2013,  # CR_SERVER_LOST
    2055,  # CR_SERVER_LOST_EXTENDED
    4031,  # ER_CLIENT_INTERACTION_TIMEOUT
}
_SQLITE_NAMES = ("SQLITE_BUSY", "SQLITE_LOCKED")


def is_passing(error: BaseException) -> bool:
    """Whether a DB-API error, or one that wraps it, is of that kind."""
    return any(_is_passing(each) for each in _wrapped(error))


def _wrapped(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it was made of."""
    seen: set[int] = set()
    inner: BaseException | None = error
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        yield inner
        inner = getattr(inner, "orig", None) or inner.__cause__


def _is_passing(error: BaseException) -> bool:
    if getattr(error, "connection_invalidated", False):  # SQLAlchemy's
        return True
    if (name := getattr(error, "sqlite_errorname", None)) is not None:
        return str(name).startswith(_SQLITE_NAMES)
    if isinstance(state := getattr(error, "sqlstate", None) or getattr(error, "pgcode", None), str):
        return state.startswith(_SQLSTATE_CLASSES)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if not kinds & {"OperationalError", "InterfaceError", "InternalError"}:
        return False
    code = error.args[0] if error.args else None
    if isinstance(code, int):
        return code in _MYSQL_CODES or code == 0  # PyMySQL's for a connection that is closed
    return type(error).__module__.startswith("psycopg")  # no code: the server did not answer
